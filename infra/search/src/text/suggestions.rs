//! From what a text that is being typed finds to what is suggested: words, phrases of names, names and values, and in which order.

use super::{
    analysis::{Chunk, chunks, pair},
    begun::Begun,
    highlight::marked_ranges,
    plan::Group,
    typed::typed_range,
};
use crate::{
    FacetCount, SuggestQuery, Suggestion, SuggestionKind,
    values::{lead, texts},
};
use headwater_read_models::search::Mapping;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

/// How many of the best documents lend their names.
pub(crate) const SAMPLE: usize = 50;
/// How many values of a field are looked at.
pub(crate) const VALUES: usize = 200;
/// A phrase is in the names of so many of them.
const SHARED: u64 = 2;
/// Words that no phrase ends with.
const OPEN_ENDED: [&str; 12] = [
    "a", "an", "and", "by", "for", "from", "in", "of", "on", "the", "to", "with",
];

/// What a begun text finds.
pub(crate) struct Found {
    /// For each completion, how many documents have it and the words before.
    pub(crate) completed: Vec<u64>,
    /// How many documents there are.
    pub(crate) total: u64,
    /// The best of them, the best first.
    pub(crate) best: Vec<Value>,
    /// The values of fields and in how many of all documents each is.
    pub(crate) values: BTreeMap<String, Vec<FacetCount>>,
}

/// A suggestion and what it is worth.
struct Candidate {
    text: String,
    kind: SuggestionKind,
    /// Whether it begins with the first word that was typed.
    begins: bool,
    documents: u64,
}

/// The suggestions.
pub(crate) fn suggestions(mapping: &Mapping, query: &SuggestQuery, begun: &Begun, found: &Found) -> Vec<Suggestion> {
    let wanted = |kind: &SuggestionKind| query.kind.as_ref().is_none_or(|only| only == kind);
    let names = names(mapping, begun, found);
    let name = lead(mapping).map(|field| SuggestionKind::Field(field.to_owned()));
    let named = |kind: SuggestionKind| {
        let candidate = move |name: &Name<'_>| Candidate {
            text: name.text.to_owned(),
            kind: kind.clone(),
            begins: false,
            documents: 1,
        };
        names.iter().map(candidate).collect::<Vec<_>>()
    };
    // What says the same is suggested once: as a value before words, as words before a name. What is typed already is no news as words.
    let typed = same(&format!("{} {}", begun.before, begun.typed));
    let mut seen = HashSet::new();
    let mut fresh = |candidate: &Candidate| {
        let says = same(&candidate.text);
        let news = candidate.kind != SuggestionKind::Words || says != typed;
        news && wanted(&candidate.kind) && seen.insert(says)
    };
    let first = values(begun, found)
        .chain(words(begun, found, &names))
        .chain(phrases(begun, found, &names));
    let mut first: Vec<Candidate> = first.filter(&mut fresh).collect();
    let mut last: Vec<Candidate> = name.map(named).unwrap_or_default();
    last.retain(&mut fresh);
    first.sort_by(|a, b| (b.begins, b.documents, &a.text).cmp(&(a.begins, a.documents, &b.text)));
    // Names have half of the room, and what the others leave.
    first.truncate(query.limit - last.len().min(query.limit / 2));
    last.truncate(query.limit - first.len());
    let all = first.into_iter().chain(last);
    all.map(|candidate| Suggestion {
        highlighted: highlighted(&candidate.text, begun),
        text: candidate.text,
        kind: candidate.kind,
    })
    .collect()
}

/// What texts share that say the same.
fn same(text: &str) -> String {
    let chunks = chunks(text);
    let words: Vec<String> = chunks.iter().map(Chunk::joined).collect();
    words.join(" ")
}

/// The words typed, the last one complete, written with its hyphens if some name has it so.
fn words<'a>(begun: &'a Begun, found: &'a Found, names: &'a [Name<'a>]) -> impl Iterator<Item = Candidate> + 'a {
    let mut apart: HashMap<String, String> = HashMap::new();
    for Name { text, answers } in names {
        for chunk in answers.chunks.iter().filter(|chunk| chunk.parts.len() > 1) {
            apart
                .entry(chunk.parts.concat())
                .or_insert_with(|| text[chunk.start..chunk.end].to_lowercase());
        }
    }
    let completed = begun.completions.iter().zip(&found.completed);
    let some = completed.filter(|(_, documents)| **documents > 0);
    some.map(move |(completion, documents)| {
        let word = apart.get(&completion.written).unwrap_or(&completion.written);
        Candidate {
            text: format!("{} {word}", begun.before).trim().to_owned(),
            kind: SuggestionKind::Words,
            begins: true,
            documents: *documents,
        }
    })
}

/// Values with all words that were typed.
fn values<'a>(begun: &'a Begun, found: &'a Found) -> impl Iterator<Item = Candidate> + 'a {
    let all = found.values.iter();
    let all = all.flat_map(|(field, counts)| counts.iter().map(move |count| (field, count)));
    all.filter_map(|(field, count)| {
        let answers = Answers::of(&count.value, begun)?;
        Some(Candidate {
            text: count.value.clone(),
            kind: SuggestionKind::Field(field.clone()),
            begins: answers.first() == Some(0),
            documents: count.count,
        })
    })
}

/// A name with all words that were typed.
struct Name<'a> {
    text: &'a str,
    answers: Answers,
}

fn names<'a>(mapping: &Mapping, begun: &Begun, found: &'a Found) -> Vec<Name<'a>> {
    let Some(lead) = lead(mapping) else { return Vec::new() };
    let all = found.best.iter().filter_map(|source| source.get(lead)).flat_map(texts);
    all.filter_map(|text| {
        let answers = Answers::of(text, begun)?;
        Some(Name { text, answers })
    })
    .collect()
}

/// The words typed and the one that follows in several names.
fn phrases<'a>(begun: &'a Begun, found: &'a Found, names: &[Name<'_>]) -> impl Iterator<Item = Candidate> + 'a {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for Name { text, answers } in names {
        let chunks = &answers.chunks;
        let Some((at, next)) = answers.last().and_then(|at| Some((at, chunks.get(at + 1)?))) else {
            continue;
        };
        let joined = text[chunks[at].end..next.start].chars().all(char::is_whitespace);
        let (last, next) = (
            &text[chunks[at].start..chunks[at].end],
            text[next.start..next.end].to_lowercase(),
        );
        let says = next.chars().any(char::is_alphabetic) && !OPEN_ENDED.contains(&next.as_str());
        if joined && says && !answers.found.iter().any(|found| found.contains(&(at + 1))) {
            let before = if begun.typed.is_empty() {
                begun.before.clone()
            } else {
                format!("{} {}", begun.before, last.to_lowercase())
            };
            *counts.entry(format!("{} {next}", before.trim())).or_default() += 1;
        }
    }
    let most = found.completed.iter().copied().max().unwrap_or(u64::MAX);
    let shared = counts.into_iter().filter(|(_, names)| *names >= SHARED);
    shared.map(move |(text, names)| Candidate {
        text,
        kind: SuggestionKind::Words,
        begins: true,
        // In about so many documents, as the best of them stand for all; in no more than its words are.
        documents: (names * found.total / (found.best.len() as u64).max(1)).min(most),
    })
}

/// Where a text has what was typed.
struct Answers {
    chunks: Vec<Chunk>,
    /// For each word that was typed, the chunks that answer it: some for each.
    found: Vec<Vec<usize>>,
}

impl Answers {
    /// None when something is not there.
    fn of(text: &str, begun: &Begun) -> Option<Self> {
        let chunks = chunks(text);
        let groups = begun.plan.groups.iter();
        let found: Vec<Vec<usize>> = groups.map(|group| places(&chunks, group)).collect();
        let all = !found.iter().any(Vec::is_empty);
        all.then_some(Self { chunks, found })
    }

    /// The first chunk that answers the first word.
    fn first(&self) -> Option<usize> {
        self.found.first()?.first().copied()
    }

    /// The first chunk that answers the last word.
    fn last(&self) -> Option<usize> {
        self.found.last()?.first().copied()
    }
}

/// The chunks that have a word in one of its forms, or half of it.
fn places(chunks: &[Chunk], group: &Group) -> Vec<usize> {
    let forms: HashSet<&str> = group.forms.iter().map(|(form, _)| form.as_str()).collect();
    let is = |word: String| forms.contains(word.as_str());
    let whole = |at: usize| chunks[at].words().any(is) || is(chunks[at].joined());
    let half = |at: usize| {
        let (Some(first), Some(second)) = (chunks.get(at), chunks.get(at + 1)) else {
            return false;
        };
        let ends = (first.parts.last(), second.parts.first());
        matches!(ends, (Some(first), Some(second)) if is(pair(first, second)))
    };
    (0..chunks.len())
        .filter(|at| whole(*at) || half(*at) || at.checked_sub(1).is_some_and(half))
        .collect()
}

/// The text with what answers: as far as it was typed of the last word, the whole word of those before and of one mended.
fn highlighted(text: &str, begun: &Begun) -> String {
    let chunks = chunks(text);
    let groups = &begun.plan.groups;
    let open = if begun.typed.is_empty() {
        groups.len()
    } else {
        groups.len() - 1
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        for place in places(&chunks, group) {
            let chunk = chunks[place].start..chunks[place].end;
            let typed = (at >= open).then(|| typed_range(text, &chunk, &begun.typed)).flatten();
            ranges.push(typed.unwrap_or(chunk));
        }
    }
    marked_ranges(text, ranges)
}
