//! Ids of aggregates and of the entities inside them.

use crate::{command::RULE_MARK, key};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt, sync::Arc};

/// Most bytes that an id may take once it is encoded as a key part: three of them and their labels, the deepest hierarchy there is, fit a
/// sort key of 1,024 bytes.
pub const MAX_ID_BYTES: usize = 256;

/// An id chosen by the caller: any text without control characters whose encoded form takes 1 to [`MAX_ID_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(Arc<str>);

impl Id {
    /// Checks and takes an id.
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

/// Why a text is not an [`Id`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has no character.
    #[error("the id is empty; give at least one character")]
    Empty,
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
        Self::new(&text).map_err(|error| serde::de::Error::custom(format_args!("{RULE_MARK}{error}")))
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
    fn refuses_what_no_key_can_hold() {
        assert_eq!(Id::new(""), Err(IdError::Empty));
        assert_eq!(Id::new("a\0b"), Err(IdError::ControlCharacter { at: 1 }));
        assert_eq!(Id::new("x".repeat(5_000)), Err(IdError::TooLong { bytes: 5_000 }));
        assert_eq!(Id::new("#".repeat(100)), Err(IdError::TooLong { bytes: 300 }));
        assert!(Id::new("x".repeat(MAX_ID_BYTES)).is_ok());
    }
}
