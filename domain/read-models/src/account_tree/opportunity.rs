//! The rows of opportunities and of their line items, below their account.

use crate::{EventContext, Fold, RowsFold};
use headwater_crm::opportunity::{Event, Opportunity};
use headwater_dynamo_schema::{DynamoRepository, RowItem, RowItemError};
use headwater_kernel::{Currency, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a deal stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OpportunityStage {
    /// It can still be made.
    #[default]
    Open,
    /// It was made.
    Won,
    /// It will not be made.
    Lost,
}

/// An opportunity, below its account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "OPPORTUNITY",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{account_id}#OPPORTUNITY#{id}"
)]
pub struct OpportunityRow {
    /// The opportunity's id.
    pub id: Id,
    /// The account it is with.
    pub account_id: Id,
    /// The title of the deal.
    pub name: String,
    /// Where it stands.
    pub stage: OpportunityStage,
    /// Why it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_reason: Option<String>,
    /// What it is expected to be worth, in hundredths of the currency's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_cents: Option<i64>,
    /// The exact sum of its line items, in hundredths of the currency's unit.
    pub total_cents: i64,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// How many line items it has.
    pub line_item_count: u32,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

/// A line item, below its opportunity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "LINE_ITEM",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{account_id}#OPPORTUNITY#{opportunity_id}#LINE_ITEM#{id}"
)]
pub struct LineItemRow {
    /// The line item's id within its opportunity.
    pub id: Id,
    /// The account that the opportunity is with.
    pub account_id: Id,
    /// The opportunity it belongs to.
    pub opportunity_id: Id,
    /// The product that would be sold.
    pub product_id: Id,
    /// How many of it.
    pub quantity: u32,
    /// The price of one in hundredths of the currency's unit.
    pub price_cents: i64,
    /// Quantity times price.
    pub total_cents: i64,
    /// The currency of its amounts.
    pub currency: Currency,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The fold of an opportunity: an [`OpportunityRow`] and a [`LineItemRow`] for each line item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OpportunityRows {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opportunity: Option<OpportunityRow>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    line_items: BTreeMap<Id, LineItemRow>,
}

impl Fold for OpportunityRows {
    type Source = Opportunity;
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        if let Event::OpportunityOpened {
            account_id,
            name,
            amount_cents,
            currency,
        } = event.clone()
        {
            self.opportunity = Some(OpportunityRow {
                id: at.id.clone(),
                account_id,
                name,
                stage: OpportunityStage::Open,
                lost_reason: None,
                amount_cents,
                total_cents: 0,
                currency,
                line_item_count: 0,
                created_at: at.time,
                updated_at: at.time,
            });
        }
        let Some(opportunity) = &mut self.opportunity else {
            return;
        };
        match event.clone() {
            Event::OpportunityOpened { .. } => {}
            Event::LineItemAdded {
                line_item_id,
                product_id,
                quantity,
                price_cents,
            } => {
                let item = LineItemRow {
                    id: line_item_id.clone(),
                    account_id: opportunity.account_id.clone(),
                    opportunity_id: opportunity.id.clone(),
                    product_id,
                    quantity,
                    price_cents,
                    // The decision refused what does not fit.
                    total_cents: price_cents.saturating_mul(i64::from(quantity)),
                    currency: opportunity.currency,
                    created_at: at.time,
                };
                self.line_items.insert(line_item_id, item);
            }
            Event::LineItemRemoved { line_item_id } => {
                self.line_items.remove(&line_item_id);
            }
            Event::OpportunityAmountChanged { amount_cents } => opportunity.amount_cents = Some(amount_cents),
            Event::OpportunityWon {} => opportunity.stage = OpportunityStage::Won,
            Event::OpportunityLost { reason } => {
                opportunity.stage = OpportunityStage::Lost;
                opportunity.lost_reason = reason;
            }
        }
        let totals = self.line_items.values().map(|item| item.total_cents);
        opportunity.total_cents = totals.fold(0, i64::saturating_add);
        opportunity.line_item_count = u32::try_from(self.line_items.len()).unwrap_or(u32::MAX);
        opportunity.updated_at = at.time;
    }
}

impl RowsFold for OpportunityRows {
    fn rows(&self, _: &Id) -> Result<Vec<RowItem>, RowItemError> {
        let opportunity = self.opportunity.iter().map(RowItem::of);
        opportunity.chain(self.line_items.values().map(RowItem::of)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::testing::{at, given, id};

    fn opened() -> Event {
        Event::OpportunityOpened {
            account_id: id("A1"),
            name: "Toner".into(),
            amount_cents: None,
            currency: Currency::USD,
        }
    }

    fn added(item: &str, quantity: u32, price_cents: i64) -> Event {
        Event::LineItemAdded {
            line_item_id: id(item),
            product_id: id("P1"),
            quantity,
            price_cents,
        }
    }

    #[test]
    fn its_rows_stand_below_its_account() {
        let events = [
            opened(),
            added("1", 2, 10),
            added("2", 1, 5),
            Event::LineItemRemoved { line_item_id: id("1") },
        ];
        let rows = given::<OpportunityRows>(events).rows(&id("T1")).unwrap();
        let keys: Vec<_> = rows.iter().map(|row| row.key.sort.as_str()).collect();
        assert_eq!(
            keys,
            ["ACCOUNT#A1#OPPORTUNITY#T1", "ACCOUNT#A1#OPPORTUNITY#T1#LINE_ITEM#2"]
        );
    }

    #[test]
    fn folds_all_that_happens_to_an_opportunity() {
        let folded = given::<OpportunityRows>([
            opened(),
            added("1", 2, 10),
            added("2", 1, 5),
            Event::OpportunityAmountChanged { amount_cents: 30 },
            Event::OpportunityLost {
                reason: Some("price".into()),
            },
        ]);
        let row = folded.opportunity.unwrap();
        assert_eq!(
            (row.total_cents, row.line_item_count, row.amount_cents),
            (25, 2, Some(30))
        );
        assert_eq!(
            (row.stage, row.lost_reason.as_deref()),
            (OpportunityStage::Lost, Some("price"))
        );
        assert_eq!((row.created_at, row.updated_at), (at(1), at(5)));
        assert_eq!(folded.line_items[&id("1")].total_cents, 20);
        let won = given::<OpportunityRows>([opened(), Event::OpportunityWon {}])
            .opportunity
            .unwrap();
        assert_eq!(won.stage, OpportunityStage::Won);
    }
}
