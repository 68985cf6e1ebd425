//! Opportunities: deals with an account, with the line items that would be sold.

#[cfg(test)]
mod tests;

use headwater_kernel::{Aggregate, Currency, Facts, Id, Money, MoneyError, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most line items of one opportunity.
pub const MAX_LINE_ITEMS: usize = 500;

/// An opportunity. Once won or lost, nothing of it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opportunity {
    stage: Stage,
    currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount_cents: Option<i64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    line_items: BTreeMap<Id, LineItem>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    #[default]
    Absent,
    Open,
    Won,
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct LineItem {
    quantity: u32,
    price_cents: i64,
}

/// What can be asked of an opportunity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Opens an opportunity with an account.
    Open {
        /// The account it is with.
        account_id: Id,
        /// The title of the deal. Not personal: name what is sold, not to whom.
        #[schemars(length(min = 1, max = 200))]
        name: String,
        /// What the deal is expected to be worth, in hundredths of the currency's unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0))]
        amount_cents: Option<i64>,
        /// The currency of the amount and of all line items.
        #[serde(default)]
        currency: Currency,
    },
    /// Adds a line item.
    AddLineItem {
        /// Its id, not used in this opportunity before it was removed.
        line_item_id: Id,
        /// The product that would be sold.
        product_id: Id,
        /// How many of it.
        #[schemars(range(min = 1))]
        quantity: u32,
        /// The price of one in hundredths of the opportunity's currency; never negative.
        #[schemars(range(min = 0))]
        price_cents: i64,
    },
    /// Removes a line item.
    RemoveLineItem {
        /// The line item to remove.
        line_item_id: Id,
    },
    /// Changes what the deal is expected to be worth.
    ChangeAmount {
        /// The new amount in hundredths of the opportunity's currency; never negative.
        #[schemars(range(min = 0))]
        amount_cents: i64,
    },
    /// Records that the deal was made.
    Win {},
    /// Records that the deal will not be made.
    Lose {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
}

/// What can happen to an opportunity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// An opportunity was opened.
    OpportunityOpened {
        /// The account it is with.
        account_id: Id,
        /// The title of the deal.
        name: String,
        /// What it is expected to be worth, in hundredths of the currency's unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount_cents: Option<i64>,
        /// The currency of the amount and of all line items.
        currency: Currency,
    },
    /// A line item was added.
    LineItemAdded {
        /// Its id.
        line_item_id: Id,
        /// The product that would be sold.
        product_id: Id,
        /// How many of it.
        quantity: u32,
        /// The price of one in hundredths of the opportunity's currency.
        price_cents: i64,
    },
    /// A line item was removed.
    LineItemRemoved {
        /// Its id.
        line_item_id: Id,
    },
    /// The deal is expected to be worth something else.
    OpportunityAmountChanged {
        /// The new amount in hundredths of the opportunity's currency.
        amount_cents: i64,
    },
    /// The deal was made.
    OpportunityWon {},
    /// The deal will not be made.
    OpportunityLost {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

fn not_negative(pointer: &str, cents: i64) -> Result<(), Rejection> {
    if cents < 0 {
        return Err(Rejection::field(
            "negative-amount",
            pointer,
            "an amount is never negative",
        ));
    }
    Ok(())
}

impl Opportunity {
    /// The exact sum of all line items.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] past 64 bits, which no opportunity reaches, because no line item is added that would.
    pub fn total(&self) -> Result<Money, MoneyError> {
        let zero = Money {
            cents: 0,
            currency: self.currency,
        };
        self.line_items.values().try_fold(zero, |sum, item| {
            sum.plus(
                Money {
                    cents: item.price_cents,
                    currency: self.currency,
                }
                .times(item.quantity)?,
            )
        })
    }

    fn check_line_item(&self, id: &Id, item: LineItem) -> Result<(), Rejection> {
        if self.line_items.contains_key(id) {
            let detail = "the opportunity has a line item with this id; choose another";
            return Err(Rejection::field("duplicate-line-item", "/line_item_id", detail));
        }
        if item.quantity == 0 {
            return Err(Rejection::field(
                "no-quantity",
                "/quantity",
                "a line item has a quantity of at least 1",
            ));
        }
        not_negative("/price_cents", item.price_cents)?;
        if self.line_items.len() >= MAX_LINE_ITEMS {
            let detail = format!("the opportunity has {MAX_LINE_ITEMS} line items, and no more are allowed");
            return Err(Rejection::rule("too-many", detail));
        }
        let price = Money {
            cents: item.price_cents,
            currency: self.currency,
        };
        let total = price.times(item.quantity).and_then(|added| self.total()?.plus(added));
        total.map_err(|_| {
            Rejection::field(
                "amount-too-large",
                "/price_cents",
                "with it the total of all line items does not fit 64 bits",
            )
        })?;
        Ok(())
    }
}

impl Aggregate for Opportunity {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "opportunities";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        match (self.stage, &command) {
            (Stage::Absent, Command::Open { .. }) | (Stage::Open, _) => {}
            (Stage::Absent, _) => return Err(Rejection::not_found()),
            (Stage::Won | Stage::Lost, Command::Open { .. }) => return Err(Rejection::already_exists()),
            (Stage::Won | Stage::Lost, _) => {
                let how = if self.stage == Stage::Won { "won" } else { "lost" };
                let detail = format!("the opportunity was {how} and changes no more; open another");
                return Err(Rejection::rule("opportunity-closed", detail));
            }
        }
        Ok(vec![match command {
            Command::Open { .. } if self.stage == Stage::Open => return Err(Rejection::already_exists()),
            Command::Open {
                account_id,
                name,
                amount_cents,
                currency,
            } => {
                text::name(&name)?;
                amount_cents.map_or(Ok(()), |cents| not_negative("/amount_cents", cents))?;
                Event::OpportunityOpened {
                    account_id,
                    name,
                    amount_cents,
                    currency,
                }
            }
            Command::AddLineItem {
                line_item_id,
                product_id,
                quantity,
                price_cents,
            } => {
                self.check_line_item(&line_item_id, LineItem { quantity, price_cents })?;
                Event::LineItemAdded {
                    line_item_id,
                    product_id,
                    quantity,
                    price_cents,
                }
            }
            Command::RemoveLineItem { line_item_id } => {
                if !self.line_items.contains_key(&line_item_id) {
                    let detail = "the opportunity has no line item with this id";
                    return Err(Rejection::field("no-such-line-item", "/line_item_id", detail));
                }
                Event::LineItemRemoved { line_item_id }
            }
            Command::ChangeAmount { amount_cents } if self.amount_cents == Some(amount_cents) => return Ok(vec![]),
            Command::ChangeAmount { amount_cents } => {
                not_negative("/amount_cents", amount_cents)?;
                Event::OpportunityAmountChanged { amount_cents }
            }
            Command::Win {} => Event::OpportunityWon {},
            Command::Lose { reason } => {
                text::reason(reason.as_deref())?;
                Event::OpportunityLost { reason }
            }
        }])
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::OpportunityOpened {
                amount_cents, currency, ..
            } => {
                *self = Self {
                    stage: Stage::Open,
                    currency: *currency,
                    amount_cents: *amount_cents,
                    ..Self::default()
                };
            }
            Event::LineItemAdded {
                line_item_id,
                quantity,
                price_cents,
                ..
            } => {
                let item = LineItem {
                    quantity: *quantity,
                    price_cents: *price_cents,
                };
                self.line_items.insert(line_item_id.clone(), item);
            }
            Event::LineItemRemoved { line_item_id } => {
                self.line_items.remove(line_item_id);
            }
            Event::OpportunityAmountChanged { amount_cents } => self.amount_cents = Some(*amount_cents),
            Event::OpportunityWon {} => self.stage = Stage::Won,
            Event::OpportunityLost { .. } => self.stage = Stage::Lost,
        }
    }
}
