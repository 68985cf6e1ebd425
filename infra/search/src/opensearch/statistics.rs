//! A tenant's words, asked of the engine. The planner asks for one at a time and knows no waiting, so it runs on what is known, and again when
//! what it missed has been fetched: once for most texts, twice with a misspelling.

use super::{OpenSearchIndex, layout};
use crate::{
    Error,
    text::{
        forms::Wanted,
        plan::{Exact, Plan, Words, plan},
    },
    values::SEPARATOR,
};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// Rounds after which the plan is taken as it is.
const ROUNDS: usize = 6;
/// The most words of the engine's dictionary that are looked at for one word.
const MAX_LOOKED_AT: usize = 1_000;

type Forms = Vec<(String, f32, u64)>;

/// What is known so far.
#[derive(Default)]
struct Known {
    documents: u64,
    words: BTreeMap<String, u64>,
    forms: BTreeMap<(String, bool), Forms>,
    missed: RefCell<Missed>,
}

#[derive(Default)]
struct Missed {
    words: BTreeSet<String>,
    forms: BTreeSet<(String, bool)>,
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

    fn lengths(&self) -> Result<Vec<Exact>, Error> {
        Ok(Vec::new())
    }
}

/// Plans a text by the words of a tenant; none when it has no word.
pub(super) async fn planned(index: &OpenSearchIndex, tenant: &str, text: &str) -> Result<Option<Plan>, Error> {
    let mut known = Known::default();
    let mut planned = None;
    for _ in 0..ROUNDS {
        planned = plan(&known, text)?;
        let missed = known.missed.take();
        if missed.words.is_empty() && missed.forms.is_empty() {
            break;
        }
        if !missed.words.is_empty() {
            count(index, tenant, missed.words, &mut known).await?;
        }
        for (word, last) in missed.forms {
            let forms = forms(index, tenant, &word, last).await?;
            known.forms.insert((word, last), forms);
        }
    }
    Ok(planned)
}

/// Counts the documents of words, and all of the tenant.
async fn count(index: &OpenSearchIndex, tenant: &str, words: BTreeSet<String>, known: &mut Known) -> Result<(), Error> {
    let words: Vec<String> = words.into_iter().collect();
    let term = |word: &String| json!({"term": {"vocabulary": layout::entry(tenant, word)}});
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

/// Looks for other forms of a word that no document has.
async fn forms(index: &OpenSearchIndex, tenant: &str, word: &str, last: bool) -> Result<Forms, Error> {
    let Some(mut wanted) = Wanted::new(word, last) else {
        return Ok(Vec::new());
    };
    let entry = layout::entry(tenant, word);
    let start = tenant.len() + 1;
    let mut either = Vec::new();
    if wanted.edits > 0 {
        either.push(json!({"fuzzy": {"vocabulary": {
            "value": entry, "fuzziness": wanted.edits, "prefix_length": start + 1, "max_expansions": 50,
        }}}));
    }
    if wanted.completes {
        either.push(json!({"prefix": {"vocabulary": {"value": entry}}}));
    }
    let first: String = entry.chars().take(start + 1).collect();
    let escaped: String = first
        .chars()
        .flat_map(|c| {
            if c.is_ascii_alphanumeric() {
                vec![c]
            } else {
                vec!['\\', c]
            }
        })
        .collect();
    let body = json!({
        "size": 0, "track_total_hits": false,
        "query": {"bool": {
            "filter": [{"term": {"tenant": tenant}}, {"bool": {"should": either, "minimum_should_match": 1}}],
        }},
        "aggs": {"words": {"terms": {
            "field": "vocabulary", "size": MAX_LOOKED_AT, "include": format!("{escaped}.*"),
        }}},
    });
    let answer = index.ask(tenant, &body).await?;
    for bucket in answer["aggregations"]["words"]["buckets"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let candidate = bucket["key"].as_str().and_then(|key| key.split_once(SEPARATOR));
        if let Some((_, candidate)) = candidate.filter(|(owner, _)| *owner == tenant) {
            wanted.see(candidate, bucket["doc_count"].as_u64().unwrap_or(0));
        }
    }
    Ok(wanted.forms())
}
