//! A tenant's words, asked of the engine. The planner asks for one at a time and knows no waiting, so it runs on what is known, and again when
//! what it missed has been fetched: once for most texts, twice with a misspelling.

use super::{OpenSearchIndex, layout, words};
use crate::{
    Error,
    text::{
        completions::{self, Completion},
        forms::Wanted,
        plan::{Exact, Words},
    },
};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Rounds after which the plan is taken as it is.
const ROUNDS: usize = 6;
/// The most words of the engine's dictionary that are looked at for what completes a word.
const MAX_LOOKED_AT: usize = 1_000;
/// The most words that are taken to be near another, or to complete it.
const MAX_NEAR: usize = 50;
/// Documents whose words are looked at for those that complete one.
const SAMPLE: usize = 100;

type Forms = Vec<(String, f32, u64)>;

/// What is known so far.
#[derive(Default)]
pub(super) struct Known {
    documents: u64,
    words: BTreeMap<String, u64>,
    forms: BTreeMap<(String, bool), Forms>,
    completions: BTreeMap<String, Vec<Completion>>,
    missed: RefCell<Missed>,
}

#[derive(Default)]
struct Missed {
    words: BTreeSet<String>,
    forms: BTreeSet<(String, bool)>,
    completions: BTreeSet<String>,
}

impl Words for Known {
    fn documents(&self) -> u64 {
        self.documents
    }

    fn of_word(&self, word: &str) -> Result<u64, Error> {
        let known = self.words.get(word).copied();
        if known.is_none() {
            self.missed.borrow_mut().words.insert(word.to_owned());
        }
        Ok(known.unwrap_or(0))
    }

    /// Pairs are words of a document here.
    fn of_pair(&self, word: &str) -> Result<u64, Error> {
        self.of_word(word)
    }

    fn forms(&self, word: &str, last: bool) -> Result<Forms, Error> {
        let key = (word.to_owned(), last);
        if let Some(forms) = self.forms.get(&key) {
            return Ok(forms.clone());
        }
        // Only of a word that is known to be none.
        if self.words.contains_key(word) {
            self.missed.borrow_mut().forms.insert(key);
        }
        Ok(Vec::new())
    }

    fn completions(&self, typed: &str) -> Result<Vec<Completion>, Error> {
        let known = self.completions.get(typed).cloned();
        if known.is_none() {
            self.missed.borrow_mut().completions.insert(typed.to_owned());
        }
        Ok(known.unwrap_or_default())
    }

    fn lengths(&self) -> Result<Vec<Exact>, Error> {
        Ok(Vec::new())
    }
}

/// What `plan` makes of the words of a tenant.
pub(super) async fn planned<T>(
    index: &OpenSearchIndex,
    tenant: &str,
    plan: impl Fn(&Known) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut known = Known::default();
    for _ in 1..ROUNDS {
        let planned = plan(&known)?;
        let missed = known.missed.take();
        if missed.words.is_empty() && missed.forms.is_empty() && missed.completions.is_empty() {
            return Ok(planned);
        }
        if !missed.words.is_empty() {
            count(index, tenant, missed.words, &mut known).await?;
        }
        for (word, last) in missed.forms {
            let forms = forms(index, tenant, &word, last).await?;
            known.forms.insert((word, last), forms);
        }
        for typed in missed.completions {
            let completions = completions(index, tenant, &typed).await?;
            known.completions.insert(typed, completions);
        }
    }
    plan(&known)
}

/// Counts the documents of words, and all of the tenant.
async fn count(index: &OpenSearchIndex, tenant: &str, words: BTreeSet<String>, known: &mut Known) -> Result<(), Error> {
    let words: Vec<String> = words.into_iter().collect();
    let term = |word: &String| json!({"term": {"words": layout::entry(tenant, word)}});
    let filters: Vec<Value> = words.iter().map(term).collect();
    let body = json!({
        "size": 0, "track_total_hits": true,
        "query": {"bool": {"filter": [{"term": {"tenant": tenant}}]}},
        "aggs": {"words": {"filters": {"filters": filters}}},
    });
    let answer = index.ask(tenant, &body).await?;
    known.documents = answer["hits"]["total"]["value"].as_u64().unwrap_or(0);
    for (at, word) in words.into_iter().enumerate() {
        let frequency = answer["aggregations"]["words"]["buckets"][at]["doc_count"].as_u64();
        known.words.insert(word, frequency.unwrap_or(0));
    }
    Ok(())
}

/// Looks for other forms of a word: those that are near in the engine's dictionary, else those that complete it in some documents.
async fn forms(index: &OpenSearchIndex, tenant: &str, word: &str, last: bool) -> Result<Forms, Error> {
    let Some(mut wanted) = Wanted::new(word, last) else {
        return Ok(Vec::new());
    };
    let entry = layout::entry(tenant, word);
    let mut body = json!({"size": 0, "track_total_hits": false});
    if wanted.edits > 0 {
        body["suggest"] = json!({"near": {"text": entry, "term": {
            "field": "words", "analyzer": "keyword", "suggest_mode": "always", "sort": "score",
            "prefix_length": tenant.len() + 2, "max_edits": wanted.edits, "min_word_length": 1,
            "size": MAX_NEAR, "max_term_freq": i32::MAX / 2,
        }}});
    }
    if wanted.completes {
        body["size"] = json!(SAMPLE);
        body["query"] = json!({"bool": {"filter": [
            {"term": {"tenant": tenant}}, {"prefix": {"words": {"value": entry}}},
        ]}});
        body["_source"] = json!(["words"]);
        body["sort"] = json!(["_doc"]);
    }
    let answer = index.ask(tenant, &body).await?;
    let near = answer["suggest"]["near"][0]["options"].as_array();
    for option in near.into_iter().flatten() {
        let candidate = option["text"].as_str().and_then(|entry| layout::word(tenant, entry));
        if let Some(candidate) = candidate {
            wanted.see(candidate, option["freq"].as_u64().unwrap_or(0));
        }
    }
    if wanted.is_empty() {
        let sample = answer["hits"]["hits"].as_array();
        let texts = sample
            .into_iter()
            .flatten()
            .filter_map(|hit| hit["_source"]["words"].as_str());
        for (candidate, n) in completing(index, tenant, word, texts).await? {
            wanted.see(&candidate, n);
        }
    }
    Ok(wanted.forms())
}

/// The words of some documents that begin like this, the most frequent of them, and in how many documents of the tenant each is.
async fn completing(
    index: &OpenSearchIndex,
    tenant: &str,
    word: &str,
    texts: impl Iterator<Item = &str>,
) -> Result<BTreeMap<String, u64>, Error> {
    let mut sampled: BTreeMap<&str, usize> = BTreeMap::new();
    for candidate in texts.flat_map(|text| words::words(tenant, text)) {
        if candidate.starts_with(word) {
            *sampled.entry(candidate).or_default() += 1;
        }
    }
    let mut frequent: Vec<_> = sampled
        .into_iter()
        .map(|(candidate, n)| (Reverse(n), candidate))
        .collect();
    frequent.sort_unstable();
    let frequent = frequent
        .into_iter()
        .take(MAX_NEAR)
        .map(|(_, candidate)| candidate.to_owned());
    let frequent: BTreeSet<String> = frequent.collect();
    let mut known = Known::default();
    if !frequent.is_empty() {
        count(index, tenant, frequent, &mut known).await?;
    }
    Ok(known.words)
}

/// Looks for what a word may become that is typed so far.
async fn completions(index: &OpenSearchIndex, tenant: &str, typed: &str) -> Result<Vec<Completion>, Error> {
    let Some(mut wanted) = completions::Wanted::new(typed) else {
        return Ok(Vec::new());
    };
    let beginning = layout::entry(tenant, typed);
    for (word, n) in frequent(index, tenant, &beginning).await? {
        wanted.see(&word, n);
    }
    if wanted.needs_near() {
        let first = layout::entry(tenant, &wanted.first.to_string());
        for (word, n) in frequent(index, tenant, &first).await? {
            wanted.see(&word, n);
        }
    }
    Ok(wanted.completions())
}

/// The most frequent of the tenant's words to complete that begin so, and in how many documents each is.
async fn frequent(index: &OpenSearchIndex, tenant: &str, beginning: &str) -> Result<Vec<(String, u64)>, Error> {
    let escape = |c: char| (!c.is_ascii_alphanumeric()).then_some('\\').into_iter().chain([c]);
    let escaped: String = beginning.chars().flat_map(escape).collect();
    // In brackets, as 2.19 fails on what it takes for a prefix when that is after the last word of the index.
    let include = format!("{escaped}(.*)");
    let body = json!({
        "size": 0, "track_total_hits": false,
        "query": {"bool": {"filter": [{"term": {"tenant": tenant}}, {"prefix": {"begun": {"value": beginning}}}]}},
        "aggs": {"words": {"terms": {"field": "begun", "size": MAX_LOOKED_AT, "include": include}}},
    });
    let answer = index.ask(tenant, &body).await?;
    let buckets = answer["aggregations"]["words"]["buckets"].as_array();
    let word = |bucket: &Value| {
        let word = layout::word(tenant, bucket["key"].as_str()?)?;
        Some((word.to_owned(), bucket["doc_count"].as_u64().unwrap_or(0)))
    };
    Ok(buckets.into_iter().flatten().filter_map(word).collect())
}
