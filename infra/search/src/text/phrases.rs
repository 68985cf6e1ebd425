//! Phrases: what stands in double quotes has to be these words, next to each other, in one text of a document.

use super::analysis::{Chunk, chunks, stem};
use std::ops::Range;

/// Phrases of a text that count.
const MAX_PHRASES: usize = 8;
/// Words of a phrase that count.
const MAX_WORDS: usize = 16;

/// The phrases of a text, each as its words.
pub(crate) fn phrases(text: &str) -> Vec<Vec<String>> {
    let mut phrases: Vec<Vec<String>> = quoted(text).into_iter().map(|range| words(&text[range])).collect();
    phrases.retain(|phrase| !phrase.is_empty());
    phrases.truncate(MAX_PHRASES);
    phrases.iter_mut().for_each(|phrase| phrase.truncate(MAX_WORDS));
    phrases
}

/// The text with the words of its phrases apart: in quotes `wh-1000xm4` is two words next to each other, not one that may be written so.
pub(crate) fn apart(text: &str) -> String {
    let mut apart = String::new();
    let mut at = 0;
    for range in quoted(text) {
        apart.push_str(&text[at..range.start]);
        for part in chunks(&text[range.clone()]).iter().flat_map(|chunk| &chunk.parts) {
            apart.push_str(part);
            apart.push(' ');
        }
        at = range.end;
    }
    apart.push_str(&text[at..]);
    apart
}

/// What stands between quotes. One without another begins nothing, nor does one right after a letter or a digit: `15"` is a size.
fn quoted(text: &str) -> Vec<Range<usize>> {
    let mut quoted = Vec::new();
    let mut begin = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if matches!(c, '"' | '“' | '”' | '„') {
            if let Some(begin) = begin.take() {
                quoted.push(begin..at);
            } else if !before.is_alphanumeric() {
                begin = Some(at + c.len_utf8());
            }
        }
        before = c;
    }
    quoted
}

/// The words of a text in their order, as phrases compare them.
pub(crate) fn words(text: &str) -> Vec<String> {
    in_order(&chunks(text))
}

/// As [`words`], of a text that is split.
pub(crate) fn in_order(chunks: &[Chunk]) -> Vec<String> {
    let parts = chunks.iter().flat_map(|chunk| &chunk.parts);
    parts.map(|part| stem(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_pairs_are_phrases() {
        for (text, expected) in [
            ("\"red cables\" lamp", vec![vec!["red", "cable"]]),
            ("“red cable” \"lamp\"", vec![vec!["red", "cable"], vec!["lamp"]]),
            ("\"red cable", vec![]),
            ("red \"\" cable \" \"", vec![]),
            ("15\" or 17\" screen", vec![]),
            ("7\" \"tablet case\"", vec![vec!["tablet", "case"]]),
            ("\"\"\"\"\"", vec![]),
        ] {
            assert_eq!(phrases(text), expected, "{text}");
        }
        assert_eq!(apart("a-b \"c-d e\" 15\""), "a-b \"c d e \" 15\"");
        assert_eq!(phrases(&"\"a\" ".repeat(100)).len(), MAX_PHRASES);
        assert_eq!(phrases(&format!("\"{}\"", "a ".repeat(100)))[0].len(), MAX_WORDS);
    }
}
