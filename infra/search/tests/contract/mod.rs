//! What every adapter of the search port has to do. An adapter's test file implements [`Engine`] and calls `search_contract!`, which lists
//! all tests, so that none can leave one out.

pub mod collapse;
pub mod crafted;
pub mod facets;
pub mod paging;
pub mod parts;
pub mod phrases;
pub mod queries;
pub mod relevance;
pub mod suggestions;
pub mod tenants;
pub mod versions;
pub mod words;

use headwater_kernel::Id;
use headwater_read_models::search::{Field, Mapping};
use headwater_search::{DocumentBody, DocumentWrite, Hits, Query, SearchIndex, WriteOutcome};
use headwater_tenancy::{TenantScope, testing};
use serde_json::{Value, json};
use std::sync::Arc;

pub type Opened = Arc<dyn SearchIndex>;

/// A fresh engine for one test.
#[async_trait::async_trait]
pub trait Engine: Sized + Send + Sync {
    /// With an empty index of [`MAPPING`].
    async fn start() -> Self;
    /// Opens the index; again after what was opened before is dropped, it is as it was last committed.
    async fn open(&self) -> Opened;
    /// While `fail` is set nothing can be committed, as if the engine's disk were full.
    async fn fail_commits(&self, fail: bool);
}

/// A kind with every kind of field.
pub static MAPPING: Mapping = Mapping {
    kind: "products",
    version: 1,
    fields: &[
        Field::code("sku", 1.0, 100.0).with_parts("variants", "sku"),
        Field::sortable_text("title", 3.0),
        Field::facet("brand", 1.5),
        Field::facet("category", 2.0),
        Field::text("description", 0.8),
        Field::code("gtin", 0.0, 100.0).with_parts("variants", "gtin"),
        Field::integer("price_cents"),
        Field::time("released_at"),
        Field::attributes("attributes", 0.2).with_parts("variants", "options"),
    ],
};

/// Runs every test of the contract on an [`Engine`].
#[macro_export]
macro_rules! search_contract {
    ($engine:ty) => {
        search_contract!(@ $engine, versions: an_older_version_never_overwrites, a_deleted_document_stays_deleted,
            a_batch_applies_in_order, a_tombstone_keeps_the_state, what_is_written_is_stored_at_once, a_wrong_document_is_refused_whole,
            positions_and_documents_are_kept_together, a_crash_loses_what_was_not_committed, a_failed_commit_says_whether_writes_are_undone,
            visibility_is_awaited);
        search_contract!(@ $engine, tenants: hits_and_totals_are_the_tenants, facets_are_the_tenants, crafted_values_reach_nothing,
            cursors_are_the_tenants, ids_may_be_the_same, rarity_is_the_tenants);
        search_contract!(@ $engine, crafted: names_are_refused, cursors_are_refused);
        search_contract!(@ $engine, facets: counts_are_filtered_totals, values_are_counted_once, sizes_and_order);
        search_contract!(@ $engine, collapse: the_best_of_each_value, a_better_one_takes_over, groups_last_while_others_write,
            values_are_the_tenants);
        search_contract!(@ $engine, queries: filters_hold, ranges_hold, attributes_hold, sorts_are_stable, unknown_fields_are_named);
        search_contract!(@ $engine, parts: one_part_has_it_all, codes_of_parts_come_first, parts_are_the_tenants, many_names_hold_together,
            too_much_of_parts_is_refused);
        search_contract!(@ $engine, words: codes_come_first, spellings_match, mended_words_are_told, rare_words_may_be_errors, highlights_are_escaped, what_nothing_has_is_not_highlighted, hostile_texts_answer);
        search_contract!(@ $engine, phrases: words_next_to_each_other, counts_and_pages_hold, phrases_are_the_tenants);
        search_contract!(@ $engine, suggestions: what_is_typed_is_completed, suggestions_are_marked_and_bounded, suggestions_are_the_tenants,
            what_is_gone_is_not_suggested, hostile_texts_are_suggested_nothing_bad);
        search_contract!(@ $engine, relevance: synonyms_are_found, synonyms_are_the_tenants, many_synonyms_are_taken, weights_and_boosts_order_hits,
            words_of_attributes_have_weights, codes_stay_first,
            settings_change_between_pages);
        search_contract!(@ $engine, paging: pages_cover_everything_once, ten_thousand_deep, writes_between_pages, cursors_are_of_one_query);
    };
    (@ $engine:ty, $module:ident: $($test:ident),+) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::contract::$module::$test(&<$engine as super::contract::Engine>::start().await).await;
                }
            )+
        }
    };
}

pub async fn scope(tenant: &str) -> TenantScope {
    testing::scope(tenant).await
}

pub fn id(id: &str) -> Id {
    Id::new(id).unwrap()
}

/// A write of a document with its id in it.
pub fn put(scope: &TenantScope, document: &str, version: u64, mut body: Value) -> DocumentWrite {
    body["id"] = json!(document);
    DocumentWrite {
        scope: scope.clone(),
        id: id(document),
        version,
        body: DocumentBody::Put(body),
    }
}

pub fn tombstone(scope: &TenantScope, document: &str, version: u64) -> DocumentWrite {
    DocumentWrite {
        scope: scope.clone(),
        id: id(document),
        version,
        body: DocumentBody::Tombstone { state: None },
    }
}

/// Writes all, which have to apply, and commits.
pub async fn fill(index: &Opened, writes: Vec<DocumentWrite>) {
    for outcome in index.write(writes).await.unwrap() {
        assert_eq!(outcome, WriteOutcome::Applied);
    }
    index.commit(json!({})).await.unwrap();
}

pub async fn search(index: &Opened, scope: &TenantScope, query: Query) -> Hits {
    index.search(scope, &query).await.unwrap()
}

pub fn ids(hits: &Hits) -> Vec<&str> {
    hits.hits.iter().map(|hit| hit.id.as_str()).collect()
}

/// The ids in no order.
pub fn found(hits: &Hits) -> Vec<&str> {
    let mut found = ids(hits);
    found.sort_unstable();
    found
}
