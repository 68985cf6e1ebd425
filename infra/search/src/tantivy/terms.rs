//! Reading the engine's dictionaries and postings, over one segment or all of a snapshot.

use super::{bits::Bits, schema::Layout};
use crate::Error;
use tantivy::{
    DocAddress, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, Term,
    columnar::Column,
    postings::{SegmentPostings, TermInfo},
    schema::{Field, IndexRecordOption},
};

/// Where a document's newest version is, tombstones included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) version: u64,
    pub(super) deleted: bool,
    pub(super) address: DocAddress,
}

/// The committed head of a key.
pub(super) fn head(searcher: &Searcher, layout: &Layout, key: &str) -> Result<Option<Head>, Error> {
    let mut newest: Option<Head> = None;
    for (ordinal, segment) in searcher.segment_readers().iter().enumerate() {
        let Some(mut postings) = postings(segment, layout.key, key)? else {
            continue;
        };
        let columns = segment.fast_fields();
        let versions = columns.column_opt::<u64>("_version").map_err(unreadable)?;
        let deletions = columns.column_opt::<u64>("_deleted").map_err(unreadable)?;
        while postings.doc() != TERMINATED {
            let document = postings.doc();
            let version = versions.as_ref().and_then(|column| column.first(document)).unwrap_or(0);
            if !segment.is_deleted(document) && newest.is_none_or(|head| head.version < version) {
                let address = DocAddress::new(ordinal as u32, document);
                let deleted = deletions
                    .as_ref()
                    .is_some_and(|column| column.first(document).is_some());
                newest = Some(Head {
                    version,
                    deleted,
                    address,
                });
            }
            postings.advance();
        }
    }
    Ok(newest)
}

/// The postings of a term in a segment, with frequencies where the field has them.
pub(super) fn postings(segment: &SegmentReader, field: Field, term: &str) -> Result<Option<SegmentPostings>, Error> {
    let index = segment.inverted_index(field).map_err(unreadable)?;
    index
        .read_postings(&Term::from_field_text(field, term), IndexRecordOption::WithFreqs)
        .map_err(unreadable)
}

/// Adds the documents of a term.
pub(super) fn collect(segment: &SegmentReader, field: Field, term: &str, into: &mut Bits) -> Result<(), Error> {
    if let Some(mut postings) = postings(segment, field, term)? {
        while postings.doc() != TERMINATED {
            into.insert(postings.doc());
            postings.advance();
        }
    }
    Ok(())
}

/// Whether some document of a term is neither replaced nor deleted.
pub(super) fn is_live(segment: &SegmentReader, index: &InvertedIndexReader, term: &TermInfo) -> Result<bool, Error> {
    if !segment.has_deletes() {
        return Ok(true);
    }
    let postings = index.read_postings_from_terminfo(term, IndexRecordOption::Basic);
    let mut postings = postings.map_err(unreadable)?;
    while postings.doc() != TERMINATED && segment.is_deleted(postings.doc()) {
        postings.advance();
    }
    Ok(postings.doc() != TERMINATED)
}

/// In how many documents a term is. Replaced ones count until they are merged away.
pub(super) fn frequency(searcher: &Searcher, field: Field, term: &str) -> Result<u64, Error> {
    searcher
        .doc_freq(&Term::from_field_text(field, term))
        .map_err(unreadable)
}

/// Mean words of a field, for which all documents of the index stand.
pub(super) fn mean_length(searcher: &Searcher, field: Field) -> Result<f32, Error> {
    let (mut words, mut documents) = (0, 0);
    for segment in searcher.segment_readers() {
        words += segment.inverted_index(field).map_err(unreadable)?.total_num_tokens();
        documents += u64::from(segment.max_doc());
    }
    Ok(if documents == 0 || words == 0 {
        1.0
    } else {
        words as f32 / documents as f32
    })
}

/// What tantivy says when files are not as it left them.
pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Corrupt(error.into())
}

/// A column of numbers; an empty one where no document of the segment has the field.
pub(super) fn numbers(segment: &SegmentReader, name: &str) -> Result<Column<i64>, Error> {
    let column = segment.fast_fields().column_opt::<i64>(name).map_err(unreadable)?;
    Ok(column.unwrap_or_else(|| Column::build_empty_column(segment.max_doc())))
}
