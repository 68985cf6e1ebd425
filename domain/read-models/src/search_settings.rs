//! `search-settings`: one row per tenant with all that it has set for searches of products. Serves
//! `GET /v1/catalog/search-settings/products`, and the searches themselves.

use crate::{EventContext, Fold, RowFold};
use headwater_catalog::search_settings::{Boost, Event, FieldWeights, SearchSettings, SynonymGroup};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "search-settings";

/// Search settings as they are now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "SEARCH_SETTINGS",
    pk = "TENANT#{tenant_id}",
    sk = "SEARCH_SETTINGS#{id}"
)]
pub struct SearchSettingsRow {
    /// The kind of documents that is searched: `products`.
    pub id: Id,
    /// Words that mean the same.
    pub synonyms: Vec<SynonymGroup>,
    /// How much a word counts by its field.
    pub weights: FieldWeights,
    /// What products count more or less.
    pub boosts: Vec<Boost>,
    /// When they last changed.
    pub updated_at: Timestamp,
}

impl Fold for SearchSettingsRow {
    type Source = SearchSettings;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            synonyms: Vec::new(),
            weights: FieldWeights::default(),
            boosts: Vec::new(),
            updated_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::SearchSynonymsReplaced { groups } => self.synonyms.clone_from(groups),
            Event::SearchWeightsReplaced { weights } => self.weights.clone_from(weights),
            Event::SearchBoostsReplaced { boosts } => self.boosts.clone_from(boosts),
        }
        self.updated_at = at.time;
    }
}

impl RowFold for SearchSettingsRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
