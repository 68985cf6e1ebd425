//! What can be asked of a price list.

use super::{Entry, Item};
use headwater_kernel::{Currency, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be asked of a price list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Creates a price list as a draft: it has no effect before it is activated.
    Create {
        /// Its name, unique among the lists that are not retired without regard to case.
        #[schemars(length(min = 1, max = 200))]
        name: String,
        /// The currency of all its prices, for ever.
        #[serde(default)]
        currency: Currency,
        /// From when on its prices hold; without it they always did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_from: Option<Timestamp>,
        /// When its prices hold no more; without it they always will.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_until: Option<Timestamp>,
        /// Its first entries.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(length(max = 500))]
        entries: Vec<Entry>,
    },
    /// Gives a price list another name.
    Rename {
        /// Its new name, unique among the lists that are not retired without regard to case.
        #[schemars(length(min = 1, max = 200))]
        name: String,
    },
    /// Changes when its prices hold. What is left out has no bound.
    SetValidity {
        /// From when on its prices hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_from: Option<Timestamp>,
        /// When its prices hold no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_until: Option<Timestamp>,
    },
    /// Sets prices: of what has no entry yet, or another price for what has one. The other entries stay.
    SetEntries {
        /// The prices, each for another product or variant. A list has at most 500 entries in all.
        #[schemars(length(max = 500))]
        entries: Vec<Entry>,
    },
    /// Removes entries.
    RemoveEntries {
        /// For what, each once.
        #[schemars(length(min = 1, max = 500))]
        items: Vec<Item>,
    },
    /// Puts a draft into effect. It has at least one entry then.
    Activate {},
    /// Takes a price list out of use for good and sets its name free.
    Retire {
        /// Why, for those who read its history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
}
