//! What a text that somebody gives must be: visible, bounded, free of what breaks a display. No message repeats the text, because it may be
//! personal.

use crate::Rejection;

/// Most characters of a name. In a claim's key it takes at most four bytes each.
pub const MAX_NAME: usize = 200;

/// Most characters of the reason that somebody gives.
pub const MAX_REASON: usize = 1_000;

/// Most characters of a postal address.
pub const MAX_ADDRESS: usize = 500;

/// A text of one line: not blank, at most `max` characters, no control characters.
///
/// # Errors
/// `blank`, `control-character` or `too-long` at `pointer`.
pub fn line(pointer: &str, text: &str, max: usize) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(blank(pointer));
    }
    if let Some(at) = text.chars().position(char::is_control) {
        let detail = format!("the text has a control character at position {at}; remove it");
        return Err(Rejection::field("control-character", pointer, detail));
    }
    bounded(pointer, text, max)
}

/// A text of any number of lines: at most `max` characters, no NUL.
///
/// # Errors
/// `control-character` or `too-long` at `pointer`.
pub fn lines(pointer: &str, text: &str, max: usize) -> Result<(), Rejection> {
    if let Some(at) = text.chars().position(|c| c == '\0') {
        return Err(Rejection::field(
            "control-character",
            pointer,
            format!("the text has a NUL at position {at}; remove it"),
        ));
    }
    bounded(pointer, text, max)
}

fn blank(pointer: &str) -> Rejection {
    let detail = "the text is blank; give at least one visible character";
    Rejection::field("blank", pointer, detail)
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

/// A text of any number of lines that is not blank, such as an address.
///
/// # Errors
/// `blank`, or as [`lines`].
pub fn paragraph(pointer: &str, text: &str, max: usize) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(blank(pointer));
    }
    lines(pointer, text, max)
}

/// The name of somebody or something, at `/name`.
///
/// # Errors
/// As [`line`].
pub fn name(name: &str) -> Result<(), Rejection> {
    line("/name", name, MAX_NAME)
}

/// Why somebody did something, at `/reason`, if it is said.
///
/// # Errors
/// As [`line`].
pub fn reason(reason: Option<&str>) -> Result<(), Rejection> {
    reason.map_or(Ok(()), |reason| line("/reason", reason, MAX_REASON))
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
        assert_eq!(lines("/description", "", 5), Ok(()));
        assert_eq!(paragraph("/address", "a\nb", 5), Ok(()));
        assert_eq!(paragraph("/address", "\n ", 5).unwrap_err().code, "blank");
        assert_eq!(lines("/description", "a\0b", 5).unwrap_err().code, "control-character");
    }
}
