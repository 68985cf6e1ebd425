//! The server over HTTP: statements and lines go in, what is answered comes out piece by piece. What its errors mean is said here.

use super::names::percent;
use crate::Error;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// How a server knows who asks.
#[derive(Clone)]
pub enum Access {
    /// It does not ask.
    Open,
    /// A user of InfluxDB 1.
    Password {
        /// Its name.
        user: String,
        /// Its password.
        password: String,
    },
    /// A token, as InfluxDB 2 and 3 have them.
    Token(String),
}

/// A server and a database there.
pub(super) struct Server {
    client: Client,
    endpoint: String,
    database: String,
    access: Access,
}

/// One statement's rows with the same tags.
#[derive(Debug, Deserialize)]
pub(super) struct Rows {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) values: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    results: Vec<Statement>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    statement_id: usize,
    #[serde(default)]
    series: Vec<Rows>,
    error: Option<String>,
}

/// Rows as they come.
pub(super) struct Answers {
    response: Response,
    rest: Vec<u8>,
}

/// Why there are no more rows.
pub(super) enum Failed {
    /// A value cannot be told in JSON, because it is no number or without end.
    NoNumber,
    Other(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NoNumber => Self::Unavailable("the server could not tell a value".to_owned()),
            Failed::Other(error) => error,
        }
    }
}

/// The address may hold what is nobody's business.
fn unreached(error: reqwest::Error) -> Error {
    Error::Unavailable(error.without_url().to_string())
}

/// What a server says; its start is enough.
fn said(status: StatusCode, text: &str) -> Error {
    let text: String = text.chars().take(500).collect();
    let told = format!("the server answers {status}: {text}");
    if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        return Error::Unavailable(told);
    }
    Error::Storage(told.into())
}

impl Server {
    pub(super) fn new(endpoint: &str, database: &str, access: Access) -> Result<Self, Error> {
        headwater_runtime::tls::use_ring();
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(60))
            .build()
            .map_err(unreached)?;
        Ok(Self {
            client,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            database: database.to_owned(),
            access,
        })
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    fn post(&self, path: &str, parameters: &str) -> RequestBuilder {
        let database = percent(&self.database);
        let request = self
            .client
            .post(format!("{}/{path}?db={database}&{parameters}", self.endpoint));
        match &self.access {
            Access::Open => request,
            Access::Password { user, password } => request.basic_auth(user, Some(password)),
            Access::Token(token) => request.header("Authorization", format!("Token {token}")),
        }
    }

    /// Runs statements.
    pub(super) async fn ask(&self, statements: &str) -> Result<Answers, Error> {
        let request = self
            .post("query", "epoch=ns&chunked=true")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("q={}", percent(statements)));
        let response = request.send().await.map_err(unreached)?;
        let status = response.status();
        if !status.is_success() {
            return Err(said(status, &response.text().await.map_err(unreached)?));
        }
        let rest = Vec::new();
        Ok(Answers { response, rest })
    }

    /// Writes lines; what the server dropped of them, for its limits.
    pub(super) async fn write(&self, lines: String) -> Result<Dropped, Error> {
        let response = self.post("write", "precision=ns").body(lines).send().await;
        let response = response.map_err(unreached)?;
        let status = response.status();
        if status.is_success() {
            return Ok(Dropped::default());
        }
        let text = response.text().await.map_err(unreached)?;
        match dropped(&text) {
            Some(dropped) if status == StatusCode::BAD_REQUEST => {
                if dropped.refused > 0 {
                    // It names a limit and the tag that passes it, which an operator has to know.
                    let said: String = text.chars().take(500).collect();
                    tracing::warn!(said, "the metric store has refused points for good");
                }
                Ok(dropped)
            }
            _ => Err(said(status, &text)),
        }
    }
}

/// How many points of a write are not kept, and never will be, while all others are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    /// Older than what the server keeps.
    pub(super) too_late: u64,
    /// Beyond another limit, such as the number of a tag's values.
    pub(super) refused: u64,
}

/// Of `{"error":"partial write: points beyond retention policy dropped=3"}` the number and the reason. What is no partial write says nothing of the
/// others, so it is none of these.
fn dropped(text: &str) -> Option<Dropped> {
    let (reason, number) = text.split_once("partial write: ")?.1.rsplit_once(" dropped=")?;
    let number: u64 = number.trim_end().trim_end_matches(['}', '"']).parse().ok()?;
    let (too_late, refused) = match reason.starts_with("points beyond retention policy") {
        true => (number, 0),
        false => (0, number),
    };
    // A server that says none has not said which.
    (number > 0).then_some(Dropped { too_late, refused })
}

impl Answers {
    /// The next rows, with the number of their statement; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<(usize, Rows)>>, Failed> {
        let line = loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                break self.rest.drain(..=end).collect::<Vec<u8>>();
            }
            match self.response.chunk().await.map_err(unreached)? {
                Some(more) => self.rest.extend(more),
                None => break std::mem::take(&mut self.rest),
            }
        };
        if line.trim_ascii().is_empty() {
            return match self.rest.is_empty() && line.is_empty() {
                true => Ok(None),
                false => Ok(Some(Vec::new())),
            };
        }
        read(&line).map(Some)
    }
}

fn read(line: &[u8]) -> Result<Vec<(usize, Rows)>, Failed> {
    let answered: Answered = serde_json::from_slice(line).map_err(|error| {
        match String::from_utf8_lossy(line).contains("json: unsupported value") {
            true => Failed::NoNumber,
            false => Error::Unavailable(format!("the server's answer is not one of InfluxDB: {error}")).into(),
        }
    })?;
    let mut rows = Vec::new();
    let refused = |what: String| Failed::from(Error::Unavailable(format!("the server answers: {what}")));
    answered.error.map_or(Ok(()), |what| Err(refused(what)))?;
    for statement in answered.results {
        statement.error.map_or(Ok(()), |what| Err(refused(what)))?;
        let of_statement = |series| (statement.statement_id, series);
        rows.extend(statement.series.into_iter().map(of_statement));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_drops_of_a_write_is_counted_by_its_reason() {
        let said = r#"{"error":"partial write: points beyond retention policy dropped=12"}"#;
        let (too_late, refused) = (12, 0);
        assert_eq!(dropped(&format!("{said}\n")), Some(Dropped { too_late, refused }));
        let other = r#"{"error":"partial write: max-values-per-tag limit exceeded (10/10): measurement=\"a dropped=3\" dropped=12"}"#;
        let (too_late, refused) = (0, 12);
        assert_eq!(dropped(other), Some(Dropped { too_late, refused }));
        for whole in [
            r#"{"error":"unable to parse 'a dropped=3': missing fields"}"#,
            r#"{"error":"partial write: engine is closed dropped=0"}"#,
            r#"{"error":"partial write: field type conflict"}"#,
        ] {
            assert_eq!(dropped(whole), None, "{whole}");
        }
    }

    #[test]
    fn an_error_of_a_statement_is_no_answer() {
        for line in [
            r#"{"error":"no"}"#,
            r#"{"results":[{"statement_id":0},{"error":"no"}]}"#,
            "<html>",
        ] {
            assert!(
                matches!(read(line.as_bytes()), Err(Failed::Other(Error::Unavailable(_)))),
                "{line}"
            );
        }
        let no_number = "json: error calling MarshalJSON for type *query.Result: json: unsupported value: +Inf";
        assert!(matches!(read(no_number.as_bytes()), Err(Failed::NoNumber)));
    }
}
