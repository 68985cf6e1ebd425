//! Finding phrases by the places of their words.

use super::{
    bits::Bits,
    schema::{Layout, tenant_term},
    terms::unreadable,
};
use crate::Error;
use headwater_read_models::search::FieldKind;
use tantivy::{
    DocSet, SegmentReader, TERMINATED, Term,
    postings::{Postings, SegmentPostings},
    schema::{Field, IndexRecordOption},
};

/// Keeps the documents that have the phrase.
pub(super) fn keep(
    segment: &SegmentReader,
    layout: &Layout,
    tenant: &str,
    phrase: &[String],
    among: &mut Bits,
) -> Result<(), Error> {
    let mut found = Bits::none(segment.max_doc());
    for field in &layout.fields {
        if let (FieldKind::Text { .. }, Some(words)) = (field.field.kind, field.word) {
            find(segment, words, tenant, phrase, among, &mut found)?;
        }
    }
    among.intersect(&found);
    Ok(())
}

fn find(
    segment: &SegmentReader,
    field: Field,
    tenant: &str,
    phrase: &[String],
    among: &Bits,
    found: &mut Bits,
) -> Result<(), Error> {
    let index = segment.inverted_index(field).map_err(unreadable)?;
    let mut words: Vec<SegmentPostings> = Vec::with_capacity(phrase.len());
    for word in phrase {
        let term = Term::from_field_text(field, &tenant_term(tenant, word));
        let postings = index.read_postings(&term, IndexRecordOption::WithFreqsAndPositions);
        match postings.map_err(unreadable)? {
            Some(postings) => words.push(postings),
            None => return Ok(()),
        }
    }
    let Some((first, rest)) = words.split_first_mut() else {
        return Ok(());
    };
    let (mut starts, mut places) = (Vec::new(), Vec::new());
    while first.doc() != TERMINATED {
        let document = first.doc();
        if among.contains(document) {
            first.positions(&mut starts);
            for (word, apart) in rest.iter_mut().zip(1..) {
                if word.doc() < document {
                    word.seek(document);
                }
                if word.doc() != document {
                    starts.clear();
                    break;
                }
                word.positions(&mut places);
                starts.retain(|start| places.contains(&(start + apart)));
            }
            if !starts.is_empty() {
                found.insert(document);
            }
        }
        first.advance();
    }
    Ok(())
}
