//! `price-lists`: one row per price list with all its entries, so that a price is one read. Serves `GET /v1/catalog/price-lists/{id}`, the
//! list `GET /v1/catalog/price-lists`, and what something costs at a time, `GET /v1/catalog/price-lists/{id}/price`.

use crate::{EventContext, Fold, RowFold};
use headwater_catalog::price_list::{Entry, Event, Item, PriceList};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Currency, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "price-lists";

/// How a price list stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PriceListStatus {
    /// Not in effect yet.
    #[default]
    Draft,
    /// In effect while it is valid.
    Active,
    /// Out of use for good.
    Retired,
}

/// A price list, also one that was retired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "PRICE_LIST",
    pk = "TENANT#{tenant_id}",
    sk = "PRICE_LIST#{id}"
)]
pub struct PriceListRow {
    /// Its id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// The currency of all its prices.
    pub currency: Currency,
    /// How it stands.
    pub status: PriceListStatus,
    /// From when on its prices hold; without it they always did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// When its prices hold no more; without it they always will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Its prices in the order of what they are for, one each.
    #[serde(deserialize_with = "of_products")]
    pub entries: Vec<Entry>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Reads entries, without those that rows of version 1 had for variants of no product.
fn of_products<'de, D: Deserializer<'de>>(stored: D) -> Result<Vec<Entry>, D::Error> {
    #[derive(Deserialize)]
    struct Stored {
        product_id: Option<Id>,
        variant_id: Option<Id>,
        price_cents: i64,
    }
    let with_product = |stored: Stored| {
        Some(Entry {
            product_id: stored.product_id?,
            variant_id: stored.variant_id,
            price_cents: stored.price_cents,
        })
    };
    let all = Vec::<Stored>::deserialize(stored)?;
    Ok(all.into_iter().filter_map(with_product).collect())
}

/// Why a price list has no price for something at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPrice {
    /// It is not in effect.
    #[error("the price list is a draft; activate it first")]
    Draft,
    /// It is out of use.
    #[error("the price list was retired")]
    Retired,
    /// The time is before it begins.
    #[error("the price list begins later, at {0}")]
    Before(Timestamp),
    /// The time is not before it ends.
    #[error("the price list ended before, at {0}")]
    After(Timestamp),
    /// It has an entry neither for the variant nor for the product.
    #[error("the price list has no entry for this product or variant")]
    NoEntry,
}

impl PriceListRow {
    /// The entry that says what a product, or a variant of it, costs at a time. A variant's own goes before its product's, which counts for a
    /// variant without one.
    ///
    /// # Errors
    /// [`NoPrice`] says why there is none.
    pub fn price(&self, product_id: &Id, variant_id: Option<&Id>, at: Timestamp) -> Result<&Entry, NoPrice> {
        match self.status {
            PriceListStatus::Draft => return Err(NoPrice::Draft),
            PriceListStatus::Retired => return Err(NoPrice::Retired),
            PriceListStatus::Active => {}
        }
        if let Some(from) = self.valid_from.filter(|from| at < *from) {
            return Err(NoPrice::Before(from));
        }
        if let Some(until) = self.valid_until.filter(|until| at >= *until) {
            return Err(NoPrice::After(until));
        }
        let find = |variant_id: Option<&Id>| {
            let item = Item {
                product_id: product_id.clone(),
                variant_id: variant_id.cloned(),
            };
            self.find(&item).ok()
        };
        let own = variant_id.and_then(|id| find(Some(id)));
        own.or_else(|| find(None))
            .map(|at| &self.entries[at])
            .ok_or(NoPrice::NoEntry)
    }

    /// Where the entry is, or would have to be.
    fn find(&self, item: &Item) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.item().cmp(item))
    }

    fn set(&mut self, entry: &Entry) {
        match self.find(&entry.item()) {
            Ok(at) => self.entries[at] = entry.clone(),
            Err(at) => self.entries.insert(at, entry.clone()),
        }
    }
}

impl Fold for PriceListRow {
    type Source = PriceList;

    // 1 had entries for variants without their products.
    const VERSION: u32 = 2;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            name: String::new(),
            currency: Currency::default(),
            status: PriceListStatus::Draft,
            valid_from: None,
            valid_until: None,
            entries: Vec::new(),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::PriceListCreated {
                name,
                currency,
                valid_from,
                valid_until,
                entries,
            } => {
                self.name.clone_from(name);
                self.currency = *currency;
                (self.valid_from, self.valid_until) = (*valid_from, *valid_until);
                entries.iter().for_each(|entry| self.set(entry));
                self.created_at = at.time;
            }
            Event::PriceListRenamed { name } => self.name.clone_from(name),
            Event::PriceListValidityChanged {
                valid_from,
                valid_until,
            } => (self.valid_from, self.valid_until) = (*valid_from, *valid_until),
            Event::PriceListEntriesSet { entries } => entries.iter().for_each(|entry| self.set(entry)),
            Event::PriceListEntriesRemoved { items } => self.entries.retain(|entry| !items.contains(&entry.item())),
            Event::PriceListActivated {} => self.status = PriceListStatus::Active,
            Event::PriceListRetired { .. } => self.status = PriceListStatus::Retired,
        }
        self.updated_at = at.time;
    }
}

impl RowFold for PriceListRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
