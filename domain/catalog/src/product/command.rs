//! What can be asked of a product, and what a payload must be before it is decided.

use super::{
    Attributes, attributes,
    variants::{NewVariant, VariantChange, VariantEnd},
};
use crate::{gtin, price};
use headwater_kernel::{Currency, Rejection, Timestamp, text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// What can be asked of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Creates a product.
    Create(Content),
    /// Creates a product, or brings an existing one to exactly this content. Nothing happens when it has that content already.
    Import(Content),
    /// Changes what a product costs.
    ChangePrice {
        /// The new price in hundredths of the currency's unit; never negative.
        #[schemars(range(min = 0))]
        price_cents: i64,
        /// The currency of the price; without one it stays as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// Corrects what a product is described by. What is left out stays; `null` removes what may be absent.
    Revise {
        /// The maker's part number; another product may have the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 255))]
        sku: Option<String>,
        /// What it is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        title: Option<String>,
        /// The name of its brand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        brand: Option<String>,
        /// The name of its category.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        category: Option<Option<String>>,
        /// What it is, at length.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        #[schemars(length(max = 20000))]
        description: Option<Option<String>>,
        /// When it came or comes to market.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        released_at: Option<Option<Timestamp>>,
    },
    /// Replaces the GTINs of a product.
    SetGtin {
        /// All GTINs (EAN, UPC, ITF-14) it has from now on; each is this product's alone within the tenant, no variant's either.
        #[schemars(length(max = 200))]
        gtin: Vec<String>,
    },
    /// Replaces the attributes of a product.
    SetAttributes {
        /// All attributes it has from now on, by name.
        attributes: Attributes,
    },
    /// Adds a variant to a product, with options that no other of its variants on sale has.
    AddVariant(NewVariant),
    /// Changes a variant of a product. What is left out stays; a price of `null` takes its own price away, so that the product's counts.
    ChangeVariant(VariantChange),
    /// Takes a variant off sale for good. Its id and its GTINs stay its own.
    DiscontinueVariant(VariantEnd),
    /// Takes a product off sale for good, with its variants. It leaves search; its history and its GTINs stay.
    Discontinue {
        /// Why, for those who read its history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
}

/// All that a product is, as it is created or imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Content {
    /// The maker's part number; another product may have the same.
    #[schemars(length(min = 1, max = 255))]
    pub sku: String,
    /// What it is called.
    #[schemars(length(min = 1, max = 1000))]
    pub title: String,
    /// The name of its brand.
    #[schemars(length(min = 1, max = 200))]
    pub brand: String,
    /// The price in hundredths of the currency's unit; never negative.
    #[schemars(range(min = 0))]
    pub price_cents: i64,
    /// The currency of the price.
    #[serde(default)]
    pub currency: Currency,
    /// The name of its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub category: Option<String>,
    /// What it is, at length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20000))]
    pub description: Option<String>,
    /// Its GTINs (EAN, UPC, ITF-14); each is this product's alone within the tenant, no variant's either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub gtin: Vec<String>,
    /// Its attributes by name.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// When it came or comes to market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
}

/// Tells a member that is `null` from one that is left out, for which the default stands.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(super) fn sku(sku: &str) -> Result<(), Rejection> {
    text::line("/sku", sku, 255)
}

fn title(title: &str) -> Result<(), Rejection> {
    text::line("/title", title, 1_000)
}

fn brand(brand: &str) -> Result<(), Rejection> {
    text::line("/brand", brand, text::MAX_NAME)
}

fn category(category: &str) -> Result<(), Rejection> {
    text::line("/category", category, text::MAX_NAME)
}

fn description(description: &str) -> Result<(), Rejection> {
    text::lines("/description", description, 20_000)
}

impl Content {
    fn checked(mut self) -> Result<Self, Rejection> {
        sku(&self.sku)?;
        title(&self.title)?;
        brand(&self.brand)?;
        price::check(self.price_cents)?;
        self.category.as_deref().map_or(Ok(()), category)?;
        self.description.as_deref().map_or(Ok(()), description)?;
        self.gtin = gtin::checked(self.gtin)?;
        attributes::check(&self.attributes)?;
        Ok(self)
    }
}

impl Command {
    /// What holds of a payload whatever the product's state is; repeated GTINs are left out.
    pub(super) fn checked(self) -> Result<Self, Rejection> {
        match &self {
            Self::Create(_) | Self::Import(_) | Self::SetGtin { .. } => {}
            Self::AddVariant(_) | Self::ChangeVariant(_) => {}
            Self::DiscontinueVariant(VariantEnd { reason, .. }) => text::reason(reason.as_deref())?,
            Self::ChangePrice { price_cents, .. } => price::check(*price_cents)?,
            Self::Revise {
                sku: s,
                title: t,
                brand: b,
                category: c,
                description: d,
                released_at: _,
            } => {
                s.as_deref().map_or(Ok(()), sku)?;
                t.as_deref().map_or(Ok(()), title)?;
                b.as_deref().map_or(Ok(()), brand)?;
                c.as_ref().and_then(Option::as_deref).map_or(Ok(()), category)?;
                d.as_ref().and_then(Option::as_deref).map_or(Ok(()), description)?;
            }
            Self::SetAttributes { attributes } => attributes::check(attributes)?,
            Self::Discontinue { reason } => text::reason(reason.as_deref())?,
        }
        Ok(match self {
            Self::Create(content) => Self::Create(content.checked()?),
            Self::Import(content) => Self::Import(content.checked()?),
            Self::SetGtin { gtin } => Self::SetGtin {
                gtin: gtin::checked(gtin)?,
            },
            Self::AddVariant(variant) => Self::AddVariant(variant.checked()?),
            Self::ChangeVariant(change) => Self::ChangeVariant(change.checked()?),
            other => other,
        })
    }
}
