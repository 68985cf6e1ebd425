//! A tenant's words, asked of the engine. The planner asks for one at a time and knows no waiting, so it runs on what is known, and again when
//! what it missed has been fetched: once for most texts, twice with a misspelling.

use super::{OpenSearchIndex, layout};
use crate::{
    Error,
    text::{
        completions::{self, Completion},
        forms::Wanted,
        plan::{Exact, Words},
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
    let either = json!({"bool": {"should": either, "minimum_should_match": 1}});
    let found = frequent(index, tenant, "vocabulary", &first, Some(either)).await?;
    found.iter().for_each(|(candidate, n)| wanted.see(candidate, *n));
    Ok(wanted.forms())
}

/// Looks for what a word may become that is typed so far.
async fn completions(index: &OpenSearchIndex, tenant: &str, typed: &str) -> Result<Vec<Completion>, Error> {
    let Some(mut wanted) = completions::Wanted::new(typed) else {
        return Ok(Vec::new());
    };
    let beginning = layout::entry(tenant, typed);
    for (word, n) in frequent(index, tenant, "begun", &beginning, None).await? {
        wanted.see(&word, n);
    }
    if wanted.needs_near() {
        let first = layout::entry(tenant, &wanted.first.to_string());
        for (word, n) in frequent(index, tenant, "begun", &first, None).await? {
            wanted.see(&word, n);
        }
    }
    Ok(wanted.completions())
}

/// The most frequent of the tenant's entries in a field that begin so, as words, in documents that a query finds.
async fn frequent(
    index: &OpenSearchIndex,
    tenant: &str,
    field: &str,
    beginning: &str,
    query: Option<Value>,
) -> Result<Vec<(String, u64)>, Error> {
    let escaped: String = beginning
        .chars()
        .flat_map(|c| {
            if c.is_ascii_alphanumeric() {
                vec![c]
            } else {
                vec!['\\', c]
            }
        })
        .collect();
    let query = query.unwrap_or_else(|| {
        let mut prefix = json!({});
        prefix[field] = json!({ "value": beginning });
        json!({ "prefix": prefix })
    });
    let body = json!({
        "size": 0, "track_total_hits": false,
        "query": {"bool": {"filter": [{"term": {"tenant": tenant}}, query]}},
        "aggs": {"words": {"terms": {"field": field, "size": MAX_LOOKED_AT, "include": format!("{escaped}.*")}}},
    });
    let answer = index.ask(tenant, &body).await?;
    let buckets = answer["aggregations"]["words"]["buckets"].as_array();
    let word = |bucket: &Value| {
        let (owner, word) = bucket["key"].as_str()?.split_once(SEPARATOR)?;
        let own = owner == tenant;
        own.then(|| (word.to_owned(), bucket["doc_count"].as_u64().unwrap_or(0)))
    };
    Ok(buckets.into_iter().flatten().filter_map(word).collect())
}
