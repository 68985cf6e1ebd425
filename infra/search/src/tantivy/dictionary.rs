//! A tenant's words as they are in this engine's dictionaries.

use super::{
    schema::{Layout, tenant_term},
    terms::{self, unreadable},
};
use crate::{
    Error,
    text::{
        completions::{self, Completion},
        forms::Wanted,
        plan::{Exact, Words},
    },
};
use tantivy::{Searcher, schema::Field};

/// The most dictionary entries looked at for one word.
const MAX_LOOKED_AT: usize = 200_000;

/// The words in this engine's dictionaries.
pub(super) struct Dictionary<'a> {
    pub(super) searcher: &'a Searcher,
    pub(super) layout: &'a Layout,
    pub(super) tenant: &'a str,
    documents: u64,
}

impl<'a> Dictionary<'a> {
    pub(super) fn new(searcher: &'a Searcher, layout: &'a Layout, tenant: &'a str) -> Result<Self, Error> {
        Ok(Self {
            searcher,
            layout,
            tenant,
            documents: terms::frequency(searcher, layout.tenant, tenant)?,
        })
    }

    fn most(&self, fields: impl Iterator<Item = Field>, word: &str) -> Result<u64, Error> {
        let term = tenant_term(self.tenant, word);
        let mut frequencies = fields.map(|field| terms::frequency(self.searcher, field, &term));
        frequencies.try_fold(0, |most, n| Ok(most.max(n?)))
    }
}

impl Words for Dictionary<'_> {
    fn documents(&self) -> u64 {
        self.documents
    }

    fn of_word(&self, word: &str) -> Result<u64, Error> {
        self.most(self.layout.fields.iter().filter_map(|field| field.word), word)
    }

    fn of_pair(&self, word: &str) -> Result<u64, Error> {
        self.most(self.layout.fields.iter().filter_map(|field| field.pair), word)
    }

    fn forms(&self, word: &str, last: bool) -> Result<Vec<(String, f32, u64)>, Error> {
        forms(self, word, last)
    }

    fn completions(&self, typed: &str) -> Result<Vec<Completion>, Error> {
        let Some(mut wanted) = completions::Wanted::new(typed) else {
            return Ok(Vec::new());
        };
        let mut left = MAX_LOOKED_AT;
        let field = self.layout.begun;
        each_word(self, (field, true), typed, &mut left, |word, n| wanted.see(word, n))?;
        if wanted.needs_near() {
            let first = wanted.first.to_string();
            each_word(self, (field, true), &first, &mut left, |word, n| wanted.see(word, n))?;
        }
        Ok(wanted.completions())
    }

    fn lengths(&self) -> Result<Vec<Exact>, Error> {
        let fields = self.layout.fields.iter().map(|field| field.word);
        fields
            .chain([self.layout.fields.iter().find_map(|field| field.pair)])
            .map(|field| {
                let mean = field.map_or(Ok(1.0), |field| terms::mean_length(self.searcher, field))?;
                Ok(Exact(mean))
            })
            .collect()
    }
}

/// The forms of a word in this index.
fn forms(words: &Dictionary<'_>, word: &str, last: bool) -> Result<Vec<(String, f32, u64)>, Error> {
    let Some(mut wanted) = Wanted::new(word, last) else {
        return Ok(Vec::new());
    };
    let mut left = MAX_LOOKED_AT;
    // A misspelling rarely has its first letter wrong, and looking at no others is 26 times less.
    let first = wanted.first.to_string();
    for field in words.layout.fields.iter().filter_map(|field| field.word) {
        each_word(words, (field, false), &first, &mut left, |candidate, frequency| {
            wanted.see(candidate, frequency)
        })?;
    }
    Ok(wanted.forms())
}

/// The tenant's words of a field that begin so; of replaced and deleted documents too, unless it is said that they have to be `live`.
fn each_word(
    words: &Dictionary<'_>,
    (field, live): (Field, bool),
    beginning: &str,
    left: &mut usize,
    mut each: impl FnMut(&str, u64),
) -> Result<(), Error> {
    let prefix = tenant_term(words.tenant, "").len();
    let start = tenant_term(words.tenant, beginning).into_bytes();
    for segment in words.searcher.segment_readers() {
        let index = segment.inverted_index(field).map_err(unreadable)?;
        let mut stream = index.terms().range().ge(&start).into_stream().map_err(unreadable)?;
        while *left > 0 && stream.advance() && stream.key().starts_with(&start) {
            *left -= 1;
            if live && !terms::is_live(segment, &index, stream.value())? {
                continue;
            }
            if let Ok(word) = std::str::from_utf8(&stream.key()[prefix..]) {
                each(word, u64::from(stream.value().doc_freq));
            }
        }
    }
    Ok(())
}
