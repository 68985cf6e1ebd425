//! What can happen to a variant. Stored for ever: a change here needs a new schema version and an upcast. Every event names the product, so
//! that what is kept per product can follow without having seen the variant before.

use super::Options;
use headwater_kernel::{Currency, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can happen to a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A variant was created.
    VariantCreated {
        /// The product that it is a variant of.
        product_id: Id,
        /// The maker's part number.
        sku: String,
        /// Its options by name.
        options: Options,
        /// Its GTINs, none twice.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gtin: Vec<String>,
        /// Its own price in hundredths of the currency's unit, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price_cents: Option<i64>,
        /// The currency of that price.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// The maker's part number changed.
    VariantSkuChanged {
        /// The product that it is a variant of.
        product_id: Id,
        /// The new part number.
        sku: String,
    },
    /// The options of a variant were replaced.
    VariantOptionsReplaced {
        /// The product that it is a variant of.
        product_id: Id,
        /// All that it has now, by name.
        options: Options,
    },
    /// The GTINs of a variant were replaced.
    VariantGtinReplaced {
        /// The product that it is a variant of.
        product_id: Id,
        /// All that it has now, none twice.
        gtin: Vec<String>,
    },
    /// A variant got a price of its own, or another one.
    VariantPriceChanged {
        /// The product that it is a variant of.
        product_id: Id,
        /// The new price in hundredths of the currency's unit.
        price_cents: i64,
        /// The currency of the price.
        currency: Currency,
    },
    /// A variant's own price was taken away, and its product's counts.
    VariantPriceCleared {
        /// The product that it is a variant of.
        product_id: Id,
    },
    /// A variant was taken off sale for good.
    VariantDiscontinued {
        /// The product that it is a variant of.
        product_id: Id,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}
