//! Where the words of a query are in a hit. Works on the stored text, so it needs nothing in the index.

use super::{
    analysis::{Chunk, chunks, pair, stem},
    plan::{Group, Plan},
};
use headwater_read_models::search::{FieldKind, Mapping};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

/// Longest fragment, in bytes, before it is cut at words.
const FRAGMENT: usize = 200;
/// The most fragments of a field.
const MAX_FRAGMENTS: usize = 3;

/// Fragments of the text fields that have a word of the plan.
pub(crate) fn highlights(mapping: &Mapping, plan: &Plan, source: &Value) -> BTreeMap<String, Vec<String>> {
    let groups = plan.groups.iter().chain(&plan.pairs);
    let wanted: HashSet<&str> = groups.flat_map(Group::words).collect();
    let mut highlights = BTreeMap::new();
    for field in mapping.fields {
        if !matches!(field.kind, FieldKind::Text { .. }) {
            continue;
        }
        if let Some(text) = source.get(field.name).and_then(Value::as_str) {
            let fragments = fragments(text, &wanted);
            if !fragments.is_empty() {
                highlights.insert(field.name.to_owned(), fragments);
            }
        }
    }
    highlights
}

fn fragments(text: &str, wanted: &HashSet<&str>) -> Vec<String> {
    let chunks = chunks(text);
    let mut found: Vec<bool> = chunks.iter().map(|chunk| is_wanted(chunk, wanted)).collect();
    for at in 1..chunks.len() {
        let (Some(first), Some(second)) = (chunks[at - 1].parts.last(), chunks[at].parts.first()) else {
            continue;
        };
        if wanted.contains(pair(first, second).as_str()) {
            found[at - 1] = true;
            found[at] = true;
        }
    }
    let mut fragments = Vec::new();
    let mut at = 0;
    while let Some(first) = (at..chunks.len())
        .find(|at| found[*at])
        .filter(|_| fragments.len() < MAX_FRAGMENTS)
    {
        let mut begin = first;
        // A little of what stands before; the rest of the room is for what follows.
        while begin > at && chunks[first].start - chunks[begin - 1].start < FRAGMENT / 4 {
            begin -= 1;
        }
        let start = if text.len() <= FRAGMENT { 0 } else { chunks[begin].start };
        let mut end = first + 1;
        while end < chunks.len() && chunks[end].end - start <= FRAGMENT {
            end += 1;
        }
        let stop = if text.len() <= FRAGMENT {
            text.len()
        } else {
            chunks[end - 1].end
        };
        fragments.push(marked(text, start..stop, &chunks[begin..end], &found[begin..end]));
        at = end;
    }
    fragments
}

fn is_wanted(chunk: &Chunk, wanted: &HashSet<&str>) -> bool {
    chunk.words().any(|word| wanted.contains(word.as_str())) || wanted.contains(stem(&chunk.parts.concat()).as_str())
}

fn marked(text: &str, range: Range<usize>, chunks: &[Chunk], found: &[bool]) -> String {
    let found = chunks.iter().zip(found).filter(|(_, found)| **found);
    mark(text, range, found.map(|(chunk, _)| chunk.start..chunk.end))
}

/// The whole text with these ranges in `<em>`, the longest of those that begin together; everything else is escaped for HTML.
pub(crate) fn marked_ranges(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    mark(text, 0..text.len(), ranges.into_iter())
}

/// A part of a text with ranges marked, those that overlap one before left out.
fn mark(text: &str, part: Range<usize>, ranges: impl Iterator<Item = Range<usize>>) -> String {
    let mut out = String::new();
    let mut at = part.start;
    for range in ranges {
        if range.start >= at {
            escape(&text[at..range.start], &mut out);
            out.push_str("<em>");
            escape(&text[range.clone()], &mut out);
            out.push_str("</em>");
            at = range.end;
        }
    }
    escape(&text[at..part.end.max(at)], &mut out);
    out
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '&' => into.push_str("&amp;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            c => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_words_and_escapes_the_rest() {
        let wanted = HashSet::from(["battery", "wh1000xm4", "headset"]);
        assert_eq!(
            fragments("AA <b> Batteries", &wanted),
            ["AA &lt;b&gt; <em>Batteries</em>"]
        );
        assert_eq!(
            fragments("the WH-1000XM4 head set", &wanted),
            ["the <em>WH-1000XM4</em> <em>head</em> <em>set</em>"]
        );
        assert!(fragments("none", &wanted).is_empty());
        let long = format!("{} battery {} battery", "word ".repeat(100), "other ".repeat(100));
        let fragments = fragments(&long, &wanted);
        assert_eq!(fragments.len(), 2);
        assert!(
            fragments
                .iter()
                .all(|fragment| fragment.len() < 260 && fragment.contains("<em>battery</em>"))
        );
    }
}
