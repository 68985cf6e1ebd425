//! The order of hits: keys that compare within a segment as numbers, and over segments and pages as values.

use super::{
    schema::Layout,
    score::Scores,
    terms::{self, unreadable},
};
use crate::{Error, Sort, text::plan::Plan};
use headwater_read_models::search::FieldKind;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, ops::Bound};
use tantivy::{
    DocId, SegmentReader,
    columnar::{Column, StrColumn},
    i64_to_u64,
};

/// Where a page ends, as its cursor holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) value: SortValue,
    pub(super) id: String,
    /// The text as it was planned for the first page.
    pub(super) plan: Option<Plan>,
}

/// What a hit is sorted by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum SortValue {
    /// The bits of a score.
    Score(u32),
    /// A number or a time.
    Number(Option<i64>),
    /// A text.
    Text(Option<String>),
}

impl SortValue {
    /// The order over segments; missing values last either way.
    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        fn order<T: Ord>(a: &Option<T>, b: &Option<T>, descending: bool) -> Ordering {
            let missing = a.is_none().cmp(&b.is_none());
            missing.then_with(|| if descending { b.cmp(a) } else { a.cmp(b) })
        }
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => order(a, b, descending),
            (Self::Text(a), Self::Text(b)) => order(a, b, descending),
            // Scores are never negative, so their bits compare as they do; the best is first.
            (Self::Score(a), Self::Score(b)) => b.cmp(a),
            _ => Ordering::Equal,
        }
    }
}

/// The order within one segment: whether the value is missing, the value, the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(bool, u64, u64);

/// Reads keys of one segment.
pub(super) struct Keys {
    ids: Option<StrColumn>,
    by: By,
    descending: bool,
}

enum By {
    Score,
    Number(Column<i64>),
    Text(Option<StrColumn>),
}

impl Keys {
    pub(super) fn open(segment: &SegmentReader, layout: &Layout, sort: &Sort) -> Result<Self, Error> {
        let columns = segment.fast_fields();
        let ids = columns.str("_id").map_err(unreadable)?;
        let (by, descending) = match sort {
            Sort::Relevance => (By::Score, true),
            Sort::Field { name, descending } => match layout.field(name).map(|field| field.field.kind) {
                Some(FieldKind::Text { .. }) => (By::Text(columns.str(name).map_err(unreadable)?), *descending),
                _ => (By::Number(terms::numbers(segment, name)?), *descending),
            },
        };
        Ok(Self { ids, by, descending })
    }

    /// The key of a document.
    pub(super) fn key(&self, document: u32, scores: &Scores) -> Key {
        let id = self
            .ids
            .as_ref()
            .and_then(|ids| ids.ords().first(document))
            .unwrap_or(0);
        let id = 2 * id + 1;
        match &self.by {
            By::Score => self.present(u64::from(scores.of(document).to_bits()), id),
            By::Number(column) => match column.first(document) {
                Some(value) => self.present(i64_to_u64(value), id),
                None => Key(true, 0, id),
            },
            By::Text(column) => match column.as_ref().and_then(|column| column.ords().first(document)) {
                Some(ordinal) => self.present(2 * ordinal + 1, id),
                None => Key(true, 0, id),
            },
        }
    }

    /// What every key of the next page is above. Ordinals are doubled so that a value that this segment does not have lies between two.
    pub(super) fn after(&self, position: &Position) -> Result<Key, Error> {
        let id = place(self.ids.as_ref(), &position.id)?;
        Ok(match &position.value {
            SortValue::Score(bits) => self.present(u64::from(*bits), id),
            SortValue::Number(Some(value)) => self.present(i64_to_u64(*value), id),
            SortValue::Text(Some(text)) => {
                let column = if let By::Text(column) = &self.by {
                    column.as_ref()
                } else {
                    None
                };
                self.present(place(column, text)?, id)
            }
            SortValue::Number(None) | SortValue::Text(None) => Key(true, 0, id),
        })
    }

    /// What the document is sorted by, and its id.
    pub(super) fn value(&self, document: u32, scores: &Scores) -> Result<(SortValue, String), Error> {
        let value = match &self.by {
            By::Score => SortValue::Score(scores.of(document).to_bits()),
            By::Number(column) => SortValue::Number(column.first(document)),
            By::Text(column) => SortValue::Text(text(column.as_ref(), document)?),
        };
        Ok((value, text(self.ids.as_ref(), document)?.unwrap_or_default()))
    }

    pub(super) fn descending(&self) -> bool {
        self.descending
    }

    fn present(&self, value: u64, id: u64) -> Key {
        Key(false, if self.descending { !value } else { value }, id)
    }
}

/// Of the best of each segment, those that can be among the `limit` best of all and the one after. Scores compare over segments as they are,
/// so ids have to be read of few.
pub(super) fn possible(
    sort: &Sort,
    mut candidates: Vec<(Key, usize, DocId)>,
    limit: usize,
) -> Vec<(Key, usize, DocId)> {
    let comparable = |candidate: &(Key, usize, DocId)| (candidate.0.0, candidate.0.1);
    if *sort == Sort::Relevance && candidates.len() > limit {
        candidates.sort_unstable_by_key(comparable);
        let worst = comparable(&candidates[limit]);
        candidates.retain(|candidate| comparable(candidate) <= worst);
    }
    candidates
}

/// Twice the ordinal and one of a text that the segment has; twice the ordinal of the next one otherwise.
fn place(column: Option<&StrColumn>, text: &str) -> Result<u64, Error> {
    let Some(column) = column else { return Ok(u64::MAX) };
    let bounds = column
        .dictionary()
        .term_bounds_to_ord(Bound::Excluded(text.as_bytes()), Bound::Unbounded);
    Ok(match bounds.map_err(unreadable)?.0 {
        Bound::Excluded(ordinal) => ordinal.saturating_mul(2).saturating_add(1),
        Bound::Included(next) => next.saturating_mul(2),
        Bound::Unbounded => 0,
    })
}

fn text(column: Option<&StrColumn>, document: u32) -> Result<Option<String>, Error> {
    let Some((column, ordinal)) = column.and_then(|column| Some((column, column.ords().first(document)?))) else {
        return Ok(None);
    };
    let mut text = String::new();
    column.ord_to_str(ordinal, &mut text).map_err(unreadable)?;
    Ok(Some(text))
}
