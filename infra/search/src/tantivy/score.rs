//! Relevance: BM25F (Robertson, Zaragoza, Taylor 2004), with what the query's words share.
//!
//! A word's frequencies in all fields are weighted and added before they are saturated, so that a word found in title, brand and description
//! counts as one word found well, not three times. Scores are added up in the order of the plan for every document, so the same document has
//! the same score bit by bit in whatever segment it lies.

use super::{
    bits::Bits,
    filter,
    found::{Fields, Found},
    phrase,
    schema::{Layout, tenant_term},
    terms,
};
use crate::{
    Error,
    text::{
        plan::Plan,
        weights::{MAX_BOOST, PAIR, SHARE},
    },
};
use headwater_read_models::search::FieldKind;
use tantivy::SegmentReader;

/// The matching documents of a segment and their scores.
pub(super) struct Scores {
    /// Whether the whole query is a code of some document.
    pub(super) exact: bool,
    pub(super) matching: Bits,
    scores: Vec<f32>,
}

impl Scores {
    /// All of `live`, each with 0.
    pub(super) fn all(live: Bits) -> Self {
        Self {
            exact: false,
            matching: live,
            scores: Vec::new(),
        }
    }

    pub(super) fn of(&self, document: u32) -> f32 {
        self.scores.get(document as usize).copied().unwrap_or(0.0)
    }
}

/// Scores the documents of `live` that match.
pub(super) fn score(
    segment: &SegmentReader,
    layout: &Layout,
    tenant: &str,
    plan: &Plan,
    live: Bits,
) -> Result<Scores, Error> {
    let size = segment.max_doc() as usize;
    let mut scores = vec![0.0_f32; size];
    let mut matched = vec![0_u8; size];
    let mut found = Found::new(size);
    let fields = Fields::open(segment, layout, plan)?;
    for group in &plan.groups {
        fields.find(segment, tenant, group, &live, &mut found)?;
        found.drain(|document, weight| {
            scores[document] += group.idf.0 * weight;
            matched[document] = matched[document].saturating_add(1);
        });
    }
    for pair in &plan.pairs {
        fields.find(segment, tenant, pair, &live, &mut found)?;
        found.drain(|document, weight| scores[document] += PAIR * pair.idf.0 * weight);
    }
    boosted(segment, layout, tenant, plan, &live, &mut scores)?;
    let exact = exact(segment, layout, tenant, &plan.code, &live, &mut scores)?;
    let all = plan.groups.len() as f32;
    let mut phrased = live.clone();
    for words in &plan.phrases {
        phrase::keep(segment, layout, tenant, words, &mut phrased)?;
    }
    let mut matching = live;
    matching.retain(|document| {
        let shared = matched[document as usize];
        if exact.contains(document) {
            return true;
        }
        scores[document as usize] *= (f32::from(shared) / all).powi(SHARE);
        u32::from(shared) >= plan.required && phrased.contains(document)
    });
    Ok(Scores {
        exact: exact.iter().next().is_some(),
        matching,
        scores,
    })
}

/// Multiplies the scores of documents by what the tenant's boosts make of them.
fn boosted(
    segment: &SegmentReader,
    layout: &Layout,
    tenant: &str,
    plan: &Plan,
    live: &Bits,
    scores: &mut [f32],
) -> Result<(), Error> {
    if plan.boosts.is_empty() {
        return Ok(());
    }
    let mut factors = vec![1.0_f32; scores.len()];
    for (documents, factor) in &plan.boosts {
        let mut fit = live.clone();
        filter::apply(segment, layout, tenant, documents, &mut fit)?;
        fit.iter().for_each(|document| factors[document as usize] *= factor.0);
    }
    for (score, factor) in scores.iter_mut().zip(factors) {
        *score *= factor.min(MAX_BOOST);
    }
    Ok(())
}

/// Adds what a code that is the whole query earns.
fn exact(
    segment: &SegmentReader,
    layout: &Layout,
    tenant: &str,
    code: &str,
    live: &Bits,
    scores: &mut [f32],
) -> Result<Bits, Error> {
    let mut all = Bits::none(segment.max_doc());
    for field in &layout.fields {
        let (Some(codes), FieldKind::Keyword { exact_boost, .. }) = (field.code, field.field.kind) else {
            continue;
        };
        let mut found = Bits::none(segment.max_doc());
        if !code.is_empty() {
            terms::collect(segment, codes, &tenant_term(tenant, code), &mut found)?;
        }
        found.intersect(live);
        for document in found.iter() {
            scores[document as usize] += exact_boost;
            all.insert(document);
        }
    }
    Ok(all)
}
