//! Ids of aggregates and of the entities inside them.

use crate::{command::RULE_MARK, key};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, cell::Cell, fmt, sync::Arc};

/// Most bytes that an id may take once it is encoded as a key part: three of them and their labels, the deepest hierarchy there is, fit a
/// sort key of 1,024 bytes.
pub const MAX_ID_BYTES: usize = 256;

thread_local! {
    /// Set while a command's payload is decoded: its ids are chosen now, whereas those of events were chosen once.
    static CHOSEN: Cell<bool> = const { Cell::new(false) };
}

/// An id chosen by the caller: any text without control characters whose encoded form takes 1 to [`MAX_ID_BYTES`] bytes. One that is chosen
/// now is also something that people can see and tell apart, see [`Id::chosen`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(Arc<str>);

impl Id {
    /// Checks and takes an id as a caller gives it: what [`Id::new`] takes, but for blank ones, `.` and `..` (which paths of URLs drop), and
    /// characters that nobody sees, such as zero-width ones and those that turn the direction of the text.
    ///
    /// # Errors
    /// [`IdError`] names what is wrong.
    pub fn chosen(id: impl AsRef<str>) -> Result<Self, IdError> {
        let text = id.as_ref();
        let id = Self::new(text)?;
        if text.chars().all(char::is_whitespace) {
            return Err(IdError::Blank);
        }
        if matches!(text, "." | "..") {
            return Err(IdError::Dots);
        }
        match text.chars().enumerate().find(|(_, c)| is_invisible(*c)) {
            Some((at, c)) => Err(IdError::Invisible { at, code: c.into() }),
            None => Ok(id),
        }
    }

    /// Checks and takes an id that may have been stored long ago.
    ///
    /// # Errors
    /// [`IdError`] names what is wrong: empty, too long once encoded, or a control character.
    pub fn new(id: impl AsRef<str>) -> Result<Self, IdError> {
        let id = id.as_ref();
        if id.is_empty() {
            return Err(IdError::Empty);
        }
        if let Some(at) = id.chars().position(char::is_control) {
            return Err(IdError::ControlCharacter { at });
        }
        let bytes = key::encoded_len(id);
        if bytes > MAX_ID_BYTES {
            return Err(IdError::TooLong { bytes });
        }
        Ok(Self(Arc::from(id)))
    }

    /// The id as the caller wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Runs `decode`, in which ids are read as [`Id::chosen`] reads them.
pub(crate) fn while_chosen<T>(decode: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            CHOSEN.set(self.0);
        }
    }
    let _back = Back(CHOSEN.replace(true));
    decode()
}

/// Whether a character leaves no mark: soft hyphen, zero-width spaces and joiners, marks and overrides of direction, separators of lines,
/// fillers of Hangul, invisible operators, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Why a text is not an [`Id`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has no character.
    #[error("the id is empty; give at least one character")]
    Empty,
    /// It is only white space.
    #[error("the id is blank; give at least one visible character")]
    Blank,
    /// It is one of the two names that paths give a meaning of their own.
    #[error("the id is . or .., which clients drop from the path of a URL; give another")]
    Dots,
    /// It has a character that nobody sees.
    #[error("the id has an invisible character (U+{code:04X}) at position {at}; remove it")]
    Invisible {
        /// Position in characters, from 0.
        at: usize,
        /// Its code point.
        code: u32,
    },
    /// It takes too many bytes once encoded as a key part.
    #[error(
        "the id takes {bytes} bytes in a key; at most {MAX_ID_BYTES} are allowed (every byte up to # and every % counts three)"
    )]
    TooLong {
        /// The bytes it takes once encoded.
        bytes: usize,
    },
    /// It has a control character.
    #[error("the id has a control character at position {at}; remove it")]
    ControlCharacter {
        /// Position in characters, from 0.
        at: usize,
    },
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:?})", &self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let read = if CHOSEN.get() {
            Self::chosen(&text)
        } else {
            Self::new(&text)
        };
        read.map_err(|error| serde::de::Error::custom(format_args!("{RULE_MARK}{error}")))
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_any_printable_text() {
        for id in ["P1", "a#b", "a/b", "%23", "naïve 🦀", " "] {
            assert_eq!(Id::new(id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn one_that_is_chosen_now_can_be_seen() {
        for id in ["P1", "a b", "...", ".a", "naïve 🦀", "日本", "a\u{301}"] {
            assert_eq!(Id::chosen(id).unwrap().as_str(), id);
        }
        assert_eq!(Id::chosen(""), Err(IdError::Empty));
        for (id, why) in [
            (" ", IdError::Blank),
            ("\u{a0}\u{3000}\u{2003}", IdError::Blank),
            (".", IdError::Dots),
            ("..", IdError::Dots),
            ("a\u{200b}", IdError::Invisible { at: 1, code: 0x200b }),
            ("\u{feff}a", IdError::Invisible { at: 0, code: 0xfeff }),
            ("é\u{202e}a", IdError::Invisible { at: 1, code: 0x202e }),
            ("\u{2066}", IdError::Invisible { at: 0, code: 0x2066 }),
            ("\u{2028}a", IdError::Invisible { at: 0, code: 0x2028 }),
        ] {
            assert_eq!(Id::chosen(id), Err(why), "{id:?}");
            assert!(Id::new(id).is_ok(), "what was stored is read: {id:?}");
            let json = serde_json::to_string(id).unwrap();
            assert!(serde_json::from_str::<Id>(&json).is_ok());
            assert!(while_chosen(|| serde_json::from_str::<Id>(&json)).is_err());
        }
    }

    #[test]
    fn refuses_what_no_key_can_hold() {
        assert_eq!(Id::new(""), Err(IdError::Empty));
        assert_eq!(Id::new("a\0b"), Err(IdError::ControlCharacter { at: 1 }));
        assert_eq!(Id::new("x".repeat(5_000)), Err(IdError::TooLong { bytes: 5_000 }));
        assert_eq!(Id::new("#".repeat(100)), Err(IdError::TooLong { bytes: 300 }));
        assert!(Id::new("x".repeat(MAX_ID_BYTES)).is_ok());
    }
}
