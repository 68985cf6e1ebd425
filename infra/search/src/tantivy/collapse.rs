//! Collapsing: of the documents with one value, the best.
//!
//! The best of each value is found within a segment first, before it is looked at where the page starts: what a better document stands for
//! is never a hit, on whatever page that one is. What is kept is one slot for each value that the segment's column has, as for facets, and
//! no text; values are read of those alone that may be on the page.

use super::{
    order::{Key, Keys, SortValue},
    score::Scores,
    terms::unreadable,
};
use crate::Error;
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};
use tantivy::{SegmentReader, columnar::StrColumn};

/// The best of each value in one segment.
pub(super) struct Groups {
    column: Option<StrColumn>,
    /// By the ordinal of the value.
    best: Vec<Option<(Key, u32)>>,
    after: Option<Key>,
}

/// A hit that stands for a value.
pub(super) struct Standing {
    pub(super) segment: usize,
    pub(super) document: u32,
    pub(super) value: SortValue,
    pub(super) id: String,
}

impl Groups {
    /// Of a segment whose part of the page is after `after`.
    pub(super) fn open(segment: &SegmentReader, field: Option<&str>, after: Option<Key>) -> Result<Self, Error> {
        let column = field.map_or(Ok(None), |field| segment.fast_fields().str(field).map_err(unreadable))?;
        let values = column.as_ref().map_or(0, |column| column.dictionary().num_terms());
        Ok(Self {
            column,
            best: vec![None; values],
            after,
        })
    }

    /// Takes a document that has a value; says whether it has one.
    pub(super) fn take(&mut self, document: u32, key: Key) -> bool {
        let Some(column) = &self.column else { return false };
        let mut any = false;
        for ordinal in column.ords().values_for_doc(document) {
            if let Some(best) = self.best.get_mut(ordinal as usize) {
                any = true;
                if best.is_none_or(|(other, _)| key < other) {
                    *best = Some((key, document));
                }
            }
        }
        any
    }

    /// The segment's best that may be on the page, the first on top.
    fn ahead(&self) -> BinaryHeap<Reverse<(Key, u32)>> {
        let ahead = |(key, _): &(Key, u32)| self.after.is_none_or(|after| *key > after);
        let mut ahead: Vec<_> = self.best.iter().flatten().filter(|best| ahead(best)).collect();
        ahead.sort_unstable();
        ahead.dedup();
        ahead.into_iter().map(|best| Reverse(*best)).collect()
    }

    /// The best document of a value.
    fn best_of(&self, value: &str) -> Result<Option<u32>, Error> {
        let Some(column) = &self.column else { return Ok(None) };
        let ordinal = column.dictionary().term_ord(value).map_err(unreadable)?;
        let best = ordinal.and_then(|ordinal| *self.best.get(ordinal as usize)?);
        Ok(best.map(|(_, document)| document))
    }

    /// The values of which a document is the segment's best.
    fn stands_for(&self, document: u32) -> Result<Vec<String>, Error> {
        let Some(column) = &self.column else {
            return Ok(Vec::new());
        };
        let mut values = Vec::new();
        for ordinal in column.ords().values_for_doc(document) {
            let best = self.best.get(ordinal as usize).copied().flatten();
            if best.is_some_and(|(_, best)| best == document) {
                let mut value = String::new();
                column.ord_to_str(ordinal, &mut value).map_err(unreadable)?;
                values.push(value);
            }
        }
        Ok(values)
    }
}

/// The segments of a snapshot: how each is sorted, and its best.
pub(super) struct Collapsed<'a> {
    pub(super) segments: &'a [(Keys, Scores)],
    pub(super) groups: &'a [Groups],
    pub(super) descending: bool,
}

impl Collapsed<'_> {
    /// The first `count` documents of the page that are the best of a value in all segments.
    pub(super) fn first(&self, count: usize) -> Result<Vec<Standing>, Error> {
        let mut ahead: Vec<_> = self.groups.iter().map(Groups::ahead).collect();
        let mut heads = Vec::with_capacity(ahead.len());
        for (segment, ahead) in ahead.iter_mut().enumerate() {
            heads.push(self.next(segment, ahead)?);
        }
        let mut first = Vec::new();
        while first.len() < count {
            let open = heads.iter().flatten();
            let Some(segment) = open.min_by(|a, b| self.order(a, b)).map(|head| head.segment) else {
                break;
            };
            let next = self.next(segment, &mut ahead[segment])?;
            if let Some(head) = std::mem::replace(&mut heads[segment], next)
                && self.is_best(&head)?
            {
                first.push(head);
            }
        }
        Ok(first)
    }

    fn next(&self, segment: usize, ahead: &mut BinaryHeap<Reverse<(Key, u32)>>) -> Result<Option<Standing>, Error> {
        let Some(Reverse((_, document))) = ahead.pop() else {
            return Ok(None);
        };
        self.standing(segment, document).map(Some)
    }

    fn standing(&self, segment: usize, document: u32) -> Result<Standing, Error> {
        let (keys, scores) = &self.segments[segment];
        let (value, id) = keys.value(document, scores)?;
        Ok(Standing {
            segment,
            document,
            value,
            id,
        })
    }

    fn order(&self, a: &Standing, b: &Standing) -> Ordering {
        let by_value = a.value.compare(&b.value, self.descending);
        by_value.then_with(|| a.id.cmp(&b.id))
    }

    /// Whether no other segment has a better document for one of the values that this one is its segment's best of.
    fn is_best(&self, standing: &Standing) -> Result<bool, Error> {
        'values: for value in self.groups[standing.segment].stands_for(standing.document)? {
            for (segment, groups) in self.groups.iter().enumerate() {
                if segment == standing.segment {
                    continue;
                }
                if let Some(document) = groups.best_of(&value)?
                    && self.order(&self.standing(segment, document)?, standing).is_lt()
                {
                    continue 'values;
                }
            }
            return Ok(true);
        }
        Ok(false)
    }
}
