//! The three reads of a stream, as the service answers them.

use super::{Shard, StreamRecord, Streams};
use headwater_kernel::Timestamp;
use serde_json::{Value, json};

type Answer = (u16, Vec<u8>);

impl Streams {
    /// Answers the reads of a stream; `None` for everything else.
    pub(in crate::simulated) fn answer(&mut self, operation: &str, request: &Value, now: Timestamp) -> Option<Answer> {
        match operation {
            "DescribeStream" => {
                self.pass(now);
                Some(self.describe(request, now))
            }
            "GetShardIterator" => {
                self.pass(now);
                Some(self.iterator(request, now))
            }
            "GetRecords" => {
                self.pass(now);
                Some(self.read(request, now))
            }
            _ => None,
        }
    }

    fn describe(&self, request: &Value, now: Timestamp) -> Answer {
        let arn = request["StreamArn"].as_str().unwrap_or_default();
        let Some(stream) = self.streams.iter().find(|stream| stream.arn == arn && !stream.gone) else {
            return refused("ResourceNotFoundException");
        };
        let mut shards: Vec<&Shard> = stream
            .shards
            .iter()
            .filter(|shard| !shard.gone && shard.shows_at <= now)
            .collect();
        shards.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(after) = request["ExclusiveStartShardId"].as_str() {
            shards.retain(|shard| shard.id.as_str() > after);
        }
        let more = shards.len() > self.rules.page;
        shards.truncate(self.rules.page);
        let print = |shard: &&Shard| {
            // "The range of possible sequence numbers for the shard": it does not move as the shard is trimmed.
            let start = shard.start;
            let mut printed = json!({
                "ShardId": shard.id,
                "SequenceNumberRange": { "StartingSequenceNumber": start.to_string() },
            });
            if let Some(parent) = &shard.parent {
                printed["ParentShardId"] = json!(parent);
            }
            if shard.closed.is_some() {
                let last = shard.records.last().map_or(shard.start, |last| last.sequence);
                printed["SequenceNumberRange"]["EndingSequenceNumber"] = json!(last.to_string());
            }
            printed
        };
        let mut description = json!({
            "StreamArn": arn,
            "TableName": stream.table,
            "StreamStatus": if stream.on { "ENABLED" } else { "DISABLED" },
            "Shards": shards.iter().map(print).collect::<Vec<_>>(),
        });
        if let (true, Some(last)) = (more, shards.last()) {
            description["LastEvaluatedShardId"] = json!(last.id);
        }
        answered(&json!({ "StreamDescription": description }))
    }

    fn find(&self, arn: &str, shard: &str) -> Option<&Shard> {
        let of = self.streams.iter().filter(|stream| stream.arn == arn && !stream.gone);
        of.flat_map(|stream| &stream.shards)
            .find(|one| one.id == shard && !one.gone)
    }

    fn iterator(&self, request: &Value, now: Timestamp) -> Answer {
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let (arn, id) = (text("StreamArn"), text("ShardId"));
        let Some(shard) = self.find(arn, id) else {
            return refused("ResourceNotFoundException");
        };
        let sequence: u128 = text("SequenceNumber").parse().unwrap_or(0);
        let after = match text("ShardIteratorType") {
            "TRIM_HORIZON" => shard.trimmed,
            "AT_SEQUENCE_NUMBER" => sequence.saturating_sub(1),
            _ => sequence,
        };
        if after < shard.trimmed {
            return refused("TrimmedDataAccessException");
        }
        answered(&json!({ "ShardIterator": iterator(arn, id, after, now) }))
    }

    fn read(&mut self, request: &Value, now: Timestamp) -> Answer {
        let text = request["ShardIterator"].as_str().unwrap_or_default();
        let parts: Vec<&str> = text.split('|').collect();
        let [arn, id, after, issued] = parts[..] else {
            return refused("ValidationException");
        };
        let after: u128 = after.parse().unwrap_or(0);
        let issued = Timestamp::from_nanos(issued.parse().unwrap_or(0));
        if now.since(issued) > self.rules.iterator {
            return refused("ExpiredIteratorException");
        }
        let (dice, again, nothing) = (self.below(100), self.below(4), self.below(100));
        let limit = usize::try_from(request["Limit"].as_u64().unwrap_or(1_000)).unwrap_or(1_000);
        let Some(shard) = self.find(arn, id) else {
            return refused("ResourceNotFoundException");
        };
        if after < shard.trimmed {
            return refused("TrimmedDataAccessException");
        }
        let first = shard.records.partition_point(|record| record.sequence <= after);
        let rest = &shard.records[first..];
        let mut taken: Vec<&StreamRecord> = rest.iter().take(limit).collect();
        if nothing < self.rules.empty {
            taken.clear();
        }
        let last = taken.last().map_or(after, |record| record.sequence);
        let ended = shard.closed.is_some() && taken.len() == rest.len();
        if dice < self.rules.duplicates && !taken.is_empty() {
            // Some of what was read before comes once more, and one of the new records twice.
            let back = first.saturating_sub(usize::try_from(again).unwrap_or(0));
            let still = |record: &&StreamRecord| record.sequence > shard.trimmed;
            let before: Vec<&StreamRecord> = shard.records[back..first].iter().filter(still).collect();
            let twice = taken[usize::try_from(again).unwrap_or(0) % taken.len()];
            taken.push(twice);
            taken.sort_by_key(|record| record.sequence);
            taken.splice(0..0, before);
        }
        let print = |record: &&StreamRecord| {
            json!({
                "eventID": record.sequence.to_string(),
                "eventName": "INSERT",
                "dynamodb": {
                    "ApproximateCreationDateTime": record.at.nanos() / 1_000_000_000,
                    "Keys": { "PK": record.image["PK"], "SK": record.image["SK"] },
                    "NewImage": record.image,
                    "SequenceNumber": record.sequence.to_string(),
                },
            })
        };
        let mut answer = json!({ "Records": taken.iter().map(print).collect::<Vec<_>>() });
        if !ended {
            answer["NextShardIterator"] = json!(iterator(arn, id, last, now));
        }
        answered(&answer)
    }
}

fn iterator(arn: &str, shard: &str, after: u128, now: Timestamp) -> String {
    format!("{arn}|{shard}|{after}|{}", now.nanos())
}

fn refused(code: &str) -> Answer {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"simulated"}}"#);
    (400, body.into_bytes())
}

fn answered(body: &Value) -> Answer {
    (200, body.to_string().into_bytes())
}
