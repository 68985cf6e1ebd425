//! A command as it comes in, before anybody knows its type.

use ::http::StatusCode;
use headwater_edge::Problem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Most bytes of the ids that a caller gives to commands and correlations.
const MAX_NAME: usize = 255;

/// One command of one caller; a line of a batch has these members.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The bounded context: `catalog`.
    pub context: String,
    /// The plural name of the aggregates: `products`.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: String,
    /// The command in kebab case: `change-price`.
    pub command: String,
    /// Its payload.
    #[serde(default = "empty")]
    pub payload: Value,
    /// Names the command, so that a repetition is known; generated if absent.
    #[serde(default)]
    pub command_id: Option<String>,
    /// The version that the caller has seen, if it insists; 0 when there must be none yet.
    #[serde(default)]
    pub expected_version: Option<u64>,
    /// The version came as a precondition (`If-Match`), so a conflict is 412 instead of 409.
    #[serde(skip)]
    pub if_match: bool,
    /// What ties together everything that one request sets in motion.
    #[serde(default)]
    pub correlation_id: Option<String>,
    /// The command or event that caused this command.
    #[serde(default)]
    pub causation_id: Option<String>,
}

pub(crate) fn empty() -> Value {
    Value::Object(Map::new())
}

impl Submission {
    /// One line of a batch.
    pub(crate) fn from_line(line: &[u8]) -> Result<Self, Problem> {
        let value = headwater_edge::parse_json(line)?;
        if !value.is_object() {
            let detail = "a line is a JSON object with context, aggregate, id, command and payload";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid-line", detail));
        }
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let pointer = if path == "." { String::new() } else { format!("/{path}") };
            let detail = error.into_inner().to_string();
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid-line",
                format!("the line is not a command: {detail}"),
            )
            .at(pointer, detail)
        })
    }

    /// Checks the ids that only name something.
    pub(crate) fn check_names(&self) -> Result<(), Problem> {
        let names = [
            (
                "invalid-idempotency-key",
                "the command id (Idempotency-Key)",
                &self.command_id,
            ),
            ("invalid-correlation-id", "the correlation id", &self.correlation_id),
            ("invalid-correlation-id", "the causation id", &self.causation_id),
        ];
        for (code, what, name) in names {
            if let Some(name) = name
                && (name.is_empty()
                    || name.len() > MAX_NAME
                    || name.chars().any(|c| c.is_control() || c.is_whitespace()))
            {
                let detail = format!("{what} is 1 to {MAX_NAME} bytes without spaces and control characters");
                return Err(Problem::new(StatusCode::BAD_REQUEST, code, detail));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_wrong_with_it() {
        let line = br#"{"context":"c","aggregate":"a","id":"1","command":"x","payload":{},"if_match":true}"#;
        let problem = Submission::from_line(line).unwrap_err();
        assert_eq!(
            (problem.code(), problem.errors()[0].pointer.as_str()),
            ("invalid-line", "/if_match")
        );
        let problem = Submission::from_line(br#"{"context":"c"}"#).unwrap_err();
        assert!(
            problem.detail().contains("missing field `aggregate`"),
            "{}",
            problem.detail()
        );
        assert_eq!(Submission::from_line(b"{\"a\":").unwrap_err().code(), "invalid-json");
        assert_eq!(Submission::from_line(b"7").unwrap_err().code(), "invalid-line");
    }
}
