//! The consumer of an event table's stream: its shards, and each shard's records from a position on.
//!
//! DynamoDB Streams promises order per item, keeps records for 24 hours, delivers at least once and splits shards. Here a record becomes
//! a commit again; that a commit is applied once and in order is the projections' part.

use crate::{
    Error, EventLog, LoggedCommit,
    read_back::{Unreadable, commit_of_item},
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::{
    error::ProvideErrorMetadata,
    operation::get_shard_iterator::GetShardIteratorError,
    types::{AttributeValue as StreamValue, ShardIteratorType},
};
use headwater_dynamodb::AccessPattern;
use headwater_tenancy::WorkerAuthority;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How far a shard was read: everything up to and including `sequence` has had its effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The stream's ARN. A table that was made again has another.
    pub stream: String,
    /// The shard.
    pub shard: String,
    /// The sequence number of the last record; `None` when the shard is to be read from its beginning.
    pub sequence: Option<String>,
}

/// One shard of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The stream's ARN.
    pub stream: String,
    /// The shard's id.
    pub id: String,
    /// The shard that has to be read to its end first, when the stream still has it.
    pub parent: Option<String>,
    /// The oldest record that the shard still has, when the service tells.
    pub starts_at: Option<String>,
}

/// A place in a shard, to be read from.
#[derive(Debug, Clone)]
pub struct Cursor(String);

/// Where to open a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// After a record that has had its effect.
    After(&'a str),
    /// At its first record, which must still be there: the shard goes on where its parent ended.
    First,
    /// At the oldest record that is still there.
    Oldest,
}

/// What opening a shard gives.
#[derive(Debug)]
pub enum Opened {
    /// Reading goes on after the position.
    At(Cursor),
    /// Records after the position are gone; the log has to fill in. Reading goes on at the oldest record there is.
    Trimmed(Cursor),
}

/// The next records of a shard.
#[derive(Debug)]
pub struct StreamBatch {
    /// The commits with the sequence numbers of their records. Items that no build of ours wrote are left out, with an error each.
    pub commits: Vec<(String, LoggedCommit)>,
    /// Records that could not be read as commits.
    pub unreadable: Vec<Unreadable>,
    /// The sequence number of the last record, if there was any.
    pub last: Option<String>,
    /// Where to go on; `None` when the shard has ended.
    pub next: Option<Cursor>,
}

/// Reads the stream of one context's event table.
#[derive(Debug, Clone)]
pub struct StreamReader {
    log: EventLog,
    context: String,
    authority: WorkerAuthority,
}

fn failed<E>(error: aws_sdk_dynamodbstreams::error::SdkError<E>) -> Error
where
    E: aws_sdk_dynamodbstreams::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if headwater_dynamodb::is_retryable(&error) {
        Error::Unavailable(error.into())
    } else {
        Error::Refused(error.into())
    }
}

impl StreamReader {
    /// For the stream of `context`.
    pub fn new(log: EventLog, context: impl Into<String>, authority: WorkerAuthority) -> Self {
        Self {
            log,
            context: context.into(),
            authority,
        }
    }

    /// The context whose stream this is.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Changes after each group of writes to a streamed table, where the engine can tell; nobody has to poll then.
    pub fn activity(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        self.log.0.database.activity()
    }

    /// The shards of the table's present stream, parents before their children.
    ///
    /// # Errors
    /// [`Error::Unavailable`], or [`Error::Refused`] when the table has no stream.
    pub async fn shards(&self) -> Result<Vec<Shard>, Error> {
        let table = self.log.events_table(&self.context);
        let described = self
            .log
            .0
            .database
            .client()
            .describe_table()
            .table_name(&table)
            .send()
            .await
            .map_err(crate::log::failed)?;
        let stream = described
            .table()
            .and_then(|table| table.latest_stream_arn())
            .ok_or_else(|| Error::Refused(format!("the table {table} has no stream; turn on NEW_IMAGE").into()))?
            .to_owned();
        let mut shards = Vec::new();
        let mut after = None;
        loop {
            let answer = self
                .log
                .0
                .database
                .streams()
                .describe_stream()
                .stream_arn(&stream)
                .set_exclusive_start_shard_id(after)
                .customize()
                .interceptor(AccessPattern::system("event-log.stream"))
                .send()
                .await
                .map_err(failed)?;
            let Some(description) = answer.stream_description() else {
                break;
            };
            for shard in description.shards() {
                shards.push(Shard {
                    stream: stream.clone(),
                    id: shard.shard_id().unwrap_or_default().to_owned(),
                    parent: shard.parent_shard_id().map(str::to_owned),
                    starts_at: shard
                        .sequence_number_range()
                        .and_then(|range| range.starting_sequence_number())
                        .map(str::to_owned),
                });
            }
            after = description.last_evaluated_shard_id().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        Ok(parents_first(shards))
    }

    /// Opens a shard.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn open(&self, shard: &Shard, from: Start<'_>) -> Result<Opened, Error> {
        let wanted = match (from, &shard.starts_at) {
            (Start::After(sequence), _) => Some((ShardIteratorType::AfterSequenceNumber, sequence)),
            (Start::First, Some(first)) => Some((ShardIteratorType::AtSequenceNumber, first.as_str())),
            (Start::First, None) | (Start::Oldest, _) => None,
        };
        let resumes = wanted.is_some();
        if let Some((kind, sequence)) = wanted {
            match self.iterator(shard, kind, Some(sequence)).await {
                Ok(cursor) => return Ok(Opened::At(cursor)),
                Err(unopened) if unopened.gone => {}
                Err(unopened) => return Err(unopened.error),
            }
        }
        let oldest = self.iterator(shard, ShardIteratorType::TrimHorizon, None).await;
        let cursor = oldest.map_err(|unopened| unopened.error)?;
        Ok(if resumes {
            Opened::Trimmed(cursor)
        } else {
            Opened::At(cursor)
        })
    }

    async fn iterator(&self, shard: &Shard, kind: ShardIteratorType, after: Option<&str>) -> Result<Cursor, Unopened> {
        let answer = self
            .log
            .0
            .database
            .streams()
            .get_shard_iterator()
            .stream_arn(&shard.stream)
            .shard_id(&shard.id)
            .shard_iterator_type(kind)
            .set_sequence_number(after.map(str::to_owned))
            .customize()
            .interceptor(AccessPattern::system("event-log.stream"))
            .send()
            .await
            .map_err(|error| Unopened {
                gone: error.as_service_error().is_some_and(is_gone),
                error: failed(error),
            })?;
        answer.shard_iterator.map(Cursor).ok_or_else(|| Unopened {
            gone: false,
            error: Error::Unavailable("the stream gave no shard iterator".into()),
        })
    }

    /// Reads the next records, at most `limit` (1 to 1,000).
    ///
    /// # Errors
    /// [`Error::Unavailable`], also for an expired cursor: open the shard again.
    pub async fn read(&self, cursor: &Cursor, limit: i32) -> Result<StreamBatch, Error> {
        let answer = self
            .log
            .0
            .database
            .streams()
            .get_records()
            .shard_iterator(&cursor.0)
            .limit(limit.clamp(1, 1_000))
            .customize()
            .interceptor(AccessPattern::system("event-log.stream"))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(e) if e.is_expired_iterator_exception() || e.is_trimmed_data_access_exception() => {
                    Error::Unavailable(error.into())
                }
                _ => failed(error),
            })?;
        let mut batch = StreamBatch {
            commits: Vec::new(),
            unreadable: Vec::new(),
            last: None,
            next: answer.next_shard_iterator.map(Cursor),
        };
        for record in answer.records.unwrap_or_default() {
            let Some(change) = record.dynamodb else { continue };
            let sequence = change.sequence_number.unwrap_or_default();
            batch.last = Some(sequence.clone());
            // Nothing removes commits but an offboarded tenant; a removal has no new image and no effect here.
            let Some(image) = change.new_image else { continue };
            let item = image
                .into_iter()
                .map(|(name, value)| (name, plain(value)))
                .collect::<HashMap<_, _>>();
            match commit_of_item(&self.authority, &self.context, &item) {
                Ok(commit) => batch.commits.push((sequence, commit)),
                Err(unreadable) => batch.unreadable.push(*unreadable),
            }
        }
        Ok(batch)
    }
}

/// Why there is no iterator.
struct Unopened {
    /// What was asked for is not there any more.
    gone: bool,
    error: Error,
}

/// Whether a position cannot be opened as its record, its shard or its whole stream is gone: a sequence number that the stream does not know
/// is a validation error, which has no type of its own.
fn is_gone(error: &GetShardIteratorError) -> bool {
    error.is_trimmed_data_access_exception()
        || error.is_resource_not_found_exception()
        || error.code() == Some("ValidationException")
}

/// Items hold texts, numbers and binaries alone; anything else was not written by us and is refused when it is read.
fn plain(value: StreamValue) -> AttributeValue {
    match value {
        StreamValue::S(text) => AttributeValue::S(text),
        StreamValue::N(digits) => AttributeValue::N(digits),
        _ => AttributeValue::Null(true),
    }
}

fn parents_first(mut shards: Vec<Shard>) -> Vec<Shard> {
    let mut ordered: Vec<Shard> = Vec::with_capacity(shards.len());
    while !shards.is_empty() {
        let waits = |shard: &Shard| {
            shard
                .parent
                .as_ref()
                .is_some_and(|parent| shards.iter().any(|other| other.id == *parent))
        };
        let (later, ready): (Vec<_>, Vec<_>) = shards.iter().cloned().partition(waits);
        if ready.is_empty() {
            // A circle cannot be; were there one, reading all is better than reading none.
            ordered.extend(later);
            break;
        }
        ordered.extend(ready);
        shards = later;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_gone_by_the_type_of_the_error_alone() {
        use aws_sdk_dynamodbstreams::{
            error::ErrorMetadata,
            types::error::{InternalServerError, ResourceNotFoundException, TrimmedDataAccessException},
        };
        let generic = |code: &str| {
            let metadata = ErrorMetadata::builder().code(code).message("TrimmedDataAccess").build();
            GetShardIteratorError::generic(metadata)
        };
        let trimmed = TrimmedDataAccessException::builder().build();
        let missing = ResourceNotFoundException::builder().build();
        // What a message says is nobody's word.
        let internal = InternalServerError::builder().message("ResourceNotFound").build();
        assert!(is_gone(&GetShardIteratorError::TrimmedDataAccessException(trimmed)));
        assert!(is_gone(&GetShardIteratorError::ResourceNotFoundException(missing)));
        assert!(is_gone(&generic("ValidationException")));
        assert!(!is_gone(&GetShardIteratorError::InternalServerError(internal)));
        assert!(!is_gone(&generic("AccessDeniedException")));
    }

    #[test]
    fn parents_come_before_their_children() {
        let shard = |id: &str, parent: Option<&str>| Shard {
            stream: "s".into(),
            id: id.into(),
            parent: parent.map(str::to_owned),
            starts_at: None,
        };
        let ordered = parents_first(vec![
            shard("c", Some("b")),
            shard("b", Some("a")),
            shard("a", Some("trimmed")),
        ]);
        assert_eq!(
            ordered.iter().map(|shard| shard.id.as_str()).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }
}
