//! A log of the test context with its feed, failures on demand, and a shard's reader in a few lines.

use crate::notes::{NOTES, Note, NoteCommand};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::{Databases, faults::Faults};
use headwater_event_log::{
    AggregateStore, Appended, EventLog, Executed, FeedError, FeedOptions, FeedPlace, FeedWriter, LoggedCommit, Opened,
    Options, Position, Start, StreamReader,
};
use headwater_kernel::{Id, Region};
use headwater_runtime::Runtime;
use headwater_tenancy::{TenantScope, WorkerAuthority};
use headwater_tests::{
    account::{Account, CONTEXT, Command},
    bytes, request, sealing_key,
    stores::TestStores,
};

pub(crate) struct Given {
    _dir: tempfile::TempDir,
    pub(crate) databases: Databases,
    pub(crate) log: EventLog,
    pub(crate) runtime: Runtime,
    pub(crate) faults: Faults,
    pub(crate) authority: WorkerAuthority,
}

/// A commit with the sequence number of its record.
pub(crate) type Record = (String, LoggedCommit);

pub(crate) fn id(id: &str) -> Id {
    Id::new(id).unwrap()
}

pub(crate) async fn scope(tenant: &str) -> TenantScope {
    headwater_tenancy::testing::scope(tenant).await
}

/// A position in a stream of our own making.
pub(crate) fn at(shard: &str, sequence: &str) -> Position {
    Position {
        stream: "arn:made-up".into(),
        shard: shard.into(),
        sequence: Some(sequence.into()),
    }
}

impl Given {
    pub(crate) async fn new() -> Self {
        let runtime = Runtime::tokio();
        let TestStores { dir, databases, faults } = TestStores::open(&runtime, 7).await;
        let log = EventLog::new(
            databases.durable.clone(),
            sealing_key(),
            Options::default(),
            runtime.clone(),
        );
        for context in [CONTEXT, NOTES] {
            log.ensure_tables(context).await.unwrap();
        }
        let operator = headwater_tenancy::testing::caller("acme").await.operator.unwrap();
        Self {
            _dir: dir,
            databases,
            log,
            runtime,
            faults,
            authority: WorkerAuthority::new(&operator, Region::Us),
        }
    }

    /// A table of the test context, as it is called here.
    pub(crate) fn table(&self, kind: &str) -> String {
        self.databases.durable.table(&format!("{CONTEXT}-{kind}"))
    }

    pub(crate) fn writer(&self) -> FeedWriter {
        FeedWriter::new(self.log.clone(), CONTEXT)
    }

    pub(crate) fn writer_with(&self, options: FeedOptions) -> FeedWriter {
        FeedWriter::with_options(self.log.clone(), CONTEXT, options)
    }

    pub(crate) async fn command(&self, scope: &TenantScope, of: &str, command: Command) {
        let (name, payload) = headwater_kernel::encode_command(&command).unwrap();
        let payload = bytes(&payload);
        let command_id = self.runtime.uuid().to_string();
        let store = AggregateStore::<Account>::new(self.log.clone());
        let executed = store
            .execute(scope, &id(of), request(&command_id, &name, &payload), || {
                Ok(command.clone())
            })
            .await
            .unwrap();
        assert!(matches!(executed, Executed::Committed(_)), "{executed:?}");
    }

    pub(crate) async fn deposit(&self, scope: &TenantScope, of: &str, cents: i64) {
        self.command(scope, of, Command::Deposit { cents }).await;
    }

    /// A deposit that is sent until it is there, while the store fails.
    pub(crate) async fn deposit_patiently(&self, scope: &TenantScope, of: &str) {
        let store = AggregateStore::<Account>::new(self.log.clone());
        let command_id = self.runtime.uuid().to_string();
        loop {
            let request = request(&command_id, "deposit", b"{}");
            if store
                .execute(scope, &id(of), request, || Ok(Command::Deposit { cents: 1 }))
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    /// A writer that shares nothing with this process but the tables.
    pub(crate) fn other_process(&self, runtime: Runtime) -> FeedWriter {
        let durable = self.databases.durable.clone();
        FeedWriter::new(
            EventLog::new(durable, sealing_key(), Options::default(), runtime),
            CONTEXT,
        )
    }

    /// One event in the second context.
    pub(crate) async fn write_note(&self, scope: &TenantScope, of: &str) {
        let command_id = self.runtime.uuid().to_string();
        let store = AggregateStore::<Note>::new(self.log.clone());
        let request = request(&command_id, "write", b"{}");
        store
            .execute(scope, &id(of), request, || Ok(NoteCommand::Write {}))
            .await
            .unwrap();
    }

    /// Moves what is new in the second context's stream into its feed.
    pub(crate) async fn feed_notes(&self) {
        let writer = FeedWriter::new(self.log.clone(), NOTES);
        pump(&writer, "s1", 1, &self.records_of(NOTES).await, 3).await.unwrap();
    }

    /// Changes the layout version of a stored commit.
    pub(crate) async fn set_layout(&self, tenant: &str, of: &str, sequence: u64, layout: &str) {
        let update = self
            .databases
            .durable
            .client()
            .update_item()
            .table_name(self.table("events"));
        update
            .key("PK", AttributeValue::S(format!("TENANT#{tenant}#accounts#{of}")))
            .key("SK", AttributeValue::S(format!("{sequence:020}")))
            .update_expression("SET v = :v")
            .expression_attribute_values(":v", AttributeValue::N(layout.into()))
            .send()
            .await
            .unwrap();
    }

    /// Everything that the stream has.
    pub(crate) async fn records(&self) -> Vec<Record> {
        self.records_of(CONTEXT).await
    }

    async fn records_of(&self, context: &str) -> Vec<Record> {
        let reader = StreamReader::new(self.log.clone(), context, self.authority.clone());
        let mut records = Vec::new();
        for shard in reader.shards().await.unwrap() {
            let (Opened::At(mut cursor) | Opened::Trimmed(mut cursor)) =
                reader.open(&shard, Start::Oldest).await.unwrap();
            loop {
                let batch = reader.read(&cursor, 1_000).await.unwrap();
                let done = batch.last.is_none();
                records.extend(batch.commits);
                match batch.next {
                    Some(next) if !done => cursor = next,
                    _ => break,
                }
            }
        }
        records
    }

    /// The tenant's feed as (aggregate id, first sequence), read page by page; fails when a number is missing.
    pub(crate) async fn feed(&self, scope: &TenantScope) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        let mut place = FeedPlace::START;
        loop {
            let page = self.log.feed_page(scope, CONTEXT, place, 7).await.unwrap();
            let done = page.commits.len() < 7;
            all.extend(
                page.commits
                    .iter()
                    .map(|(_, commit)| (commit.id.to_string(), commit.first_sequence)),
            );
            place = page.next;
            if done {
                break;
            }
        }
        assert_eq!(
            place,
            FeedPlace::batch(self.log.feed_end(scope, CONTEXT).await.unwrap())
        );
        all
    }
}

/// Appends all records after the writer's own position, `chunk` at a time, as a shard's reader does: whatever happens, it goes on from
/// where the feed says it is.
pub(crate) async fn pump(
    writer: &FeedWriter,
    shard: &str,
    fence: u64,
    records: &[Record],
    chunk: usize,
) -> Result<Vec<Appended>, FeedError> {
    let mut before = writer.position(shard).await?.map(|known| known.position);
    let mut all = Vec::new();
    for batch in records.chunks(chunk) {
        let after = at(shard, &batch.last().unwrap().0);
        loop {
            match writer.append(before.as_ref(), &after, fence, batch).await {
                Ok(appended) => {
                    before = Some(appended.position.clone());
                    all.push(appended);
                    break;
                }
                Err(FeedError::Moved { current }) => before = current.map(|current| current.position),
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(all)
}

/// That every aggregate's commits are there once, in order and without a hole: `versions` commits of one event each.
#[track_caller]
pub(crate) fn assert_whole(feed: &[(String, u64)], aggregates: usize, versions: u64) {
    let mut by_id: std::collections::BTreeMap<&str, Vec<u64>> = std::collections::BTreeMap::new();
    for (id, sequence) in feed {
        by_id.entry(id).or_default().push(*sequence);
    }
    assert_eq!(by_id.len(), aggregates);
    for (id, sequences) in by_id {
        assert_eq!(sequences, (1..=versions).collect::<Vec<_>>(), "{id}");
    }
}
