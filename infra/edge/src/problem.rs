//! Problems (RFC 9457): what a caller is told when a request is refused, and apart from it what the operator is told.

use ::http::StatusCode;
use headwater_analytics::refusal::Addressed;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Most characters of a text for the caller, so that an echo of bad input stays small (and a gRPC status within its frame).
const MAX_TEXT: usize = 1_000;

/// A refused request. The caller sees status, code and texts; the operator's text goes to the log alone.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    current_version: Option<u64>,
    retry_after: Option<Duration>,
    operator: Option<String>,
    trace_id: Option<String>,
    asked: Option<Box<Asked>>,
}

/// The command that was refused, and its correlation id.
type Asked = (Addressed, Option<String>);

/// What is wrong at one place of the payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the payload; empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl Problem {
    /// A problem with a stable code in kebab case; `detail` is for the caller.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            detail: shorten(detail.into()),
            errors: Vec::new(),
            current_version: None,
            retry_after: None,
            operator: None,
            trace_id: None,
            asked: None,
        }))
    }

    /// 500: nothing that the caller did. `operator` says what happened, to the log alone.
    pub fn internal(operator: impl Into<String>) -> Self {
        let detail = "the server failed; the trace id names the request in its log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).for_operator(operator)
    }

    /// 503 with a delay: the same request may succeed later.
    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after)
    }

    /// Adds what is wrong at one place of the payload.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError {
            pointer: shorten(pointer.into()),
            detail: shorten(detail.into()),
        });
        self
    }

    /// Adds the version that the aggregate has now.
    #[must_use]
    pub fn current_version(mut self, version: u64) -> Self {
        self.0.current_version = Some(version);
        self
    }

    /// Adds after how long another try may succeed.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds the text for the operator.
    #[must_use]
    pub fn for_operator(mut self, text: impl Into<String>) -> Self {
        self.0.operator = Some(text.into());
        self
    }

    /// Adds which command was refused, with its correlation id, for the audit log alone.
    #[must_use]
    pub fn asked_by(mut self, command: Addressed, correlation_id: Option<String>) -> Self {
        self.0.asked = Some(Box::new((command, correlation_id)));
        self
    }

    pub(crate) fn asked(&self) -> Option<&Asked> {
        self.0.asked.as_deref()
    }

    pub(crate) fn traced(mut self, trace_id: String) -> Self {
        self.0.trace_id = Some(trace_id);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What the caller is told.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What is wrong where.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The version that the aggregate has now, for a conflict.
    pub fn version(&self) -> Option<u64> {
        self.0.current_version
    }

    /// Whole seconds until another try, rounded up.
    pub fn retry_seconds(&self) -> Option<u64> {
        self.0
            .retry_after
            .map(|after| after.as_secs() + u64::from(after.subsec_nanos() > 0))
    }

    /// What only the operator is told.
    pub fn operator(&self) -> Option<&str> {
        self.0.operator.as_deref()
    }

    /// The id under which the log has the request, once an edge has given it one.
    pub fn trace_id(&self) -> Option<&str> {
        self.0.trace_id.as_deref()
    }

    /// The code as words: `Version conflict`.
    pub fn title(&self) -> String {
        let words = self.0.code.replace('-', " ");
        let mut letters = words.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect())
            .unwrap_or_default()
    }

    /// The document that the caller gets.
    pub fn document(&self) -> Value {
        let parts = &self.0;
        let mut document = Map::from_iter([
            (
                "type".to_owned(),
                json!(format!("urn:headwater:problem:{}", parts.code)),
            ),
            ("title".to_owned(), json!(self.title())),
            ("status".to_owned(), json!(parts.status.as_u16())),
            ("code".to_owned(), json!(parts.code)),
            ("detail".to_owned(), json!(parts.detail)),
            ("errors".to_owned(), json!(parts.errors)),
        ]);
        let mut add = |name: &str, value: Option<Value>| value.map(|value| document.insert(name.to_owned(), value));
        add("trace_id", parts.trace_id.as_ref().map(|id| json!(id)));
        add("current_version", parts.current_version.map(|version| json!(version)));
        add("retry_after", self.retry_seconds().map(|seconds| json!(seconds)));
        Value::Object(document)
    }
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_client_text_and_never_the_operators() {
        let problem = Problem::internal("disk on fire").at("/a", "x".repeat(5_000));
        let text = problem.document().to_string();
        assert!(!text.contains("fire"), "{text}");
        assert!(text.len() < 2_000, "{text}");
        assert_eq!(problem.operator(), Some("disk on fire"));
        assert_eq!(
            Problem::new(StatusCode::CONFLICT, "version-conflict", "").title(),
            "Version conflict"
        );
        assert_eq!(
            problem.retry_after(Duration::from_millis(1_200)).retry_seconds(),
            Some(2)
        );
    }
}
