//! From a command's name and JSON payload to its type, with errors that say what is wrong where.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Begins the message of a deserialiser that refuses a well-formed value because of a rule; [`decode_command`] takes it off again.
pub(crate) const RULE_MARK: &str = "\u{1}rule: ";

/// What is wrong with a payload, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct DecodeError {
    /// JSON pointer (RFC 6901) into the payload; empty for the payload itself.
    pub pointer: String,
    /// What is wrong there, for the caller.
    pub detail: String,
    /// The value has the right shape and breaks a rule (422), where otherwise the shape is wrong (400).
    pub breaks_rule: bool,
}

/// Decodes the command `name` (kebab case, one variant of `C`) with its payload.
///
/// # Errors
/// [`DecodeError`] for an unknown name or field, a missing field or a wrong type.
pub fn decode_command<C: DeserializeOwned>(name: &str, payload: Value) -> Result<C, DecodeError> {
    if !payload.is_object() {
        return Err(DecodeError {
            pointer: String::new(),
            detail: format!("the payload is {}; give a JSON object", kind(&payload)),
            breaks_rule: false,
        });
    }
    let tagged = Value::Object(Map::from_iter([(name.to_owned(), payload)]));
    crate::id::while_chosen(|| serde_path_to_error::deserialize(tagged)).map_err(|error| {
        // The first segment is the command's name.
        let mut pointer = String::new();
        for segment in error.path().iter().skip(1) {
            use serde_path_to_error::Segment;
            let part = match segment {
                Segment::Seq { index } => index.to_string(),
                Segment::Map { key } => key.clone(),
                Segment::Enum { variant } => variant.clone(),
                Segment::Unknown => continue,
            };
            pointer.push('/');
            pointer.push_str(&escape(&part));
        }
        let message = error.into_inner().to_string();
        let (detail, breaks_rule) = match message.split_once(RULE_MARK) {
            Some((_, rule)) => (rule.to_owned(), true),
            None => (message, false),
        };
        // An unknown field is the fault of its name, so the pointer names it.
        if let Some(field) = detail
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split('`').next())
        {
            let named = format!("/{}", escape(field));
            if !pointer.ends_with(&named) {
                pointer.push_str(&named);
            }
        }
        DecodeError {
            pointer,
            detail,
            breaks_rule,
        }
    })
}

/// The name and payload of a command, the reverse of [`decode_command`].
///
/// # Errors
/// When the type does not serialise as an externally tagged enum.
pub fn encode_command<C: Serialize>(command: &C) -> Result<(String, Value), serde_json::Error> {
    match serde_json::to_value(command)? {
        Value::Object(members) if members.len() == 1 => members
            .into_iter()
            .next()
            .ok_or_else(|| serde::ser::Error::custom("a command has one variant")),
        _ => Err(serde::ser::Error::custom(
            "a command is an externally tagged enum with struct variants",
        )),
    }
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    enum Command {
        Create {
            id: Id,
            price_cents: i64,
            lines: Option<Vec<Line>>,
        },
        ChangePrice {},
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        n: u32,
    }

    fn error(name: &str, payload: Value) -> (String, String, bool) {
        let e = decode_command::<Command>(name, payload).unwrap_err();
        (e.pointer, e.detail, e.breaks_rule)
    }

    #[test]
    fn decodes_by_name() {
        assert_eq!(
            decode_command::<Command>("change-price", json!({})),
            Ok(Command::ChangePrice {})
        );
        let create =
            decode_command::<Command>("create", json!({ "id": "a", "price_cents": 1, "lines": [{ "n": 1 }] })).unwrap();
        assert_eq!(encode_command(&create).unwrap().0, "create");
    }

    #[test]
    fn says_what_is_wrong_where() {
        let (pointer, detail, _) = error("create", json!({ "id": "a", "price_cents": "1" }));
        assert_eq!(pointer, "/price_cents");
        assert!(detail.contains("expected i64"), "{detail}");
        let (pointer, detail, _) = error("create", json!({ "id": "a", "price_cents": 1, "colour": 1 }));
        assert_eq!(pointer, "/colour");
        assert!(detail.contains("unknown field `colour`"), "{detail}");
        let (pointer, ..) = error(
            "create",
            json!({ "id": "a", "price_cents": 1, "lines": [{ "n": 1 }, { "m/~": 1 }] }),
        );
        assert_eq!(pointer, "/lines/1/m~1~0");
        let (pointer, detail, _) = error("create", json!({ "id": "a" }));
        assert_eq!((pointer.as_str(), detail.as_str()), ("", "missing field `price_cents`"));
        assert!(error("create", json!([])).1.contains("an array"));
        assert!(error("destroy", json!({})).1.contains("unknown variant"));
    }

    #[test]
    fn a_rule_that_a_field_breaks_is_told_apart_from_a_wrong_shape() {
        let (pointer, detail, breaks_rule) = error("create", json!({ "id": "x".repeat(300), "price_cents": 1 }));
        assert_eq!(pointer, "/id");
        assert!(breaks_rule);
        assert!(detail.starts_with("the id takes 300 bytes"), "{detail}");
    }
}
