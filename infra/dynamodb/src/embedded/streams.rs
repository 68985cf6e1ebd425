//! The three stream reads, answered from the stream table itself. The engine's own versions read a table's whole stream to describe it,
//! parse and print every record again to return it, call an open shard ended, and pass silently over records that were trimmed.

use super::{engine::Engine, operations::complete, trim::trimmed};
use dynoxide::{
    DynoxideError,
    actions::{
        describe_stream::{
            DescribeStreamRequest, DescribeStreamResponse, SequenceNumberRange, Shard, StreamDescription,
        },
        get_records::GetRecordsRequest,
        get_shard_iterator::{
            self, GetShardIteratorRequest, GetShardIteratorResponse, decode_shard_iterator, encode_shard_iterator,
        },
    },
    storage::TableMetadata,
    streams::shard_id,
};
use rusqlite::{OptionalExtension, params};
use std::fmt::Write;

/// Added to the stored number: the public one has 21 digits, as DynamoDB's has at least.
const PUBLIC_OFFSET: u128 = 100_000_000_000_000_000_000;
/// Records of one answer, at most. DynamoDB's limit.
const MAX_RECORDS: usize = 1_000;
/// Bytes of one answer, about. DynamoDB's limit is 1 MB.
const MAX_BYTES: usize = 1 << 20;

fn public(number: i64) -> String {
    (PUBLIC_OFFSET + u128::try_from(number).unwrap_or(0)).to_string()
}

/// An error the engine has no word for.
pub(super) enum StreamError {
    Engine(DynoxideError),
    /// The position is before the oldest record kept.
    Trimmed,
}

impl From<DynoxideError> for StreamError {
    fn from(error: DynoxideError) -> Self {
        Self::Engine(error)
    }
}

impl From<rusqlite::Error> for StreamError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error.into())
    }
}

/// A table with a stream, by name; `asked` is what it was asked for by.
fn streamed(engine: &Engine, table: &str, asked: &str) -> Result<TableMetadata, StreamError> {
    let metadata = engine.storage.get_table_metadata(table)?;
    metadata.filter(|metadata| metadata.stream_enabled).ok_or_else(|| {
        DynoxideError::ResourceNotFoundException(format!("Requested resource not found: Stream: {asked}")).into()
    })
}

/// `DescribeStream`, with the shard open and the oldest record that it still has as its start.
pub(super) fn describe(engine: &Engine, request: DescribeStreamRequest) -> Result<DescribeStreamResponse, StreamError> {
    // arn:aws:dynamodb:dynoxide:000000000000:table/NAME/stream/LABEL
    let table = request.stream_arn.split('/').nth(1).unwrap_or_default().to_owned();
    let metadata = streamed(engine, &table, &request.stream_arn)?;
    let shard = shard_id(&table);
    // One step into the added index; the engine reads every record for it.
    let mut oldest = engine.connection().prepare_cached(
        "SELECT CAST(sequence_number AS INTEGER) FROM _stream_records WHERE table_name = ?1 AND shard_id = ?2
         ORDER BY CAST(sequence_number AS INTEGER) LIMIT 1",
    )?;
    let oldest: Option<i64> = oldest.query_row(params![table, shard], |row| row.get(0)).optional()?;
    let shard = Shard {
        shard_id: shard,
        sequence_number_range: SequenceNumberRange {
            starting_sequence_number: oldest.map(public),
            ending_sequence_number: None,
        },
    };
    Ok(DescribeStreamResponse {
        stream_description: StreamDescription {
            stream_arn: request.stream_arn,
            stream_label: metadata.stream_label.unwrap_or_default(),
            stream_status: "ENABLED".to_owned(),
            stream_view_type: view_type(metadata.stream_view_type),
            table_name: table,
            shards: vec![shard],
            creation_request_date_time: metadata.created_at as f64,
        },
    })
}

fn view_type(stored: Option<String>) -> String {
    stored.unwrap_or_else(|| "NEW_AND_OLD_IMAGES".to_owned())
}

/// `GetShardIterator`, which refuses a position whose successors were trimmed.
pub(super) fn shard_iterator(
    engine: &Engine,
    request: GetShardIteratorRequest,
) -> Result<GetShardIteratorResponse, StreamError> {
    if request.shard_iterator_type == "LATEST" {
        let message = "LATEST misses what is written while it is asked for; use TRIM_HORIZON or a sequence number";
        return Err(DynoxideError::ValidationException(message.to_owned()).into());
    }
    let response = complete(get_shard_iterator::execute(&engine.storage, request))?;
    if let Some((table, _, position)) = response.shard_iterator.as_deref().and_then(decode_shard_iterator) {
        refuse_trimmed(engine, &table, position)?;
    }
    Ok(response)
}

/// Position 0 is the trim horizon, wherever that is.
fn refuse_trimmed(engine: &Engine, table: &str, position: i64) -> Result<(), StreamError> {
    if position > 0 && position < trimmed(engine.connection(), table)? {
        Err(StreamError::Trimmed)
    } else {
        Ok(())
    }
}

/// A stream's records as stored: their JSON is DynamoDB's already.
pub(super) struct Records {
    rows: Vec<Row>,
    view: String,
    next: String,
}

struct Row {
    event: String,
    keys: String,
    new_image: Option<String>,
    old_image: Option<String>,
    number: i64,
    created: i64,
    identity: Option<String>,
    id: Option<String>,
}

/// `GetRecords`: reads on the engine's thread; [`Records::to_json`] prints on the caller's.
pub(super) fn records(engine: &Engine, request: GetRecordsRequest) -> Result<Records, StreamError> {
    let Some((table, shard, position)) = decode_shard_iterator(&request.shard_iterator) else {
        return Err(DynoxideError::ValidationException("Invalid ShardIterator".to_owned()).into());
    };
    let metadata = streamed(engine, &table, &table)?;
    refuse_trimmed(engine, &table, position)?;
    let limit = request.limit.unwrap_or(MAX_RECORDS).clamp(1, MAX_RECORDS);
    let mut statement = engine.connection().prepare_cached(
        "SELECT event_name, keys_json, new_image, old_image, CAST(sequence_number AS INTEGER), created_at, user_identity, event_id
         FROM _stream_records
         WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
         ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?4",
    )?;
    let mut found = statement.query(params![
        table,
        shard,
        position,
        i64::try_from(limit).unwrap_or(i64::MAX)
    ])?;
    let (mut rows, mut bytes, mut last) = (Vec::new(), 0, position);
    while let Some(row) = found.next()? {
        let row = Row {
            event: row.get(0)?,
            keys: row.get(1)?,
            new_image: row.get(2)?,
            old_image: row.get(3)?,
            number: row.get(4)?,
            created: row.get(5)?,
            identity: row.get(6)?,
            id: row.get(7)?,
        };
        bytes += row.size();
        last = row.number;
        rows.push(row);
        if bytes >= MAX_BYTES {
            break;
        }
    }
    Ok(Records {
        rows,
        view: view_type(metadata.stream_view_type),
        next: encode_shard_iterator(&table, &shard, last),
    })
}

impl Row {
    fn size(&self) -> usize {
        self.keys.len()
            + self.new_image.as_ref().map_or(0, String::len)
            + self.old_image.as_ref().map_or(0, String::len)
    }
}

impl Records {
    /// The answer's body.
    pub(super) fn to_json(&self) -> String {
        let mut json = String::with_capacity(self.rows.iter().map(|row| row.size() + 400).sum::<usize>() + 200);
        json.push_str("{\"Records\":[");
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            row.print(&self.view, &mut json);
        }
        let _ = write!(json, "],\"NextShardIterator\":\"{}\"}}", self.next);
        json
    }
}

impl Row {
    /// What is spliced in is JSON already, or made of letters and digits.
    fn print(&self, view: &str, json: &mut String) {
        let number = public(self.number);
        let id = self.id.as_deref().unwrap_or(&number);
        let _ = write!(
            json,
            "{{\"eventID\":\"{id}\",\"eventName\":\"{}\",\"eventVersion\":\"1.1\",\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"local\",\
             \"dynamodb\":{{\"Keys\":{},\"SequenceNumber\":\"{number}\",\"SizeBytes\":{},\"StreamViewType\":\"{view}\",\
             \"ApproximateCreationDateTime\":{}",
            self.event,
            self.keys,
            self.size(),
            self.created,
        );
        for (name, image) in [("NewImage", &self.new_image), ("OldImage", &self.old_image)] {
            if let Some(image) = image {
                let _ = write!(json, ",\"{name}\":{image}");
            }
        }
        json.push('}');
        if let Some(identity) = &self.identity {
            let _ = write!(json, ",\"userIdentity\":{identity}");
        }
        json.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    /// An engine with one streamed table and so many records of it.
    fn engine(dir: &std::path::Path, records: i64) -> Engine {
        let options = crate::EngineOptions::default();
        let runtime = headwater_runtime::Runtime::tokio();
        let engine = Engine::open(&dir.join("log.db"), super::super::Durability::Lazy, runtime, options).unwrap();
        let table = serde_json::json!({
            "TableName": "crm-events",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        });
        let request = serde_json::from_value(table).unwrap();
        complete(dynoxide::actions::create_table::execute(&engine.storage, request)).unwrap();
        let insert = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
            INSERT INTO _stream_records (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
            SELECT 'crm-events', 'INSERT', '{}', 7 + n, 'shardId-00000001-crm-events', 1 FROM n";
        engine.connection().execute(insert, [records]).unwrap();
        engine
    }

    #[test]
    fn describing_a_stream_costs_the_same_however_long_it_is() {
        let steps = |records| {
            let dir = tempfile::tempdir().unwrap();
            let engine = engine(dir.path(), records);
            let arn = "arn:aws:dynamodb:dynoxide:000000000000:table/crm-events/stream/now";
            let ask = || {
                let request = DescribeStreamRequest {
                    stream_arn: arn.to_owned(),
                    ..DescribeStreamRequest::default()
                };
                match describe(&engine, request) {
                    Ok(described) => described.stream_description,
                    Err(_) => panic!("not described"),
                }
            };
            // The first time reads the schema.
            ask();
            let steps = Arc::new(AtomicUsize::new(0));
            let counted = steps.clone();
            let count = move || {
                counted.fetch_add(1, Ordering::Relaxed);
                false
            };
            engine.connection().progress_handler(1, Some(count));
            let described = ask();
            engine.connection().progress_handler(0, None::<fn() -> bool>);
            assert_eq!(
                (described.stream_arn.as_str(), described.table_name.as_str()),
                (arn, "crm-events")
            );
            let [shard] = &described.shards[..] else {
                panic!("one shard")
            };
            assert_eq!(shard.shard_id, "shardId-00000001-crm-events");
            let range = &shard.sequence_number_range;
            assert_eq!(range.starting_sequence_number.as_deref(), Some(public(8).as_str()));
            assert_eq!(range.ending_sequence_number, None);
            steps.load(Ordering::Relaxed)
        };
        let (short, long) = (steps(3), steps(3_000));
        assert!(
            short > 0 && long <= short + 10,
            "{short} steps of 3 records, {long} of 3,000"
        );
    }

    #[test]
    fn a_sequence_number_keeps_its_order_in_public() {
        assert_eq!(public(42), "100000000000000000042");
        assert!(public(9) < public(10));
        assert_eq!(public(1).len(), 21);
    }
}
