//! The thread that owns one engine and its file: group commit and what happens between groups.

use super::{Durability, EngineOptions, Synced, expiry::Expiry, group::Group, schema, trim, wal::Wal};
use crate::Error;
use dynoxide::{
    DynoxideError, actions::vector_lifecycle::VectorIndexLifecycle, storage::Storage, storage_backend::Clock,
};
use headwater_runtime::Runtime;
use rusqlite::Connection;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};
use tokio::sync::{oneshot, watch};

/// Runs a request and returns what answers it, to be called once it is safe.
pub(super) type Job = Box<dyn FnOnce(&Engine) -> Answer + Send>;
/// What became of the group a request was part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Safe,
    /// Its writes were undone.
    Lost,
}

/// Sends an answer.
pub(super) type Answer = Box<dyn FnOnce(Outcome)>;

pub(super) enum Message {
    Run(Job),
    /// Finish and say so.
    Stop(oneshot::Sender<()>),
}

pub(super) struct Engine {
    pub(super) storage: Storage,
    pub(super) vectors: VectorIndexLifecycle,
    pub(super) runtime: Runtime,
    pub(super) options: EngineOptions,
    group: Group,
    wal: Wal,
    durability: Durability,
    activity: watch::Sender<u64>,
    expiry: Expiry,
    /// Which stream record was the last when the last group ended.
    last_record: i64,
    /// When housekeeping and the lazy sync are due, in the runtime's monotonic time.
    housekeeping_due: Duration,
    sync_due: Duration,
    /// Whether the last checkpoint failed; it is tried again between all groups, and told once.
    checkpoint_failed: bool,
}

/// The engine's clock is the runtime's, so that stream times follow an injected clock.
struct EngineClock(Runtime);

impl Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().nanos() / 1_000_000_000).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().nanos() as f64 / 1e9
    }
}

impl Engine {
    /// Opens or makes the file.
    pub(super) fn open(
        path: &Path,
        durability: Durability,
        runtime: Runtime,
        options: EngineOptions,
    ) -> Result<Self, Error> {
        let sqlite = |error: rusqlite::Error| schema::not_opened(path, &error);
        let storage = schema::open(path)?.with_clock(Arc::new(EngineClock(runtime.clone())));
        let wal = Wal::take_over(path, storage.conn())?;
        schema::index_scans(storage.conn()).map_err(sqlite)?;
        let now = runtime.monotonic();
        let mut engine = Self {
            group: Group::install(storage.conn()),
            last_record: last_record(storage.conn()).map_err(sqlite)?,
            storage,
            vectors: VectorIndexLifecycle::new(),
            wal,
            durability,
            activity: watch::Sender::new(0),
            expiry: Expiry::default(),
            housekeeping_due: now,
            sync_due: now + options.lazy_sync,
            checkpoint_failed: false,
            runtime,
            options,
        };
        // From here on the log belongs to the engine's thread, and starts empty there.
        engine.checkpoint();
        Ok(engine)
    }

    pub(super) fn activity(&self) -> watch::Receiver<u64> {
        self.activity.subscribe()
    }

    pub(super) fn path(&self) -> &Path {
        self.wal.path()
    }

    pub(super) fn connection(&self) -> &Connection {
        self.storage.conn()
    }

    /// Serves requests until told to stop, or until nobody can send any more.
    pub(super) fn run(mut self, requests: &Receiver<Message>) {
        let mut group = Vec::with_capacity(self.options.group);
        let mut stopped = None;
        while stopped.is_none() {
            match requests.recv_timeout(self.until_due()) {
                Ok(message) => {
                    let mut next = Some(message);
                    while let Some(message) = next {
                        match message {
                            Message::Run(job) => group.extend(self.attempt(job)),
                            Message::Stop(done) => stopped = Some(done),
                        }
                        let more = group.len() < self.options.group && stopped.is_none();
                        next = if more { requests.try_recv().ok() } else { None };
                    }
                    self.finish(&mut group);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.between_groups();
        }
        self.sync();
        if let Err(error) = self.wal.checkpoint(self.storage.conn()) {
            tracing::warn!(path = %self.path().display(), %error, "the last checkpoint failed; the log is kept");
        }
        drop(self);
        if let Some(done) = stopped {
            let _ = done.send(());
        }
    }

    /// Runs one request. A panic in the engine costs that request only.
    fn attempt(&self, job: Job) -> Option<Answer> {
        let answer = catch_unwind(AssertUnwindSafe(|| job(self)));
        if answer.is_err() {
            tracing::error!(path = %self.path().display(), "the engine panicked on a request");
            self.group.recover(self.connection());
        }
        answer.ok()
    }

    /// Runs a request whose writes the group commits; on an error none of them stay.
    pub(super) fn write<T>(&self, run: impl FnOnce(&Storage) -> Result<T, DynoxideError>) -> Result<T, DynoxideError> {
        self.group.write(self.connection(), || run(&self.storage))
    }

    /// Runs a request that keeps its own transactions.
    pub(super) fn alone<T>(&self, run: impl FnOnce(&Storage) -> Result<T, DynoxideError>) -> Result<T, DynoxideError> {
        self.group.alone(self.connection(), || run(&self.storage))
    }

    /// Runs a description of a table, without the figures that would cost a scan.
    pub(super) fn uncounted<T>(
        &self,
        run: impl FnOnce(&Storage) -> Result<T, DynoxideError>,
    ) -> Result<T, DynoxideError> {
        self.group.uncounted(|| run(&self.storage))
    }

    /// Makes a group's writes safe and answers it.
    fn finish(&mut self, group: &mut Vec<Answer>) {
        let outcome = if self.group.end(self.connection()) {
            Outcome::Safe
        } else {
            Outcome::Lost
        };
        let wrote = self.wal.is_dirty();
        if wrote && self.durability == Durability::Acknowledged {
            self.sync();
        }
        for answer in group.drain(..) {
            answer(outcome);
        }
        if wrote {
            match last_record(self.connection()) {
                Ok(last) if last != self.last_record => {
                    self.last_record = last;
                    self.activity.send_modify(|groups| *groups += 1);
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the stream's last record cannot be read"),
            }
        }
    }

    fn sync(&mut self) {
        let wal_bytes = self.wal.sync();
        self.tell(wal_bytes);
    }

    fn until_due(&self) -> Duration {
        let now = self.runtime.monotonic();
        let lazy = self.durability == Durability::Lazy && self.wal.is_dirty();
        let due = if lazy {
            self.sync_due.min(self.housekeeping_due)
        } else {
            self.housekeeping_due
        };
        // Not zero: a step of housekeeping that wants to go on lets waiting requests pass first.
        due.saturating_sub(now).max(Duration::from_millis(1))
    }

    /// What is done while nobody waits for an answer: each step is short.
    fn between_groups(&mut self) {
        let now = self.runtime.monotonic();
        if self.durability == Durability::Lazy && now >= self.sync_due {
            if self.wal.is_dirty() {
                self.sync();
            }
            self.sync_due = now + self.options.lazy_sync;
        }
        if self.wal.length() >= self.options.checkpoint {
            self.checkpoint();
        }
        if now >= self.housekeeping_due {
            let more = self.housekeeping();
            self.housekeeping_due = if more { now } else { now + self.options.housekeeping };
        }
    }

    fn checkpoint(&mut self) {
        match self.wal.checkpoint(self.storage.conn()) {
            Ok(()) => {
                if std::mem::take(&mut self.checkpoint_failed) {
                    tracing::warn!(path = %self.path().display(), "a checkpoint succeeded again");
                }
                self.tell(self.wal.length());
            }
            Err(error) => {
                if !std::mem::replace(&mut self.checkpoint_failed, true) {
                    tracing::warn!(path = %self.path().display(), %error, "a checkpoint failed; the log grows on until one succeeds");
                }
            }
        }
    }

    fn tell(&self, wal_bytes: u64) {
        if let Some(on_sync) = &self.options.on_sync {
            on_sync(&Synced {
                path: self.path().to_owned(),
                wal_bytes,
            });
        }
    }

    /// One step of trimming and expiry; whether there is more to do at once.
    fn housekeeping(&mut self) -> bool {
        let cutoff = self.runtime.now().nanos() / 1_000_000_000 - self.options.stream_retention.as_secs() as i64;
        let trimmed = trim::step(self.storage.conn(), cutoff).unwrap_or_else(|error| {
            tracing::warn!(path = %self.path().display(), %error, "trimming the streams failed");
            false
        });
        let mut expiry = std::mem::take(&mut self.expiry);
        let expired = expiry.step(self).unwrap_or_else(|error| {
            tracing::warn!(path = %self.path().display(), %error, "expiring items failed");
            false
        });
        self.expiry = expiry;
        self.group.end(self.connection());
        if let Ok(last) = last_record(self.connection())
            && last != self.last_record
        {
            // Expiry writes stream records too.
            self.last_record = last;
            self.activity.send_modify(|groups| *groups += 1);
        }
        trimmed || expired
    }
}

/// The number of the last stream record ever written. It never goes back: the engine numbers them without reuse.
fn last_record(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let mut statement = connection
        .prepare_cached("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = '_stream_records'")?;
    statement.query_row([], |row| row.get(0))
}
