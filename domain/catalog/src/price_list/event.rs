//! What can happen to a price list. Stored for ever: a change here needs a new schema version and an upcast.

use super::{Entry, Item};
use headwater_kernel::{Currency, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can happen to a price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A price list was created, as a draft.
    PriceListCreated {
        /// Its name.
        name: String,
        /// The currency of all its prices.
        currency: Currency,
        /// From when on its prices hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_from: Option<Timestamp>,
        /// When its prices hold no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_until: Option<Timestamp>,
        /// Its first entries.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        entries: Vec<Entry>,
    },
    /// A price list got another name.
    PriceListRenamed {
        /// Its new name.
        name: String,
    },
    /// When the prices hold changed.
    PriceListValidityChanged {
        /// From when on; absent without a bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_from: Option<Timestamp>,
        /// Until when; absent without a bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_until: Option<Timestamp>,
    },
    /// Prices were set.
    PriceListEntriesSet {
        /// The entries that are new or have another price now.
        entries: Vec<Entry>,
    },
    /// Entries were removed.
    PriceListEntriesRemoved {
        /// For what.
        items: Vec<Item>,
    },
    /// A draft was put into effect.
    PriceListActivated {},
    /// A price list was taken out of use for good.
    PriceListRetired {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}
