//! What can happen to a product. Stored for ever: a change here needs a new schema version and an upcast.

use super::{Attributes, Options, command::given};
use headwater_kernel::{Currency, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can happen to a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
#[allow(clippy::large_enum_variant, reason = "the large one is by far the most frequent")]
pub enum Event {
    /// A product was created.
    ProductCreated {
        /// The maker's part number.
        sku: String,
        /// What it is called.
        title: String,
        /// The name of its brand.
        brand: String,
        /// The price in hundredths of the currency's unit.
        price_cents: i64,
        /// The currency of the price.
        currency: Currency,
        /// The name of its category.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<String>,
        /// What it is, at length.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Its GTINs, none twice.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gtin: Vec<String>,
        /// Its attributes by name.
        #[serde(default, skip_serializing_if = "Attributes::is_empty")]
        attributes: Attributes,
        /// When it came or comes to market.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        released_at: Option<Timestamp>,
    },
    /// The price of a product changed.
    ProductPriceChanged {
        /// The new price in hundredths of the currency's unit.
        price_cents: i64,
        /// The currency of the price.
        currency: Currency,
    },
    /// What a product is described by was corrected. What is absent stayed; what is null was removed.
    ProductRevised {
        /// The maker's part number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<String>,
        /// What it is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// The name of its brand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        brand: Option<String>,
        /// The name of its category.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        category: Option<Option<String>>,
        /// What it is, at length.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        description: Option<Option<String>>,
        /// When it came or comes to market.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        released_at: Option<Option<Timestamp>>,
    },
    /// The GTINs of a product were replaced.
    ProductGtinReplaced {
        /// All that it has now, none twice.
        gtin: Vec<String>,
    },
    /// The attributes of a product were replaced.
    ProductAttributesReplaced {
        /// All that it has now, by name.
        attributes: Attributes,
    },
    /// A variant was added to a product.
    ProductVariantAdded {
        /// Its id within the product.
        variant_id: Id,
        /// The maker's part number.
        sku: String,
        /// What tells it from the product's others, by name.
        options: Options,
        /// Its GTINs, none twice.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gtin: Vec<String>,
        /// Its own price in hundredths of the currency's unit; without one its product's counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price_cents: Option<i64>,
        /// The currency of its own price: the product's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// A variant of a product changed. What is absent stayed; a price of null was taken away, and its product's counts.
    ProductVariantChanged {
        /// Its id within the product.
        variant_id: Id,
        /// The maker's part number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<String>,
        /// All options that it has now, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<Options>,
        /// All GTINs that it has now, none twice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gtin: Option<Vec<String>>,
        /// Its own price in hundredths of the currency's unit.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        price_cents: Option<Option<i64>>,
        /// The currency of its own price: the product's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// A variant of a product was taken off sale for good.
    ProductVariantDiscontinued {
        /// Its id within the product.
        variant_id: Id,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A product was taken off sale for good, with its variants.
    ProductDiscontinued {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}
