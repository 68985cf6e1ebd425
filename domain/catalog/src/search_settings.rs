//! Search settings: which words mean the same to a tenant's customers, and what counts more or less when they search its products.

mod boosts;
mod synonyms;
#[cfg(test)]
mod tests;

pub use boosts::{Boost, BoostedAttribute, FieldWeights, MAX_BOOSTS};
pub use synonyms::{MAX_GROUPS, MAX_TERMS, SynonymGroup};

use headwater_kernel::{Aggregate, Facts, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The id of a tenant's one: it is for searches of products.
pub const ID: &str = "products";

/// How a tenant's products are searched. There is one for each tenant, with the id [`ID`]; before the first command nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchSettings {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    synonyms: Vec<SynonymGroup>,
    #[serde(default)]
    weights: FieldWeights,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    boosts: Vec<Boost>,
}

/// What can be asked of search settings. Each command replaces what was set by the same one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Sets all groups of words that mean the same. Without any there are no synonyms.
    SetSynonyms {
        /// The groups, 1,000 at most, 128 KB in all. What one of them finds is not looked up in another.
        #[schemars(length(max = 1000))]
        groups: Vec<SynonymGroup>,
    },
    /// Sets how much a word counts by the field that has it.
    SetWeights {
        /// What fields count; one that is left out counts 1.
        weights: FieldWeights,
    },
    /// Sets all brands, categories and attributes whose products count more or less than others that have the same words.
    SetBoosts {
        /// The boosts, 50 at most, each for another value. A product that several are for gets their product, 100 at most.
        #[schemars(length(max = 50))]
        boosts: Vec<Boost>,
    },
}

/// What can happen to search settings. Stored for ever: a change here needs a new schema version and an upcast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Other groups of words mean the same.
    SearchSynonymsReplaced {
        /// All of them.
        groups: Vec<SynonymGroup>,
    },
    /// Fields count otherwise.
    SearchWeightsReplaced {
        /// What they count.
        weights: FieldWeights,
    },
    /// Other products count more or less.
    SearchBoostsReplaced {
        /// All boosts.
        boosts: Vec<Boost>,
    },
}

impl Aggregate for SearchSettings {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "search-settings";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        if facts.id.as_str() != ID {
            let detail = format!("search settings are for searches of products; their id is {ID:?}");
            return Err(Rejection::rule("unknown-search", detail));
        }
        Ok(match command {
            Command::SetSynonyms { groups } => {
                synonyms::check(&groups)?;
                let same = groups == self.synonyms;
                (!same).then_some(Event::SearchSynonymsReplaced { groups })
            }
            Command::SetWeights { weights } => {
                weights.check()?;
                let same = weights == self.weights;
                (!same).then_some(Event::SearchWeightsReplaced { weights })
            }
            Command::SetBoosts { boosts } => {
                boosts::check(&boosts)?;
                let same = boosts == self.boosts;
                (!same).then_some(Event::SearchBoostsReplaced { boosts })
            }
        }
        .into_iter()
        .collect())
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::SearchSynonymsReplaced { groups } => self.synonyms = groups,
            Event::SearchWeightsReplaced { weights } => self.weights = weights,
            Event::SearchBoostsReplaced { boosts } => self.boosts = boosts,
        }
    }
}
