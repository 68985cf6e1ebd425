//! What is said of a variant when it is added, changed or discontinued, and what of it is checked whatever the product's state is.

use super::{Options, options};
use crate::{
    gtin, price,
    product::command::{given, sku},
};
use headwater_kernel::{Currency, Id, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A variant as it is added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct NewVariant {
    /// Its id within the product; none that the product had before.
    pub variant_id: Id,
    /// The maker's part number; another variant may have the same.
    #[schemars(length(min = 1, max = 255))]
    pub sku: String,
    /// What tells it from the product's others: 1 to 5 options by name, such as size and colour, each with a value.
    pub options: Options,
    /// Its GTINs (EAN, UPC, ITF-14); each is this variant's alone within the tenant, no product's either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub gtin: Vec<String>,
    /// Its own price in hundredths of the unit of the product's currency; never negative. Without one its product's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub price_cents: Option<i64>,
    /// The currency of the price, which has to be the product's; only with a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// What of a variant changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct VariantChange {
    /// Its id within the product.
    pub variant_id: Id,
    /// The maker's part number; another variant may have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub sku: Option<String>,
    /// All options it has from now on: 1 to 5 by name, each with a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    /// All GTINs (EAN, UPC, ITF-14) it has from now on; each is this variant's alone within the tenant, no product's either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub gtin: Option<Vec<String>>,
    /// Its own price in hundredths of the unit of the product's currency; never negative. With `null` its product's counts.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub price_cents: Option<Option<i64>>,
    /// The currency of the price, which has to be the product's; only with a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// Which variant is taken off sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct VariantEnd {
    /// Its id within the product.
    pub variant_id: Id,
    /// Why, for those who read its history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000))]
    pub reason: Option<String>,
}

fn check_price(price_cents: Option<i64>, currency: Option<Currency>) -> Result<(), Rejection> {
    price_cents.map_or(Ok(()), price::check)?;
    if currency.is_some() && price_cents.is_none() {
        let detail = "a currency says nothing without a price; give price_cents too, or leave it out";
        return Err(Rejection::field("currency-without-price", "/currency", detail));
    }
    Ok(())
}

impl NewVariant {
    /// Itself, without GTINs that repeat one.
    pub(in crate::product) fn checked(mut self) -> Result<Self, Rejection> {
        sku(&self.sku)?;
        options::check(&self.options)?;
        self.gtin = gtin::checked(self.gtin)?;
        check_price(self.price_cents, self.currency)?;
        Ok(self)
    }
}

impl VariantChange {
    /// Itself, without GTINs that repeat one.
    pub(in crate::product) fn checked(mut self) -> Result<Self, Rejection> {
        self.sku.as_deref().map_or(Ok(()), sku)?;
        self.options.as_ref().map_or(Ok(()), options::check)?;
        self.gtin = self.gtin.map(gtin::checked).transpose()?;
        check_price(self.price_cents.flatten(), self.currency)?;
        Ok(self)
    }
}
