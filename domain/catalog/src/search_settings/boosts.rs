//! What counts more or less than the rest.

use crate::product::Attribute;
use headwater_kernel::{Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most boosts of a tenant: they travel in the cursor of every page.
pub const MAX_BOOSTS: usize = 50;
/// Most characters of a value.
const MAX_VALUE: usize = 200;
/// What a factor may be.
const FACTORS: std::ops::RangeInclusive<f64> = 0.1..=10.0;

/// How much a word counts that is found in a field, of what it counts otherwise: 0.1 to 10. Found in several, it counts as in the best of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct FieldWeights {
    /// In the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 10.0))]
    pub title: Option<f64>,
    /// In the brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 10.0))]
    pub brand: Option<f64>,
    /// In the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 10.0))]
    pub category: Option<f64>,
    /// In the description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 10.0))]
    pub description: Option<f64>,
    /// In the text of an attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 10.0))]
    pub attributes: Option<f64>,
}

impl FieldWeights {
    /// The fields that have one, by the names that they have in a product, and what it is.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let all = [
            ("title", self.title),
            ("brand", self.brand),
            ("category", self.category),
            ("description", self.description),
            ("attributes", self.attributes),
        ];
        all.into_iter().filter_map(|(name, weight)| Some((name, weight?)))
    }

    pub(super) fn check(&self) -> Result<(), Rejection> {
        self.set()
            .try_for_each(|(name, weight)| in_range(&format!("/weights/{name}"), weight))
    }
}

/// What products count that have a value, of what they count otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Boost {
    /// Those of this brand, written so; either this, `category` or `attribute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub brand: Option<String>,
    /// Those of this category, written so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub category: Option<String>,
    /// Those with this attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<BoostedAttribute>,
    /// How much: 0.1 to 10.
    #[schemars(range(min = 0.1, max = 10.0))]
    pub factor: f64,
}

/// An attribute with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct BoostedAttribute {
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// Its value, exactly: a text, a number or a truth value.
    pub value: Attribute,
}

/// Checks all boosts.
pub(super) fn check(boosts: &[Boost]) -> Result<(), Rejection> {
    if boosts.len() > MAX_BOOSTS {
        let detail = format!("there are {} boosts; at most {MAX_BOOSTS} are allowed", boosts.len());
        return Err(Rejection::field("too-many", "/boosts", detail));
    }
    for (index, boost) in boosts.iter().enumerate() {
        let pointer = format!("/boosts/{index}");
        boost.check(&pointer)?;
        let of = |boost: &Boost| (boost.brand.clone(), boost.category.clone(), boost.attribute.clone());
        if boosts[..index].iter().any(|earlier| of(earlier) == of(boost)) {
            let detail = "an earlier boost is for the same products; keep one of them";
            return Err(Rejection::field("duplicate-boost", pointer, detail));
        }
    }
    Ok(())
}

impl Boost {
    fn check(&self, pointer: &str) -> Result<(), Rejection> {
        let named = [self.brand.is_some(), self.category.is_some(), self.attribute.is_some()];
        if named.into_iter().filter(|named| *named).count() != 1 {
            let detail = "a boost is for a brand, a category or an attribute; give one of them";
            return Err(Rejection::field("not-one-value", pointer, detail));
        }
        for (name, value) in [("brand", &self.brand), ("category", &self.category)] {
            if let Some(value) = value {
                text::line(&format!("{pointer}/{name}"), value, MAX_VALUE)?;
            }
        }
        if let Some(attribute) = &self.attribute {
            text::line(&format!("{pointer}/attribute/name"), &attribute.name, MAX_VALUE)?;
            if let Attribute::Text(value) = &attribute.value {
                text::line(&format!("{pointer}/attribute/value"), value, MAX_VALUE)?;
            }
        }
        in_range(&format!("{pointer}/factor"), self.factor)
    }
}

fn in_range(pointer: &str, factor: f64) -> Result<(), Rejection> {
    if FACTORS.contains(&factor) {
        return Ok(());
    }
    let detail = format!("{factor} is not from {} to {}", FACTORS.start(), FACTORS.end());
    Err(Rejection::field("out-of-range", pointer, detail))
}
