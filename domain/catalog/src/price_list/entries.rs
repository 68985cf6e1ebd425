//! The entries of a price list: one price for each product and each variant of one that it has.

use crate::price;
use headwater_kernel::{Id, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most entries of one price list.
pub const MAX_ENTRIES: usize = 500;

/// Most bytes that all entries take as JSON, so that setting them is one commit and the list one row.
const MAX_JSON_BYTES: usize = 256 * 1024;

/// What a price is for: a product with all its variants that have no entry of their own, or one variant of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Item {
    /// The product.
    pub product_id: Id,
    /// The variant of it, whose id is its own within the product alone; without one the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<Id>,
}

/// A price for a product or a variant of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Entry {
    /// The product.
    pub product_id: Id,
    /// The variant of it, whose id is its own within the product alone; without one the product.
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

/// Prices in hundredths of the unit of the list's currency, by product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Entries(BTreeMap<Id, Prices>);

/// The price of a product and of its variants, some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Prices {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<i64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    variants: BTreeMap<Id, i64>,
}

fn check_item(pointer: &str, item: &Item, seen: &mut BTreeSet<Item>) -> Result<(), Rejection> {
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
        self.all().count()
    }

    fn all(&self) -> impl Iterator<Item = Entry> {
        self.0.iter().flat_map(|(product_id, prices)| {
            let own = prices.own.map(|price_cents| (None, price_cents));
            let variants = prices.variants.iter().map(|(id, cents)| (Some(id.clone()), *cents));
            own.into_iter().chain(variants).map(|(variant_id, price_cents)| Entry {
                product_id: product_id.clone(),
                variant_id,
                price_cents,
            })
        })
    }

    fn find(&self, item: &Item) -> Option<i64> {
        let prices = self.0.get(&item.product_id)?;
        let of_variant = |id| prices.variants.get(id).copied();
        item.variant_id.as_ref().map_or(prices.own, of_variant)
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
        let mut after = self.clone();
        after.set(entries.clone());
        let bytes = serde_json::to_string(&after.all().collect::<Vec<_>>()).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_JSON_BYTES {
            let detail = format!(
                "the price list would take {bytes} bytes as JSON; at most {MAX_JSON_BYTES} are allowed, so put some entries on another list"
            );
            return Err(Rejection::field("too-large", "/entries", detail));
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
            let prices = self.0.entry(entry.product_id).or_default();
            match entry.variant_id {
                Some(variant) => drop(prices.variants.insert(variant, entry.price_cents)),
                None => prices.own = Some(entry.price_cents),
            }
        }
    }

    pub(super) fn remove(&mut self, items: &[Item]) {
        for item in items {
            let Some(prices) = self.0.get_mut(&item.product_id) else {
                continue;
            };
            match &item.variant_id {
                Some(variant) => drop(prices.variants.remove(variant)),
                None => prices.own = None,
            }
            if *prices == Prices::default() {
                self.0.remove(&item.product_id);
            }
        }
    }
}
