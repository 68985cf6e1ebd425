//! How much what counts: BM25F's constants, what a query's words share, and what a tenant has set.

use super::plan::Plan;
use headwater_read_models::search::Mapping;

/// How soon more of a word stops to count, in weighted occurrences.
pub(crate) const SATURATION: f32 = 5.0;
/// How much a field's length takes from its words: 0 not at all, 1 in proportion.
pub(crate) const LENGTH: f32 = 0.7;
/// How much neighbouring words count that are neighbours in the title too.
pub(crate) const PAIR: f32 = 0.3;
/// How much less a word counts that is two neighbouring ones.
pub(crate) const SPLIT: f32 = 0.5;
/// How much a document loses for words that it does not have: its share of them to this power.
pub(crate) const SHARE: i32 = 2;
/// The most that a tenant's boosts make of a document together.
pub(crate) const MAX_BOOST: f32 = 100.0;

/// What a word counts by the fields where it is found, by the tenant's weights: the greatest of theirs. None when all count 1.
pub(crate) fn field_weights(mapping: &Mapping, plan: &Plan) -> Vec<(&'static str, f32)> {
    let given = |name: &str| {
        plan.weights
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, weight)| weight.0)
    };
    let fields = mapping.fields.iter().filter(|field| field.weight() > 0.0);
    let weights: Vec<_> = fields
        .map(|field| (field.name, given(field.name).unwrap_or(1.0)))
        .collect();
    if weights.iter().all(|(_, weight)| *weight == 1.0) {
        Vec::new()
    } else {
        weights
    }
}
