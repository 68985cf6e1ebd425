//! Writing: by size, several requests at a time, each document judged by itself. The engine compares versions (`external`): a conflict means that
//! a version as new is there.

use super::{OpenSearchIndex, classified, document, layout, places::Places, version};
use crate::{DocumentWrite, Error, WriteOutcome};
use ::opensearch::http::Method;
use futures::future::try_join_all;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How much one request takes, in bytes: that of some 70 products. Larger ones were no faster, several at a time were, and while one is under way
/// the next is prepared.
const REQUEST: usize = 300_000;
/// How many requests of one call are under way at a time.
const IN_FLIGHT: usize = 4;
/// How often documents are sent again that the engine had no room for, and how long the first wait is; each next one is twice as long.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// What of an answer is read.
const ANSWER: &str = "filter_path=items.*.status,items.*.error,error";

/// Writes that are not sent yet.
struct Unsent<'a> {
    index: &'a OpenSearchIndex,
    places: &'a Places,
    writes: std::iter::Peekable<std::iter::Enumerate<std::slice::Iter<'a, DocumentWrite>>>,
}

/// Where a write stands among those of its call, and what is sent of it.
type Line = (usize, String);

impl Unsent<'_> {
    /// What the next request takes; nothing at the end.
    fn next(&mut self) -> Result<Vec<Line>, Error> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some((at, write)) = self.writes.next_if(|_| bytes < REQUEST) {
            let lines = lines(self.index, self.places, write)?;
            bytes += lines.len();
            batch.push((at, lines));
        }
        Ok(batch)
    }
}

/// Writes all; outcomes in the order of `writes`.
pub(super) async fn write(index: &OpenSearchIndex, writes: &[DocumentWrite]) -> Result<Vec<WriteOutcome>, Error> {
    let places = &*index.ready().await?;
    let unsent = Mutex::new(Unsent {
        index,
        places,
        writes: writes.iter().enumerate().peekable(),
    });
    let keys: HashSet<_> = writes.iter().map(key).collect();
    // Versions of one document apply in their order, so they are not under way at the same time.
    let at_a_time = if keys.len() == writes.len() { IN_FLIGHT } else { 1 };
    let one_by_one = async || {
        let mut judged = Vec::new();
        loop {
            let batch = unsent.lock().unwrap_or_else(PoisonError::into_inner).next()?;
            if batch.is_empty() {
                return Ok::<_, Error>(judged);
            }
            judged.extend(send(index, batch, writes).await?);
        }
    };
    let judged = try_join_all((0..at_a_time).map(|_| one_by_one())).await?;
    let mut outcomes: Vec<Option<WriteOutcome>> = vec![None; writes.len()];
    let mut conflicts = Vec::new();
    for (at, applied) in judged.into_iter().flatten() {
        if applied {
            outcomes[at] = Some(WriteOutcome::Applied);
        } else {
            conflicts.push(at);
        }
    }
    let keys: Vec<_> = conflicts.iter().map(|at| key(&writes[*at])).collect();
    for (at, stored) in conflicts.iter().zip(index.get(&keys).await?) {
        let current = stored.as_ref().map_or(Ok(writes[*at].version), version)?;
        outcomes[*at] = Some(WriteOutcome::Superseded { current });
    }
    let missing = || Error::Unavailable("an answer that lacks a document".into());
    outcomes
        .into_iter()
        .map(|outcome| outcome.ok_or_else(missing))
        .collect()
}

fn key(write: &DocumentWrite) -> (&str, String) {
    let tenant = write.scope.tenant().as_str();
    (tenant, layout::key(tenant, write.id.as_str()))
}

/// What is sent of a write.
fn lines(index: &OpenSearchIndex, places: &Places, write: &DocumentWrite) -> Result<String, Error> {
    let (tenant, key) = key(write);
    let mut action = json!({"_id": key, "routing": tenant, "version": write.version, "version_type": "external"});
    // Else the request says it.
    if let Some(own) = places.apart(tenant) {
        action["_index"] = json!(layout::writes(&own));
    }
    let action = json!({ "index": action });
    let document = document::document(index.mapping, write).map_err(|error| Error::InvalidDocument {
        id: write.id.to_string(),
        reason: error.to_string(),
    })?;
    Ok(format!("{action}\n{document}\n"))
}

/// Sends a request until each of its documents is judged; whether each was applied, or there is one as new.
async fn send(
    index: &OpenSearchIndex,
    mut batch: Vec<Line>,
    writes: &[DocumentWrite],
) -> Result<Vec<(usize, bool)>, Error> {
    let path = format!("/{}/_bulk?require_alias=true&{ANSWER}", layout::writes(&index.name));
    let mut judged = Vec::with_capacity(batch.len());
    let mut wait = FIRST_WAIT;
    for _ in 0..TRIES {
        let body: String = batch.iter().map(|(_, lines)| lines.as_str()).collect();
        let answer = index.cluster.expect(Method::Post, &path, Some(body)).await?;
        let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if items.len() != batch.len() {
            return Err(Error::Unavailable("an answer of another number of documents".into()));
        }
        let mut again = Vec::new();
        for ((at, lines), item) in batch.into_iter().zip(items) {
            let item = &item["index"];
            match item["status"].as_u64().unwrap_or_default() {
                200 | 201 => judged.push((at, true)),
                409 => judged.push((at, false)),
                // A read-only index is 429 too, and patience does not mend it.
                429 if item["error"]["type"] != "cluster_block_exception" => again.push((at, lines)),
                status => return Err(refused(&writes[at], status, item)),
            }
        }
        if again.is_empty() {
            return Ok(judged);
        }
        batch = again;
        index.cluster.runtime.sleep(wait).await;
        wait *= 2;
    }
    Err(Error::Unavailable(format!(
        "it had no room for {} documents",
        batch.len()
    )))
}

fn refused(write: &DocumentWrite, status: u64, item: &Value) -> Error {
    if status == 400 {
        return Error::InvalidDocument {
            id: write.id.to_string(),
            reason: item["error"]["reason"].to_string(),
        };
    }
    classified(u16::try_from(status).unwrap_or(500), item)
}
