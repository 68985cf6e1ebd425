//! Counting the values of keyword fields over what matches.

use super::terms::unreadable;
use crate::{Error, FacetCount};
use std::collections::{BTreeMap, HashMap};
use tantivy::{SegmentReader, columnar::StrColumn};

/// Counts of all segments.
pub(super) struct Facets<'a> {
    fields: &'a [String],
    counts: Vec<HashMap<String, u64>>,
}

/// Counts of one segment, by the ordinal of the value.
pub(super) struct SegmentFacets {
    columns: Vec<Option<(StrColumn, Vec<u32>)>>,
}

impl SegmentFacets {
    pub(super) fn open(segment: &SegmentReader, fields: &[String]) -> Result<Self, Error> {
        let open = |field: &String| {
            let column = segment.fast_fields().str(field).map_err(unreadable)?;
            Ok(column.map(|column| {
                let values = column.dictionary().num_terms();
                (column, vec![0; values])
            }))
        };
        Ok(Self {
            columns: fields.iter().map(open).collect::<Result<_, Error>>()?,
        })
    }

    pub(super) fn count(&mut self, document: u32) {
        for (column, counts) in self.columns.iter_mut().flatten() {
            for ordinal in column.ords().values_for_doc(document) {
                if let Some(count) = counts.get_mut(ordinal as usize) {
                    *count += 1;
                }
            }
        }
    }
}

impl<'a> Facets<'a> {
    pub(super) fn new(fields: &'a [String]) -> Self {
        Self {
            fields,
            counts: vec![HashMap::new(); fields.len()],
        }
    }

    /// Adds a segment's counts. A value that did not match is not looked up, so another tenant's is never read.
    pub(super) fn add(&mut self, segment: SegmentFacets) -> Result<(), Error> {
        for (sums, column) in self.counts.iter_mut().zip(segment.columns) {
            let Some((column, counts)) = column else { continue };
            let found = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            let (ordinals, counts): (Vec<u64>, Vec<u32>) = found.map(|(at, count)| (at as u64, *count)).unzip();
            let mut counts = counts.into_iter();
            let mut add = |value: &[u8]| {
                let value = String::from_utf8_lossy(value).into_owned();
                *sums.entry(value).or_default() += u64::from(counts.next().unwrap_or(0));
            };
            column
                .dictionary()
                .sorted_ords_to_term_cb(&ordinals, &mut add)
                .map_err(unreadable)?;
        }
        Ok(())
    }

    /// The most frequent values of each facet.
    pub(super) fn top(self, size: usize) -> BTreeMap<String, Vec<FacetCount>> {
        let top = |counts: HashMap<String, u64>| {
            let mut all: Vec<FacetCount> = counts
                .into_iter()
                .map(|(value, count)| FacetCount { value, count })
                .collect();
            all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
            all.truncate(size);
            all
        };
        self.fields
            .iter()
            .cloned()
            .zip(self.counts.into_iter().map(top))
            .collect()
    }
}
