//! What every text of the catalog must be, and how names are compared.

use headwater_kernel::Rejection;

/// Most characters of a name: of a brand, of a category. In a claim's key it takes at most four bytes each.
pub(crate) const MAX_NAME: usize = 200;

/// Most characters of the reason that somebody gives.
pub(crate) const MAX_REASON: usize = 1_000;

/// A text of one line: not blank, at most `max` characters, no control characters.
pub(crate) fn line(pointer: &str, text: &str, max: usize) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::field(
            "blank",
            pointer,
            "the text is blank; give at least one visible character",
        ));
    }
    if let Some(at) = text.chars().position(char::is_control) {
        let detail = format!("the text has a control character at position {at}; remove it");
        return Err(Rejection::field("control-character", pointer, detail));
    }
    bounded(pointer, text, max)
}

/// A text of any number of lines: at most `max` characters, no NUL.
pub(crate) fn lines(pointer: &str, text: &str, max: usize) -> Result<(), Rejection> {
    if let Some(at) = text.chars().position(|c| c == '\0') {
        return Err(Rejection::field(
            "control-character",
            pointer,
            format!("the text has a NUL at position {at}; remove it"),
        ));
    }
    bounded(pointer, text, max)
}

fn bounded(pointer: &str, text: &str, max: usize) -> Result<(), Rejection> {
    // Bytes are never fewer than characters, so short texts need no counting.
    if text.len() > max {
        let length = text.chars().count();
        if length > max {
            let detail = format!("the text has {length} characters; at most {max} are allowed");
            return Err(Rejection::field("too-long", pointer, detail));
        }
    }
    Ok(())
}

/// The form in which two names are the same: without regard to case and to how they are spaced.
pub(crate) fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_visible_and_bounded() {
        assert_eq!(line("/name", "Äpfel", 5), Ok(()));
        for (text, code) in [
            ("", "blank"),
            (" \u{3000}", "blank"),
            ("a\nb", "control-character"),
            ("Äpfeln", "too-long"),
        ] {
            assert_eq!(line("/name", text, 5).unwrap_err().code, code, "{text:?}");
        }
        assert_eq!(lines("/description", "a\n\tb", 5), Ok(()));
        assert_eq!(lines("/description", "a\0b", 5).unwrap_err().code, "control-character");
    }

    #[test]
    fn names_fold() {
        assert_eq!(folded("  Hewlett   PACKARD "), folded("hewlett packard"));
        assert_ne!(folded("a b"), folded("ab"));
    }
}
