//! Where in a text as it is written stands what someone has typed in another case, without accents or without hyphens.

use super::analysis::fold;
use std::ops::Range;

/// The part of `chunk` that `typed`, which is folded, writes out: it begins where a part of the chunk does.
pub(crate) fn typed_range(text: &str, chunk: &Range<usize>, typed: &str) -> Option<Range<usize>> {
    let written = &text[chunk.clone()];
    let mut before = ' ';
    for (at, c) in written.char_indices() {
        if c.is_alphanumeric()
            && !before.is_alphanumeric()
            && let Some(length) = typed_length(&written[at..], typed)
        {
            let start = chunk.start + at;
            return Some(start..start + length);
        }
        before = c;
    }
    None
}

/// How many bytes of a text `typed` takes, if it begins with it.
fn typed_length(text: &str, typed: &str) -> Option<usize> {
    let mut folded = String::new();
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() || typed[folded.len()..].starts_with(c) {
            fold(c, &mut folded);
        }
        // A letter may be written as two: a part of them is enough.
        if folded.starts_with(typed) {
            return Some(at + c.len_utf8());
        }
        if !typed.starts_with(folded.as_str()) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_found_however_they_are_written() {
        for (text, typed, expected) in [
            ("Headset", "hea", Some("Hea")),
            ("WH-1000XM4", "wh10", Some("WH-10")),
            ("WH-1000XM4", "1000x", Some("1000X")),
            ("Café", "cafe", Some("Café")),
            ("Straße", "stras", Some("Straß")),
            ("Headset", "set", None),
            ("15.6", "15.", Some("15.")),
            ("Hut", "huts", None),
        ] {
            let range = typed_range(text, &(0..text.len()), typed);
            assert_eq!(range.map(|range| &text[range]), expected, "{text} {typed}");
        }
    }
}
