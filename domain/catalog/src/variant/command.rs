//! What can be asked of a variant, and what a payload must be before it is decided.

use super::{Options, options};
use crate::{gtin, price};
use headwater_kernel::{Currency, Id, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be asked of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Creates a variant of a product.
    Create {
        /// The product that it is a variant of, for ever.
        product_id: Id,
        /// The maker's part number; another variant may have the same.
        #[schemars(length(min = 1, max = 255))]
        sku: String,
        /// What tells it from the others: 1 to 20 options by name, such as size and colour, each with a value.
        options: Options,
        /// Its GTINs (EAN, UPC, ITF-14); each is this variant's alone within the tenant, no product's either.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(length(max = 200))]
        gtin: Vec<String>,
        /// Its price in hundredths of the currency's unit; never negative. Without one its product's counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0))]
        price_cents: Option<i64>,
        /// The currency of the price; only with one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// Changes the maker's part number.
    ChangeSku {
        /// The new part number; another variant may have the same.
        #[schemars(length(min = 1, max = 255))]
        sku: String,
    },
    /// Replaces the options of a variant.
    SetOptions {
        /// All that it has from now on: 1 to 20 by name, each with a value.
        options: Options,
    },
    /// Replaces the GTINs of a variant.
    SetGtin {
        /// All GTINs (EAN, UPC, ITF-14) it has from now on; each is this variant's alone within the tenant, no product's either.
        #[schemars(length(max = 200))]
        gtin: Vec<String>,
    },
    /// Gives a variant a price of its own, or another one.
    ChangePrice {
        /// The new price in hundredths of the currency's unit; never negative.
        #[schemars(range(min = 0))]
        price_cents: i64,
        /// The currency of the price; without one it stays as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// Takes a variant's own price away, so that its product's counts.
    ClearPrice {},
    /// Takes a variant off sale for good. Its history and its GTINs stay.
    Discontinue {
        /// Why, for those who read its history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
}

fn sku(sku: &str) -> Result<(), Rejection> {
    text::line("/sku", sku, 255)
}

impl Command {
    /// What holds of a payload whatever the variant's state is; repeated GTINs are left out.
    pub(super) fn checked(mut self) -> Result<Self, Rejection> {
        match &mut self {
            Self::Create {
                sku: s,
                options: o,
                gtin: g,
                price_cents,
                currency,
                product_id: _,
            } => {
                sku(s)?;
                options::check(o)?;
                *g = gtin::checked(std::mem::take(g))?;
                price_cents.map_or(Ok(()), price::check)?;
                if currency.is_some() && price_cents.is_none() {
                    let detail = "a currency says nothing without a price; give price_cents too, or leave it out";
                    return Err(Rejection::field("currency-without-price", "/currency", detail));
                }
            }
            Self::ChangeSku { sku: s } => sku(s)?,
            Self::SetOptions { options: o } => options::check(o)?,
            Self::SetGtin { gtin: g } => *g = gtin::checked(std::mem::take(g))?,
            Self::ChangePrice { price_cents, .. } => price::check(*price_cents)?,
            Self::ClearPrice {} => {}
            Self::Discontinue { reason } => text::reason(reason.as_deref())?,
        }
        Ok(self)
    }
}
