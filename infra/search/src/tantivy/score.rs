//! Relevance: BM25F (Robertson, Zaragoza, Taylor 2004), with what the query's words share.
//!
//! A word's frequencies in all fields are weighted and added before they are saturated, so that a word found in title, brand and description
//! counts as one word found well, not three times. Scores are added up in the order of the plan for every document, so the same document has
//! the same score bit by bit in whatever segment it lies.

use super::{
    bits::Bits,
    phrase,
    schema::{Layout, tenant_term},
    terms::{self, unreadable},
};
use crate::{
    Error,
    text::{
        plan::{Group, Plan},
        weights::{LENGTH, PAIR, SATURATION, SHARE, SPLIT},
    },
};
use headwater_read_models::search::FieldKind;
use tantivy::{DocSet, SegmentReader, TERMINATED, fieldnorm::FieldNormReader, postings::Postings, schema::Field};

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
    let mut found = Found {
        weights: vec![0.0; size],
        documents: Vec::new(),
    };
    let fields = Fields::open(segment, layout, plan)?;
    for group in &plan.groups {
        fields.find(segment, tenant, group, &live, &mut found)?;
        found.drain(|document, weight| {
            scores[document] += group.idf.0 * saturated(weight);
            matched[document] = matched[document].saturating_add(1);
        });
    }
    for pair in &plan.pairs {
        fields.find(segment, tenant, pair, &live, &mut found)?;
        found.drain(|document, weight| scores[document] += PAIR * pair.idf.0 * saturated(weight));
    }
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

fn saturated(weight: f32) -> f32 {
    weight * (SATURATION + 1.0) / (weight + SATURATION)
}

/// Weighted frequencies of one group, by document.
struct Found {
    weights: Vec<f32>,
    documents: Vec<u32>,
}

impl Found {
    fn add(&mut self, document: u32, weight: f32) {
        let sum = &mut self.weights[document as usize];
        if *sum == 0.0 {
            self.documents.push(document);
        }
        *sum += weight;
    }

    fn drain(&mut self, mut each: impl FnMut(usize, f32)) {
        for document in self.documents.drain(..) {
            let weight = std::mem::take(&mut self.weights[document as usize]);
            each(document as usize, weight);
        }
    }
}

/// The fields where words are looked for in one segment.
struct Fields(Vec<Words>);

struct Words {
    field: Field,
    weight: f32,
    lengths: FieldNormReader,
    mean: f32,
}

impl Fields {
    fn open(segment: &SegmentReader, layout: &Layout, plan: &Plan) -> Result<Self, Error> {
        let mut fields = Vec::new();
        let mean = |at: usize| plan.lengths.get(at).map_or(1.0, |exact| exact.0.max(1.0));
        for (at, field) in layout.fields.iter().enumerate() {
            let word = field.word.map(|word| (word, 1.0, mean(at)));
            let pair = field.pair.map(|pair| (pair, SPLIT, mean(layout.fields.len())));
            for (words, counts, mean) in word.into_iter().chain(pair) {
                let lengths = segment.get_fieldnorms_reader(words).map_err(unreadable)?;
                fields.push(Words {
                    field: words,
                    weight: counts * field.field.weight(),
                    lengths,
                    mean,
                });
            }
        }
        Ok(Self(fields))
    }

    fn find(
        &self,
        segment: &SegmentReader,
        tenant: &str,
        group: &Group,
        live: &Bits,
        found: &mut Found,
    ) -> Result<(), Error> {
        for (form, counts) in &group.forms {
            let term = tenant_term(tenant, form);
            for words in &self.0 {
                let Some(mut postings) = terms::postings(segment, words.field, &term)? else {
                    continue;
                };
                while postings.doc() != TERMINATED {
                    let document = postings.doc();
                    if live.contains(document) {
                        let length = words.lengths.fieldnorm(document) as f32 / words.mean;
                        let frequency = postings.term_freq() as f32 / (1.0 - LENGTH + LENGTH * length);
                        found.add(document, counts.0 * words.weight * frequency);
                    }
                    postings.advance();
                }
            }
        }
        Ok(())
    }
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
