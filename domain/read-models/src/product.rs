//! What every read model of a product says of it.

use headwater_catalog::product::{Attributes, Event};
use headwater_kernel::{Currency, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product as it is now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProductFacts {
    /// The maker's part number; may repeat.
    pub sku: String,
    /// What it is called.
    pub title: String,
    /// The name of its brand.
    pub brand: String,
    /// The price in hundredths of the currency's unit.
    pub price_cents: i64,
    /// The currency of the price.
    pub currency: Currency,
    /// The name of its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// What it is, at length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its GTINs.
    #[serde(default)]
    pub gtin: Vec<String>,
    /// Its attributes by name.
    #[serde(default)]
    pub attributes: Attributes,
    /// When it came or comes to market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
}

/// Takes a value that an event brings, if it brings one.
pub(crate) fn take<T: Clone>(into: &mut T, new: &Option<T>) {
    if let Some(new) = new {
        into.clone_from(new);
    }
}

impl ProductFacts {
    /// Folds one event; a discontinued product keeps its facts. Its variants are not among them.
    pub fn apply(&mut self, event: &Event) {
        match event {
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
                    sku: sku.clone(),
                    title: title.clone(),
                    brand: brand.clone(),
                    price_cents: *price_cents,
                    currency: *currency,
                    category: category.clone(),
                    description: description.clone(),
                    gtin: gtin.clone(),
                    attributes: attributes.clone(),
                    released_at: *released_at,
                };
            }
            Event::ProductPriceChanged { price_cents, currency } => {
                (self.price_cents, self.currency) = (*price_cents, *currency);
            }
            Event::ProductRevised {
                sku,
                title,
                brand,
                category,
                description,
                released_at,
            } => {
                take(&mut self.sku, sku);
                take(&mut self.title, title);
                take(&mut self.brand, brand);
                take(&mut self.category, category);
                take(&mut self.description, description);
                take(&mut self.released_at, released_at);
            }
            Event::ProductGtinReplaced { gtin } => self.gtin.clone_from(gtin),
            Event::ProductAttributesReplaced { attributes } => self.attributes.clone_from(attributes),
            Event::ProductVariantAdded { .. }
            | Event::ProductVariantChanged { .. }
            | Event::ProductVariantDiscontinued { .. }
            | Event::ProductDiscontinued { .. } => {}
        }
    }
}
