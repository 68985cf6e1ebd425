//! Writing: by size, each document judged by itself. The engine compares versions (`external`): a conflict means that a version as new is there.

use super::{OpenSearchIndex, classified, layout, version};
use crate::{DocumentWrite, Error, WriteOutcome};
use ::opensearch::http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How much one request may take, in bytes. The engine refuses 100 MB, and gains nothing from more than a few.
const MAX_BYTES: usize = 6_000_000;
/// How often documents are sent again that the engine had no room for, and how long the first wait is; each next one is twice as long.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Writes all; outcomes in the order of `writes`.
pub(super) async fn write(index: &OpenSearchIndex, writes: &[DocumentWrite]) -> Result<Vec<WriteOutcome>, Error> {
    let mut outcomes: Vec<Option<WriteOutcome>> = vec![None; writes.len()];
    let mut conflicts = Vec::new();
    let mut batch = Vec::new();
    let mut bytes = 0;
    for (at, write) in writes.iter().enumerate() {
        let lines = lines(index, write);
        if bytes + lines.len() > MAX_BYTES && !batch.is_empty() {
            send(index, std::mem::take(&mut batch), writes, &mut outcomes, &mut conflicts).await?;
            bytes = 0;
        }
        bytes += lines.len();
        batch.push((at, lines));
    }
    if !batch.is_empty() {
        send(index, batch, writes, &mut outcomes, &mut conflicts).await?;
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

fn lines(index: &OpenSearchIndex, write: &DocumentWrite) -> String {
    let (tenant, key) = key(write);
    let action =
        json!({"index": {"_id": key, "routing": tenant, "version": write.version, "version_type": "external"}});
    format!("{action}\n{}\n", layout::document(index.mapping, write))
}

/// Sends a request until each of its documents is judged.
async fn send(
    index: &OpenSearchIndex,
    mut batch: Vec<(usize, String)>,
    writes: &[DocumentWrite],
    outcomes: &mut [Option<WriteOutcome>],
    conflicts: &mut Vec<usize>,
) -> Result<(), Error> {
    let path = format!("/{}/_bulk?require_alias=true", layout::writes(&index.name));
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
                200 | 201 => outcomes[at] = Some(WriteOutcome::Applied),
                409 => conflicts.push(at),
                // A read-only index is 429 too, and patience does not mend it.
                429 if item["error"]["type"] != "cluster_block_exception" => again.push((at, lines)),
                status => return Err(refused(&writes[at], status, item)),
            }
        }
        if again.is_empty() {
            return Ok(());
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
