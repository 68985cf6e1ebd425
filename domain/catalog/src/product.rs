//! Products: what is for sale, under which numbers and at what price.

mod attributes;
mod command;
mod event;
#[cfg(test)]
mod tests;
mod variants;

pub use attributes::{Attribute, Attributes, MAX_ATTRIBUTES};
pub use command::{Command, Content};
pub use event::Event;
pub use variants::{MAX_OPTIONS, MAX_VARIANTS, NewVariant, Options, VariantChange, VariantEnd};

use crate::gtin;
use headwater_kernel::{Aggregate, Claim, Currency, Facts, Rejection, Timestamp};
use serde::{Deserialize, Serialize};
use variants::Variants;

/// A product and the variants that it comes in. Its GTINs and theirs are no other's within the tenant, also after they were discontinued,
/// because GS1 never gives one out again. A SKU is the maker's part number and may be another product's too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    stage: Stage,
    sku: String,
    title: String,
    brand: String,
    price_cents: i64,
    currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    released_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gtin: Vec<String>,
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes,
    #[serde(default, skip_serializing_if = "Variants::is_empty")]
    variants: Variants,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    #[default]
    Absent,
    OnSale,
    Discontinued,
}

/// What of `new` differs from `old`.
fn changed<T: PartialEq>(new: T, old: &T) -> Option<T> {
    (new != *old).then_some(new)
}

impl Product {
    fn create(content: Content) -> Event {
        let Content {
            sku,
            title,
            brand,
            price_cents,
            currency,
            category,
            description,
            gtin,
            attributes,
            released_at,
        } = content;
        Event::ProductCreated {
            sku,
            title,
            brand,
            price_cents,
            currency,
            category,
            description,
            gtin,
            attributes,
            released_at,
        }
    }

    /// The events that lead from this state to `content`.
    fn become_content(&self, content: Content) -> Result<Vec<Event>, Rejection> {
        let mut events = self.change_price(content.price_cents, content.currency)?;
        events.extend(self.revise(
            Some(content.sku),
            Some(content.title),
            Some(content.brand),
            Some(content.category),
            Some(content.description),
            Some(content.released_at),
        ));
        events.extend(self.replace_gtin(content.gtin)?);
        events.extend(self.replace_attributes(content.attributes));
        Ok(events)
    }

    fn change_price(&self, price_cents: i64, currency: Currency) -> Result<Vec<Event>, Rejection> {
        if currency != self.currency {
            self.variants.check_without_prices()?;
        }
        let same = (price_cents, currency) == (self.price_cents, self.currency);
        Ok(if same {
            vec![]
        } else {
            vec![Event::ProductPriceChanged { price_cents, currency }]
        })
    }

    fn revise(
        &self,
        sku: Option<String>,
        title: Option<String>,
        brand: Option<String>,
        category: Option<Option<String>>,
        description: Option<Option<String>>,
        released_at: Option<Option<Timestamp>>,
    ) -> Option<Event> {
        let sku = sku.and_then(|new| changed(new, &self.sku));
        let title = title.and_then(|new| changed(new, &self.title));
        let brand = brand.and_then(|new| changed(new, &self.brand));
        let category = category.and_then(|new| changed(new, &self.category));
        let description = description.and_then(|new| changed(new, &self.description));
        let released_at = released_at.and_then(|new| changed(new, &self.released_at));
        let any = sku.is_some() || title.is_some() || brand.is_some();
        let any = any || category.is_some() || description.is_some() || released_at.is_some();
        any.then_some(Event::ProductRevised {
            sku,
            title,
            brand,
            category,
            description,
            released_at,
        })
    }

    fn replace_gtin(&self, gtin: Vec<String>) -> Result<Option<Event>, Rejection> {
        self.variants.check_gtin_is_free(&gtin, None)?;
        Ok(changed(gtin, &self.gtin).map(|gtin| Event::ProductGtinReplaced { gtin }))
    }

    fn replace_attributes(&self, attributes: Attributes) -> Option<Event> {
        changed(attributes, &self.attributes).map(|attributes| Event::ProductAttributesReplaced { attributes })
    }
}

impl Aggregate for Product {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "products";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        match (self.stage, &command) {
            (Stage::Absent, Command::Create(_) | Command::Import(_)) | (Stage::OnSale, _) => {}
            (Stage::Absent, _) => return Err(Rejection::not_found()),
            (Stage::Discontinued, Command::Create(_)) => return Err(Rejection::already_exists()),
            (Stage::Discontinued, _) => {
                return Err(Rejection::rule(
                    "discontinued",
                    "the product was discontinued; create another",
                ));
            }
        }
        Ok(match command.checked()? {
            Command::Create(_) if self.stage == Stage::OnSale => return Err(Rejection::already_exists()),
            Command::Create(content) => vec![Self::create(content)],
            Command::Import(content) if self.stage == Stage::Absent => vec![Self::create(content)],
            Command::Import(content) => self.become_content(content)?,
            Command::ChangePrice { price_cents, currency } => {
                self.change_price(price_cents, currency.unwrap_or(self.currency))?
            }
            Command::Revise {
                sku,
                title,
                brand,
                category,
                description,
                released_at,
            } => self
                .revise(sku, title, brand, category, description, released_at)
                .into_iter()
                .collect(),
            Command::SetGtin { gtin } => self.replace_gtin(gtin)?.into_iter().collect(),
            Command::SetAttributes { attributes } => self.replace_attributes(attributes).into_iter().collect(),
            Command::AddVariant(variant) => vec![self.add_variant(variant)?],
            Command::ChangeVariant(change) => self.change_variant(change)?.into_iter().collect(),
            Command::DiscontinueVariant(end) => vec![self.discontinue_variant(end)?],
            Command::Discontinue { reason } => vec![Event::ProductDiscontinued { reason }],
        })
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::ProductCreated {
                sku,
                title,
                brand,
                price_cents,
                currency,
                category,
                description,
                gtin,
                attributes,
                released_at,
            } => {
                *self = Self {
                    stage: Stage::OnSale,
                    sku,
                    title,
                    brand,
                    price_cents,
                    currency,
                    category,
                    description,
                    released_at,
                    gtin,
                    attributes,
                    variants: Variants::default(),
                };
            }
            Event::ProductPriceChanged { price_cents, currency } => {
                self.price_cents = price_cents;
                self.currency = currency;
            }
            Event::ProductRevised {
                sku,
                title,
                brand,
                category,
                description,
                released_at,
            } => {
                self.sku = sku.unwrap_or_else(|| self.sku.clone());
                self.title = title.unwrap_or_else(|| self.title.clone());
                self.brand = brand.unwrap_or_else(|| self.brand.clone());
                self.category = category.unwrap_or_else(|| self.category.clone());
                self.description = description.unwrap_or_else(|| self.description.clone());
                self.released_at = released_at.unwrap_or(self.released_at);
            }
            Event::ProductGtinReplaced { gtin } => self.gtin = gtin,
            Event::ProductAttributesReplaced { attributes } => self.attributes = attributes,
            Event::ProductVariantAdded { .. }
            | Event::ProductVariantChanged { .. }
            | Event::ProductVariantDiscontinued { .. } => self.variants.apply(event),
            Event::ProductDiscontinued { .. } => self.stage = Stage::Discontinued,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        gtin::claims(self.gtin.iter().chain(self.variants.gtin()))
    }
}
