//! `variants`: the variants of each product, a row each below its product. Serves `GET /v1/catalog/variants/{id}`, and with one query
//! `GET /v1/catalog/products/{id}/variants`. The product's own row is another projection's, so that a page of products reads no variants.

use crate::{EventContext, Fold, RowsFold};
use headwater_catalog::variant::{Event, Options, Variant};
use headwater_dynamo_schema::{DynamoRepository, RowItem, RowItemError};
use headwater_kernel::{Currency, Id, Timestamp};
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "variants";

/// A variant of a product, also one that was discontinued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "VARIANT",
    pk = "TENANT#{tenant_id}",
    sk = "PRODUCT#{product_id}#VARIANT#{id}"
)]
pub struct VariantRow {
    /// Its id.
    pub id: Id,
    /// The product that it is a variant of.
    pub product_id: Id,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: VariantFacts,
}

/// What is known of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Whether it was taken off sale for good.
    pub discontinued: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A variant's row, whose key takes more than the variant's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantFold {
    id: Id,
    // Not flattened: an `Option` that is, swallows the error of a value that cannot be read and would then show nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<BelowProduct>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct BelowProduct {
    product_id: Id,
    #[serde(flatten)]
    facts: VariantFacts,
}

impl Fold for VariantFold {
    type Source = Variant;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            row: None,
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        if let Event::VariantCreated {
            product_id,
            sku,
            options,
            gtin,
            price_cents,
            currency,
        } = event
        {
            self.row = Some(BelowProduct {
                product_id: product_id.clone(),
                facts: VariantFacts {
                    sku: sku.clone(),
                    options: options.clone(),
                    gtin: gtin.clone(),
                    price_cents: *price_cents,
                    currency: *currency,
                    discontinued: false,
                    created_at: at.time,
                    updated_at: at.time,
                },
            });
        }
        let Some(BelowProduct { facts, .. }) = &mut self.row else {
            return;
        };
        match event {
            Event::VariantCreated { .. } => {}
            Event::VariantSkuChanged { sku, .. } => facts.sku.clone_from(sku),
            Event::VariantOptionsReplaced { options, .. } => facts.options.clone_from(options),
            Event::VariantGtinReplaced { gtin, .. } => facts.gtin.clone_from(gtin),
            Event::VariantPriceChanged {
                price_cents, currency, ..
            } => (facts.price_cents, facts.currency) = (Some(*price_cents), Some(*currency)),
            Event::VariantPriceCleared { .. } => (facts.price_cents, facts.currency) = (None, None),
            Event::VariantDiscontinued { .. } => facts.discontinued = true,
        }
        facts.updated_at = at.time;
    }
}

impl RowsFold for VariantFold {
    const TABLE: &'static str = "catalog";

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        let row = self.row.clone().map(|BelowProduct { product_id, facts }| VariantRow {
            id: self.id.clone(),
            product_id,
            facts,
        });
        row.iter().map(RowItem::of).collect()
    }
}
