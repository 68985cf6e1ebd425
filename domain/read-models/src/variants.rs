//! `variants`: the variants of each product, a row each below its product. With one query it serves
//! `GET /v1/catalog/products/{id}/variants`. The product's own row is another projection's, so that a page of products reads no variants. A
//! product without variants has no rows here, just the head that says how far it was followed.

use crate::{EventContext, Fold, RowKind, RowsFold, product::take};
use headwater_catalog::product::{Event, Options, Product};
use headwater_dynamo_schema::{DynamoRepository, RowItem, RowItemError};
use headwater_kernel::{Currency, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The projection's name.
pub const PROJECTION: &str = "variants";

/// A variant of a product, also one that was discontinued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "VARIANT",
    pk = "TENANT#{tenant_id}",
    sk = "PRODUCT#{product_id}#VARIANT#{id}"
)]
pub struct VariantRow {
    /// Its id within the product.
    pub id: Id,
    /// The product that it is a variant of.
    pub product_id: Id,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: VariantFacts,
}

/// What is known of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantFacts {
    /// The maker's part number; may repeat.
    pub sku: String,
    /// Its options by name.
    pub options: Options,
    /// Its GTINs.
    pub gtin: Vec<String>,
    /// Its own price in hundredths of the currency's unit; without one its product's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_cents: Option<i64>,
    /// The currency of its own price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Whether it was taken off sale for good, by itself or with its product.
    pub discontinued: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// All variants that a product ever had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantsFold {
    id: Id,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    variants: BTreeMap<Id, VariantFacts>,
}

impl Fold for VariantsFold {
    type Source = Product;

    // 1 followed variants that were aggregates of their own.
    const VERSION: u32 = 2;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            variants: BTreeMap::new(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::ProductVariantAdded {
                variant_id,
                sku,
                options,
                gtin,
                price_cents,
                currency,
            } => {
                let facts = VariantFacts {
                    sku: sku.clone(),
                    options: options.clone(),
                    gtin: gtin.clone(),
                    price_cents: *price_cents,
                    currency: *currency,
                    discontinued: false,
                    created_at: at.time,
                    updated_at: at.time,
                };
                self.variants.insert(variant_id.clone(), facts);
            }
            Event::ProductVariantChanged {
                variant_id,
                sku,
                options,
                gtin,
                price_cents,
                currency,
            } => {
                let Some(facts) = self.variants.get_mut(variant_id) else {
                    return;
                };
                take(&mut facts.sku, sku);
                take(&mut facts.options, options);
                take(&mut facts.gtin, gtin);
                if let Some(price_cents) = price_cents {
                    (facts.price_cents, facts.currency) = (*price_cents, *currency);
                }
                facts.updated_at = at.time;
            }
            Event::ProductVariantDiscontinued { variant_id, .. } => {
                if let Some(facts) = self.variants.get_mut(variant_id) {
                    discontinue(facts, at);
                }
            }
            Event::ProductDiscontinued { .. } => {
                let on_sale = self.variants.values_mut().filter(|facts| !facts.discontinued);
                on_sale.for_each(|facts| discontinue(facts, at));
            }
            Event::ProductCreated { .. }
            | Event::ProductPriceChanged { .. }
            | Event::ProductRevised { .. }
            | Event::ProductGtinReplaced { .. }
            | Event::ProductAttributesReplaced { .. } => {}
        }
    }
}

fn discontinue(facts: &mut VariantFacts, at: &EventContext<'_>) {
    facts.discontinued = true;
    facts.updated_at = at.time;
}

impl RowsFold for VariantsFold {
    const TABLE: &'static str = "catalog";

    fn kinds() -> Vec<RowKind> {
        vec![RowKind::of::<VariantRow>()]
    }

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        let row = |(id, facts): (&Id, &VariantFacts)| {
            RowItem::of(&VariantRow {
                id: id.clone(),
                product_id: self.id.clone(),
                facts: facts.clone(),
            })
        };
        self.variants.iter().map(row).collect()
    }
}
