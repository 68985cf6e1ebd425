//! `product-view`: one row per product.
//!
//! Serves `GET /catalog/products/{id}` by [`ProductRow::key`] and `GET /catalog/products` by [`ProductRow::all`], in the order of ids.
//! A discontinued product stays, marked. Every other question about products is put to search, so there is no index.

use crate::{EventContext, Fold, RowFold, fold::no_id};
use headwater_catalog::product::{Attributes, Event, Product};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Currency, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a product, in the view and in search alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProductDetails {
    /// The maker's part number.
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gtin: Vec<String>,
    /// Its attributes by name.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// When it came or comes to market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// Whether it was taken off sale for good.
    pub discontinued: bool,
    /// When it was created here.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl ProductDetails {
    /// Whether the product was created.
    pub(crate) fn exists(&self) -> bool {
        self.created_at > Timestamp::default()
    }

    pub(crate) fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
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
                    discontinued: false,
                    created_at: at.time,
                    updated_at: at.time,
                };
            }
            Event::ProductPriceChanged { price_cents, currency } => {
                (self.price_cents, self.currency) = (price_cents, currency);
            }
            Event::ProductRevised {
                sku,
                title,
                brand,
                category,
                description,
                released_at,
            } => {
                replace(&mut self.sku, sku);
                replace(&mut self.title, title);
                replace(&mut self.brand, brand);
                replace(&mut self.category, category);
                replace(&mut self.description, description);
                replace(&mut self.released_at, released_at);
            }
            Event::ProductGtinReplaced { gtin } => self.gtin = gtin,
            Event::ProductAttributesReplaced { attributes } => self.attributes = attributes,
            Event::ProductDiscontinued { .. } => self.discontinued = true,
        }
        self.updated_at = at.time;
    }
}

fn replace<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}

/// A product as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "PRODUCT",
    pk = "TENANT#{tenant_id}",
    sk = "PRODUCT#{id}"
)]
pub struct ProductRow {
    /// The product's id.
    pub id: Id,
    /// What is known of it.
    #[serde(flatten)]
    pub details: ProductDetails,
}

impl Default for ProductRow {
    fn default() -> Self {
        Self {
            id: no_id(),
            details: ProductDetails::default(),
        }
    }
}

impl Fold for ProductRow {
    type Source = Product;
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        self.id = at.id.clone();
        self.details.apply(at, event);
    }
}

impl RowFold for ProductRow {
    fn key(id: &Id) -> RowKey {
        Self::key(id)
    }

    fn is_live(&self) -> bool {
        self.details.exists()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fold::testing::{at, given, id};
    use headwater_dynamo_schema::Entity;
    use serde_json::{Value, json};

    pub(crate) fn event(event_type: &str, data: Value) -> Event {
        serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
    }

    pub(crate) fn created() -> Event {
        event(
            "ProductCreated",
            json!({
                "sku": "006R90321", "title": "Toner", "brand": "Xerox", "price_cents": 4995, "currency": "USD",
                "description": "6 per box", "gtin": ["0095205603217"], "attributes": { "n_pages": 23000, "n_width": 1.5 }
            }),
        )
    }

    #[test]
    fn folds_all_that_happens_to_a_product() {
        let row: ProductRow = given([
            created(),
            event("ProductPriceChanged", json!({ "price_cents": 1, "currency": "EUR" })),
            event(
                "ProductRevised",
                json!({ "title": "Black toner", "description": null, "category": "Toner" }),
            ),
            event("ProductGtinReplaced", json!({ "gtin": [] })),
            event("ProductAttributesReplaced", json!({ "attributes": { "b_new": true } })),
            event("ProductDiscontinued", json!({ "reason": "sold out" })),
        ]);
        assert_eq!(
            serde_json::to_value(&row).unwrap(),
            json!({
                "id": "T1", "sku": "006R90321", "title": "Black toner", "brand": "Xerox", "price_cents": 1, "currency": "EUR",
                "category": "Toner", "attributes": { "b_new": true }, "discontinued": true,
                "created_at": at(1), "updated_at": at(6)
            })
        );
        assert!(row.is_live(), "a discontinued product can still be read");
        assert_eq!(row.row_key(), <ProductRow as RowFold>::key(&id("T1")));
        assert_eq!(row.row_key().sort, "PRODUCT#T1");
    }
}
