//! What a DynamoDB stream does: records reach a shard some time after their write and in another order (never that of one item), shards
//! split and end, new ones show late, records go after a day, iterators expire, and a stream that is turned on again is another one. One that
//! is off for a day is gone altogether.

mod reads;

use headwater_kernel::Timestamp;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// How the streams of one simulation behave.
#[derive(Debug, Clone)]
pub struct StreamRules {
    /// Decides what the rules leave open.
    pub seed: u64,
    /// The longest time between a write and its record.
    pub delay: Duration,
    /// How long records are kept.
    pub retention: Duration,
    /// How long an iterator is good.
    pub iterator: Duration,
    /// Shards of one answer of `DescribeStream`.
    pub page: usize,
    /// How long it takes a new shard to show.
    pub shows_after: Duration,
    /// Of 100 reads, how many bring some records again.
    pub duplicates: u64,
    /// Of 100 reads, how many bring nothing although there is something.
    pub empty: u64,
    /// Whether the items of one partition are spread over all shards.
    pub by_item: bool,
    /// Whether records of one partition keep their order. DynamoDB promises that of one item alone.
    pub keeps_partitions: bool,
    /// The first sequence number.
    pub first: u128,
}

/// One record of a shard.
#[derive(Debug, Clone)]
pub struct StreamRecord {
    /// Its sequence number.
    pub sequence: u128,
    /// The new image, in DynamoDB's JSON.
    pub image: Value,
    /// When it reached the shard.
    at: Timestamp,
}

#[derive(Debug)]
struct Shard {
    id: String,
    parent: Option<String>,
    range: (u64, u64),
    /// The first sequence number that it may have.
    start: u128,
    /// Nothing up to here is left.
    trimmed: u128,
    shows_at: Timestamp,
    closed: Option<Timestamp>,
    gone: bool,
    records: Vec<StreamRecord>,
}

#[derive(Debug)]
struct Stream {
    table: String,
    arn: String,
    on: bool,
    /// When it was turned off. A day later nobody can describe it any more, although its table still names it.
    off_since: Option<Timestamp>,
    gone: bool,
    shards: Vec<Shard>,
    /// Written, and not in a shard yet: when each arrives there.
    pending: Vec<(Timestamp, Value)>,
}

#[derive(Debug)]
pub(super) struct Streams {
    rules: StreamRules,
    random: u64,
    next: u128,
    streams: Vec<Stream>,
    /// How often each table's stream was turned on.
    times: BTreeMap<String, u32>,
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_nanos(time.nanos() + i64::try_from(by.as_nanos()).unwrap_or(i64::MAX))
}

/// FNV-1a, then mixed: where an item lies in the range of shards.
fn place(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

impl Streams {
    pub(super) fn new(rules: StreamRules) -> Self {
        Self {
            random: rules.seed,
            next: rules.first,
            rules,
            streams: Vec::new(),
            times: BTreeMap::new(),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) % bound.max(1)
    }

    /// A new stream with two shards.
    pub(super) fn add(&mut self, table: &str, now: Timestamp) {
        let times = self.times.entry(table.to_owned()).or_default();
        *times += 1;
        let arn = format!("arn:aws:dynamodb:simulation:0:table/{table}/stream/{times}");
        let mut stream = Stream {
            table: table.to_owned(),
            arn,
            on: true,
            off_since: None,
            gone: false,
            shards: Vec::new(),
            pending: Vec::new(),
        };
        for range in [(0, u64::MAX / 2), (u64::MAX / 2 + 1, u64::MAX)] {
            let shard = self.shard(&stream, None, range, now);
            stream.shards.push(shard);
        }
        self.streams.push(stream);
    }

    fn shard(&self, of: &Stream, parent: Option<String>, range: (u64, u64), shows_at: Timestamp) -> Shard {
        Shard {
            // As on AWS, ids of later shards sort after those of earlier ones.
            id: format!(
                "shardId-{:08}-{}",
                of.shards.len(),
                of.arn.rsplit('/').next().unwrap_or_default()
            ),
            parent,
            range,
            start: self.next,
            trimmed: self.next - 1,
            shows_at,
            closed: None,
            gone: false,
            records: Vec::new(),
        }
    }

    /// Notes what a request has written to tables with a stream.
    pub(super) fn written(&mut self, operation: &str, request: &Value, now: Timestamp) {
        let mut puts: Vec<(&str, &Value)> = Vec::new();
        match operation {
            "PutItem" => puts.push((request["TableName"].as_str().unwrap_or_default(), &request["Item"])),
            "TransactWriteItems" => {
                for item in request["TransactItems"].as_array().into_iter().flatten() {
                    if let Some(put) = item.get("Put") {
                        puts.push((put["TableName"].as_str().unwrap_or_default(), &put["Item"]));
                    }
                }
            }
            _ => {}
        }
        let keeps = self.rules.keeps_partitions;
        for (table, item) in puts {
            let longest = u64::try_from(self.rules.delay.as_micros()).unwrap_or(0);
            let delay = Duration::from_micros(self.below(longest + 1));
            if let Some(stream) = self
                .streams
                .iter_mut()
                .find(|stream| stream.on && stream.table == table)
            {
                let mut at = later(now, delay);
                if keeps {
                    let before = stream
                        .pending
                        .iter()
                        .filter(|(_, other)| other["PK"] == item["PK"])
                        .map(|(at, _)| *at);
                    at = before.max().unwrap_or(at).max(at);
                }
                stream.pending.push((at, item.clone()));
            }
        }
    }

    /// Lets records arrive, and trims those that are too old.
    fn pass(&mut self, now: Timestamp) {
        let (next, rules) = (&mut self.next, &self.rules);
        for stream in &mut self.streams {
            stream.pending.sort_by_key(|(at, _)| *at);
            let arrived = stream.pending.partition_point(|(at, _)| *at <= now);
            for (at, image) in stream.pending.drain(..arrived) {
                let text = |name: &str| image[name]["S"].as_str().unwrap_or_default().to_owned();
                let item = if rules.by_item {
                    format!("{}\0{}", text("PK"), text("SK"))
                } else {
                    text("PK")
                };
                let place = place(&item);
                let mine =
                    |shard: &&mut Shard| shard.closed.is_none() && shard.range.0 <= place && place <= shard.range.1;
                if let Some(shard) = stream.shards.iter_mut().find(mine) {
                    shard.records.push(StreamRecord {
                        sequence: *next,
                        image,
                        at,
                    });
                    *next += 7;
                }
            }
            let old = |at: Timestamp| now.since(at) > rules.retention;
            stream.gone |= stream.off_since.is_some_and(old);
            for shard in &mut stream.shards {
                let trimmed = shard
                    .records
                    .iter()
                    .filter(|record| old(record.at))
                    .map(|record| record.sequence);
                shard.trimmed = trimmed.max().unwrap_or(0).max(shard.trimmed);
                // A shard goes a day after it was closed.
                if shard.closed.is_some_and(old) {
                    shard.gone = true;
                }
            }
        }
    }

    pub(super) fn split(&mut self, table: &str, nth: usize, in_two: bool, now: Timestamp) {
        self.pass(now);
        let shows_after = u64::try_from(self.rules.shows_after.as_millis()).unwrap_or(0);
        let shows_at = later(now, Duration::from_millis(self.below(shows_after + 1)));
        let Some(n) = self
            .streams
            .iter()
            .position(|stream| stream.on && stream.table == table)
        else {
            return;
        };
        let mut stream = self.streams.swap_remove(n);
        let open: Vec<usize> = (0..stream.shards.len())
            .filter(|n| stream.shards[*n].closed.is_none())
            .collect();
        if let Some(chosen) = open.get(nth % open.len().max(1)).copied() {
            let (from, to) = stream.shards[chosen].range;
            stream.shards[chosen].closed = Some(now);
            let parent = stream.shards[chosen].id.clone();
            let middle = from + (to - from) / 2;
            let ranges = if in_two {
                vec![(from, middle), (middle + 1, to)]
            } else {
                vec![(from, to)]
            };
            for range in ranges {
                let child = self.shard(&stream, Some(parent.clone()), range, shows_at);
                stream.shards.push(child);
            }
        }
        self.streams.push(stream);
    }

    pub(super) fn trim(&mut self, table: &str, part: usize, now: Timestamp) {
        self.pass(now);
        for stream in self.streams.iter_mut().filter(|stream| stream.table == table) {
            // A shard goes after its parent, whose records are all older.
            let mut there = Vec::new();
            for shard in &mut stream.shards {
                let upto = shard.records.len() * part / 1_000;
                if let Some(last) = upto.checked_sub(1).and_then(|n| shard.records.get(n)) {
                    shard.trimmed = shard.trimmed.max(last.sequence);
                }
                let empty = shard.records.last().is_none_or(|last| last.sequence <= shard.trimmed);
                let first = shard.parent.as_ref().is_none_or(|parent| !there.contains(parent));
                shard.gone |= empty && first && shard.closed.is_some();
                if !shard.gone {
                    there.push(shard.id.clone());
                }
            }
        }
    }

    pub(super) fn turn_off(&mut self, table: &str, now: Timestamp) {
        self.pass(now);
        for stream in self
            .streams
            .iter_mut()
            .filter(|stream| stream.on && stream.table == table)
        {
            stream.on = false;
            stream.off_since = Some(now);
            for shard in &mut stream.shards {
                shard.closed.get_or_insert(now);
            }
        }
    }

    pub(super) fn turn_on(&mut self, table: &str, now: Timestamp) {
        self.turn_off(table, now);
        self.add(table, now);
    }

    pub(super) fn records(&self, arn: &str, id: &str) -> Vec<StreamRecord> {
        let of = self.streams.iter().filter(|stream| stream.arn == arn);
        let shard = of.flat_map(|stream| &stream.shards).find(|shard| shard.id == id);
        shard.map(|shard| shard.records.clone()).unwrap_or_default()
    }

    /// Adds the stream to the description of a table.
    pub(super) fn described(&self, answer: &[u8]) -> Vec<u8> {
        let mut answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let name = answer["Table"]["TableName"].as_str().unwrap_or_default().to_owned();
        let of = |stream: &&Stream| stream.table == name;
        // The last one that there was.
        if let Some(stream) = self.streams.iter().filter(of).max_by(|a, b| a.arn.cmp(&b.arn)) {
            answer["Table"]["LatestStreamArn"] = json!(stream.arn);
        }
        answer.to_string().into_bytes()
    }
}
