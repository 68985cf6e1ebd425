//! The entries of a price list: one price for each product and each variant that it has.

use crate::price;
use headwater_kernel::{Id, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most entries of one price list. With the longest ids that there are it still is one row and one snapshot.
pub const MAX_ENTRIES: usize = 500;

/// What a price is for: a product with all its variants that have no entry of their own, or one variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Item {
    /// The product; either this or `variant_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Id>,
    /// The variant; either this or `product_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<Id>,
}

impl Item {
    /// A product.
    pub fn product(id: Id) -> Self {
        Self {
            product_id: Some(id),
            variant_id: None,
        }
    }

    /// A variant.
    pub fn variant(id: Id) -> Self {
        Self {
            product_id: None,
            variant_id: Some(id),
        }
    }
}

/// A price for a product or a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Entry {
    /// The product; either this or `variant_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Id>,
    /// The variant; either this or `product_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<Id>,
    /// The price in hundredths of the unit of the list's currency; never negative.
    #[schemars(range(min = 0))]
    pub price_cents: i64,
}

impl Entry {
    /// What the price is for.
    pub fn item(&self) -> Item {
        Item {
            product_id: self.product_id.clone(),
            variant_id: self.variant_id.clone(),
        }
    }
}

/// Prices in hundredths of the unit of the list's currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entries {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    products: BTreeMap<Id, i64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    variants: BTreeMap<Id, i64>,
}

fn check_item(pointer: &str, item: &Item, seen: &mut BTreeSet<Item>) -> Result<(), Rejection> {
    if item.product_id.is_some() == item.variant_id.is_some() {
        let detail = "a price is for a product or for a variant; give product_id or variant_id, and not both";
        return Err(Rejection::field("not-one-item", pointer, detail));
    }
    if !seen.insert(item.clone()) {
        let detail = "an earlier one is for the same product or variant; keep one of them";
        return Err(Rejection::field("duplicate-entry", pointer, detail));
    }
    Ok(())
}

impl Entries {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.products.len() + self.variants.len()
    }

    fn find(&self, item: &Item) -> Option<i64> {
        let of = |ids: &Option<Id>, prices: &BTreeMap<Id, i64>| ids.as_ref().and_then(|id| prices.get(id).copied());
        of(&item.product_id, &self.products).or_else(|| of(&item.variant_id, &self.variants))
    }

    /// Those of `entries` that are new or have another price, after all were checked.
    pub(super) fn changed(&self, entries: Vec<Entry>) -> Result<Vec<Entry>, Rejection> {
        let mut seen = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let pointer = format!("/entries/{index}");
            check_item(&pointer, &entry.item(), &mut seen)?;
            price::check_at(&format!("{pointer}/price_cents"), entry.price_cents)?;
        }
        let all = self.len() + seen.iter().filter(|item| self.find(item).is_none()).count();
        if all > MAX_ENTRIES {
            let detail = format!(
                "the price list would have {all} entries; at most {MAX_ENTRIES} are allowed, so put some on another list"
            );
            return Err(Rejection::field("too-many", "/entries", detail));
        }
        let is_new = |entry: &Entry| self.find(&entry.item()) != Some(entry.price_cents);
        Ok(entries.into_iter().filter(is_new).collect())
    }

    /// `items`, after all were checked and found here.
    pub(super) fn present(&self, items: Vec<Item>) -> Result<Vec<Item>, Rejection> {
        if items.is_empty() {
            return Err(Rejection::field("no-items", "/items", "say which entries to remove"));
        }
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("/items/{index}");
            check_item(&pointer, item, &mut seen)?;
            if self.find(item).is_none() {
                let detail = "the price list has no entry for this product or variant";
                return Err(Rejection::field("no-such-entry", pointer, detail));
            }
        }
        Ok(items)
    }

    pub(super) fn set(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.products.extend(entry.product_id.map(|id| (id, entry.price_cents)));
            self.variants.extend(entry.variant_id.map(|id| (id, entry.price_cents)));
        }
    }

    pub(super) fn remove(&mut self, items: &[Item]) {
        for item in items {
            item.product_id.as_ref().map(|id| self.products.remove(id));
            item.variant_id.as_ref().map(|id| self.variants.remove(id));
        }
    }
}
