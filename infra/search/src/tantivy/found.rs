//! Where the words of a plan are in a segment, and what they count there.

use super::{
    bits::Bits,
    schema::{Layout, tenant_term},
    terms::{self, unreadable},
};
use crate::{
    Error,
    text::{
        plan::{Group, Plan},
        weights::{LENGTH, SATURATION, SPLIT, field_weights},
    },
};
use std::collections::HashMap;
use tantivy::{DocSet, SegmentReader, TERMINATED, fieldnorm::FieldNormReader, postings::Postings, schema::Field};

/// Weighted frequencies of one group, by document.
pub(super) struct Found {
    weights: Vec<f32>,
    documents: Vec<u32>,
    /// By document, the greatest weight that the tenant gives to a field where a word of the group is; empty when all have 1.
    fields: HashMap<u32, f32>,
}

impl Found {
    pub(super) fn new(size: usize) -> Self {
        Self {
            weights: vec![0.0; size],
            documents: Vec::new(),
            fields: HashMap::new(),
        }
    }

    fn add(&mut self, document: u32, weight: f32) {
        let sum = &mut self.weights[document as usize];
        if *sum == 0.0 {
            self.documents.push(document);
        }
        *sum += weight;
    }

    fn in_field(&mut self, document: u32, weight: f32) {
        let greatest = self.fields.entry(document).or_insert(weight);
        *greatest = greatest.max(weight);
    }

    /// What the group counts in each document, saturated; nothing is left.
    pub(super) fn drain(&mut self, mut each: impl FnMut(usize, f32)) {
        for document in self.documents.drain(..) {
            let weight = std::mem::take(&mut self.weights[document as usize]);
            let field = self.fields.get(&document).copied().unwrap_or(1.0);
            each(document as usize, field * saturated(weight));
        }
        self.fields.clear();
    }
}

fn saturated(weight: f32) -> f32 {
    weight * (SATURATION + 1.0) / (weight + SATURATION)
}

/// What words count in a document, and the greatest of the tenant's weights of the fields where one is.
type InDocument = (f32, f32);

/// The fields where words are looked for in one segment.
pub(super) struct Fields {
    fields: Vec<Words>,
    /// Whether the tenant has set weights.
    weighted: bool,
}

struct Words {
    field: Field,
    weight: f32,
    /// The tenant's.
    own: f32,
    lengths: FieldNormReader,
    mean: f32,
}

impl Fields {
    pub(super) fn open(segment: &SegmentReader, layout: &Layout, plan: &Plan) -> Result<Self, Error> {
        let mut fields = Vec::new();
        let mean = |at: usize| plan.lengths.get(at).map_or(1.0, |exact| exact.0.max(1.0));
        let set = field_weights(layout.mapping, plan);
        for (at, field) in layout.fields.iter().enumerate() {
            let word = field.word.map(|word| (word, 1.0, mean(at)));
            let pair = field.pair.map(|pair| (pair, SPLIT, mean(layout.fields.len())));
            let own = set.iter().find(|(name, _)| *name == field.field.name);
            for (words, counts, mean) in word.into_iter().chain(pair) {
                let lengths = segment.get_fieldnorms_reader(words).map_err(unreadable)?;
                fields.push(Words {
                    field: words,
                    weight: counts * field.field.weight(),
                    own: own.map_or(1.0, |(_, weight)| *weight),
                    lengths,
                    mean,
                });
            }
        }
        Ok(Self {
            fields,
            weighted: !set.is_empty(),
        })
    }

    /// Finds the documents of `live` that have a form of a group.
    pub(super) fn find(
        &self,
        segment: &SegmentReader,
        tenant: &str,
        group: &Group,
        live: &Bits,
        found: &mut Found,
    ) -> Result<(), Error> {
        for (form, counts) in &group.forms {
            self.each(segment, &tenant_term(tenant, form), live, |document, weight, own| {
                found.add(document, counts.0 * weight);
                if self.weighted {
                    found.in_field(document, own);
                }
            })?;
        }
        for (words, counts) in &group.together {
            for (document, (weight, own)) in self.all(segment, tenant, words, live)? {
                found.add(document, counts.0 * weight / words.len() as f32);
                if self.weighted {
                    found.in_field(document, own);
                }
            }
        }
        Ok(())
    }

    /// The documents that have all of these words, in order.
    fn all(
        &self,
        segment: &SegmentReader,
        tenant: &str,
        words: &[String],
        live: &Bits,
    ) -> Result<Vec<(u32, InDocument)>, Error> {
        let mut all: Option<HashMap<u32, InDocument>> = None;
        for word in words {
            let mut having: HashMap<u32, InDocument> = HashMap::new();
            self.each(segment, &tenant_term(tenant, word), live, |document, weight, own| {
                let (sum, greatest) = having.entry(document).or_default();
                *sum += weight;
                *greatest = greatest.max(own);
            })?;
            if let Some(before) = all {
                having.retain(|document, (sum, greatest)| {
                    let Some((other, field)) = before.get(document) else {
                        return false;
                    };
                    *sum += other;
                    *greatest = greatest.max(*field);
                    true
                });
            }
            all = Some(having);
        }
        let mut all: Vec<_> = all.unwrap_or_default().into_iter().collect();
        all.sort_unstable_by_key(|(document, _)| *document);
        Ok(all)
    }

    /// The documents of `live` with a term, once for each field: what it counts there, and the tenant's weight of the field.
    fn each(
        &self,
        segment: &SegmentReader,
        term: &str,
        live: &Bits,
        mut each: impl FnMut(u32, f32, f32),
    ) -> Result<(), Error> {
        for words in &self.fields {
            let Some(mut postings) = terms::postings(segment, words.field, term)? else {
                continue;
            };
            while postings.doc() != TERMINATED {
                let document = postings.doc();
                if live.contains(document) {
                    let length = words.lengths.fieldnorm(document) as f32 / words.mean;
                    let frequency = postings.term_freq() as f32 / (1.0 - LENGTH + LENGTH * length);
                    each(document, words.weight * frequency, words.own);
                }
                postings.advance();
            }
        }
        Ok(())
    }
}
