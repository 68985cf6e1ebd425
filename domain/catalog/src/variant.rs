//! Variants: the sizes, colours and the like that a product comes in, each with numbers of its own.

mod command;
mod event;
mod options;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use event::Event;
pub use options::{MAX_OPTIONS, Options};

use crate::gtin;
use headwater_kernel::{Aggregate, AggregateType, Claim, Currency, Facts, Id, Money, Rejection};
use serde::{Deserialize, Serialize};

/// A variant of one product, and of that one for ever. Its GTINs are its own within the tenant, no product's either, also after it was
/// discontinued. Where it has no price, its product's counts.
///
/// That the product exists, and that no other variant of it has the same options, is not decided here: both are aggregates of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Absent before it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product_id: Option<Id>,
    sku: String,
    options: Options,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gtin: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    discontinued: bool,
}

/// A price as an event has it: both or neither.
fn price_of(price_cents: Option<i64>, currency: Option<Currency>) -> Option<Money> {
    price_cents.map(|cents| Money {
        cents,
        currency: currency.unwrap_or_default(),
    })
}

impl Aggregate for Variant {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "variants";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        let product_id = match (&self.product_id, &command) {
            (None, Command::Create { product_id, .. }) => product_id.clone(),
            (None, _) => return Err(Rejection::not_found()),
            (Some(_), Command::Create { .. }) => return Err(Rejection::already_exists()),
            (Some(_), _) if self.discontinued => {
                let detail = "the variant was discontinued; create another";
                return Err(Rejection::rule("discontinued", detail));
            }
            (Some(product_id), _) => product_id.clone(),
        };
        let event = match command.checked()? {
            Command::Create {
                product_id,
                sku,
                options,
                gtin,
                price_cents,
                currency,
            } => Event::VariantCreated {
                product_id,
                sku,
                options,
                gtin,
                price_cents,
                currency: price_cents.map(|_| currency.unwrap_or_default()),
            },
            Command::ChangeSku { sku } if sku == self.sku => return Ok(vec![]),
            Command::ChangeSku { sku } => Event::VariantSkuChanged { product_id, sku },
            Command::SetOptions { options } if options == self.options => return Ok(vec![]),
            Command::SetOptions { options } => Event::VariantOptionsReplaced { product_id, options },
            Command::SetGtin { gtin } if gtin == self.gtin => return Ok(vec![]),
            Command::SetGtin { gtin } => Event::VariantGtinReplaced { product_id, gtin },
            Command::ChangePrice { price_cents, currency } => {
                let currency = currency.or(self.price.map(|price| price.currency)).unwrap_or_default();
                let cents = price_cents;
                if self.price == Some(Money { cents, currency }) {
                    return Ok(vec![]);
                }
                Event::VariantPriceChanged {
                    product_id,
                    price_cents,
                    currency,
                }
            }
            Command::ClearPrice {} if self.price.is_none() => return Ok(vec![]),
            Command::ClearPrice {} => Event::VariantPriceCleared { product_id },
            Command::Discontinue { reason } => Event::VariantDiscontinued { product_id, reason },
        };
        Ok(vec![event])
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::VariantCreated {
                product_id,
                sku,
                options,
                gtin,
                price_cents,
                currency,
            } => {
                *self = Self {
                    product_id: Some(product_id),
                    sku,
                    options,
                    gtin,
                    price: price_of(price_cents, currency),
                    discontinued: false,
                };
            }
            Event::VariantSkuChanged { sku, .. } => self.sku = sku,
            Event::VariantOptionsReplaced { options, .. } => self.options = options,
            Event::VariantGtinReplaced { gtin, .. } => self.gtin = gtin,
            Event::VariantPriceChanged {
                price_cents, currency, ..
            } => self.price = price_of(Some(price_cents), Some(currency)),
            Event::VariantPriceCleared { .. } => self.price = None,
            Event::VariantDiscontinued { .. } => self.discontinued = true,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        gtin::claims(&self.gtin)
    }

    fn rivals(claim: &str) -> Vec<AggregateType> {
        gtin::rivals::<Self>(claim)
    }
}
