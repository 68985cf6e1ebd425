//! The runner: one reader per context, a queue per consumer, parents before children, catch-up from the log where a position is lost.

use crate::{ApplyError, Consumer, Positions, catch_up, consumer_task, consumer_task::Batch};
use futures::future::join_all;
use headwater_event_log::{Cursor, EventLog, Opened, Position, Shard, StreamReader};
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::WorkerAuthority;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// What may be tuned.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// How often a shard is read while nothing wakes the reader. 250 ms: 4 reads a second, below the service's limit of 5.
    pub pace: Duration,
    /// Records of one read, 1 to 1,000.
    pub records: i32,
    /// Batches that may wait for a slow consumer before the reader waits for it.
    pub queue: usize,
    /// A position older than this is not believed: its records may be gone. 20 hours, below the stream's 24.
    pub believe_for: Duration,
    /// How often the list of shards is read again.
    pub discover_every: Duration,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            pace: Duration::from_millis(250),
            records: 1_000,
            queue: 4,
            believe_for: Duration::from_secs(20 * 3_600),
            discover_every: Duration::from_secs(30),
        }
    }
}

/// Keeps the projections of all contexts until it is shut down.
#[derive(Debug)]
pub struct Runner {
    stop: watch::Sender<bool>,
    tasks: Vec<Task>,
}

struct Context {
    name: String,
    log: EventLog,
    reader: StreamReader,
    authority: WorkerAuthority,
    consumers: Vec<Consumer>,
    options: RunnerOptions,
    runtime: Runtime,
    stop: watch::Receiver<bool>,
}

/// A shard that is being read.
struct Open {
    shard: Shard,
    cursor: Cursor,
}

impl Runner {
    /// Starts one reader per context for the consumers that follow it.
    pub fn start(
        log: &EventLog,
        authority: &WorkerAuthority,
        contexts: impl IntoIterator<Item = String>,
        consumers: &[Consumer],
        options: RunnerOptions,
        runtime: &Runtime,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tasks = contexts
            .into_iter()
            .map(|name| {
                let context = Context {
                    reader: StreamReader::new(log.clone(), name.clone(), authority.clone()),
                    consumers: consumers
                        .iter()
                        .filter(|consumer| consumer.follows(&name))
                        .cloned()
                        .collect(),
                    name,
                    log: log.clone(),
                    authority: authority.clone(),
                    options: options.clone(),
                    runtime: runtime.clone(),
                    stop: stopped.clone(),
                };
                runtime.spawn(context.run())
            })
            .collect();
        Self { stop, tasks }
    }

    /// Stops reading, lets every consumer finish what it has and write its position down.
    pub async fn shut_down(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.join().await;
        }
    }
}

impl Context {
    async fn run(mut self) {
        if self.consumers.is_empty() {
            return;
        }
        let mut backoff = Duration::from_millis(100);
        while !*self.stop.borrow() {
            match self.follow().await {
                Ok(()) => backoff = Duration::from_millis(100),
                Err(error) => {
                    tracing::warn!(context = self.name, error = ?error, "the stream cannot be read; trying again");
                    let mut stop = self.stop.clone();
                    let _ = self.runtime.timeout(backoff, stop.wait_for(|stop| *stop)).await;
                    backoff = (backoff * 2).min(Duration::from_secs(10));
                }
            }
        }
    }

    /// Reads the stream from the consumers' positions until told to stop, or until something fails.
    async fn follow(&mut self) -> Result<(), ApplyError> {
        let shards = self.reader.shards().await.map_err(ApplyError::log)?;
        let mut all = Vec::new();
        for consumer in &self.consumers {
            all.push(consumer.positions.load(&self.name).await?);
        }
        let stream = shards.first().map(|shard| shard.stream.clone()).unwrap_or_default();
        let mut lost: BTreeSet<usize> = (0..all.len())
            .filter(|n| !all[*n].as_ref().is_some_and(|known| self.believes(known, &stream)))
            .collect();
        let mut finished = BTreeSet::new();
        let mut opened = Vec::new();
        for shard in ready(&shards, &finished, &[]) {
            let oldest = oldest(shard, &all, &lost);
            match self
                .reader
                .open(shard, oldest.as_ref())
                .await
                .map_err(ApplyError::log)?
            {
                Opened::At(cursor) => opened.push(Open {
                    shard: shard.clone(),
                    cursor,
                }),
                Opened::Trimmed(cursor) => {
                    // The consumers that had read up to there have lost what came after.
                    lost.extend(
                        (0..all.len())
                            .filter(|n| position_in(&all[*n], shard).is_some_and(|at| Some(at) == oldest.as_ref())),
                    );
                    opened.push(Open {
                        shard: shard.clone(),
                        cursor,
                    });
                }
            }
        }
        // The shards are open, so whatever is committed from here on arrives by the stream; the log has all that was before.
        for n in &lost {
            let consumer = &self.consumers[*n];
            let commits = catch_up::from_log(&self.log, &self.authority, &self.name, consumer, &self.runtime).await?;
            if commits > 0 {
                tracing::info!(
                    consumer = consumer.name,
                    context = self.name,
                    commits,
                    "caught up from the log"
                );
            }
        }
        let mut queues = Vec::new();
        let mut tasks = Vec::new();
        for (n, consumer) in self.consumers.iter().enumerate() {
            let mut positions = all[n].take().filter(|_| !lost.contains(&n)).unwrap_or_default();
            positions
                .shards
                .retain(|id, _| shards.iter().any(|shard| shard.id == *id));
            if lost.contains(&n) {
                positions.shards = start_of(&opened);
                positions.written_at = self.runtime.now();
                consumer.positions.save(&self.name, &positions).await?;
            }
            let (sender, queue) = mpsc::channel(self.options.queue);
            queues.push(sender);
            let work = consumer_task::run(
                consumer.clone(),
                self.name.clone(),
                positions,
                queue,
                self.runtime.clone(),
            );
            tasks.push(self.runtime.spawn(work));
        }
        let result = self.read(shards, opened, &mut finished, &queues).await;
        drop(queues);
        for task in tasks {
            let _ = task.join().await;
        }
        result
    }

    fn believes(&self, positions: &Positions, stream: &str) -> bool {
        let age = self.runtime.now().since(positions.written_at);
        age < self.options.believe_for && positions.shards.values().all(|position| position.stream == stream)
    }

    async fn read(
        &self,
        mut shards: Vec<Shard>,
        mut opened: Vec<Open>,
        finished: &mut BTreeSet<String>,
        queues: &[mpsc::Sender<Arc<Batch>>],
    ) -> Result<(), ApplyError> {
        let mut activity = self.reader.activity();
        let mut stop = self.stop.clone();
        let mut discovered_at = self.runtime.monotonic();
        while !*stop.borrow() {
            if let Some(activity) = &mut activity {
                activity.mark_unchanged();
            }
            let reads = join_all(
                opened
                    .iter()
                    .map(|open| self.reader.read(&open.cursor, self.options.records)),
            )
            .await;
            let mut idle = true;
            let mut still_open = Vec::with_capacity(opened.len());
            for (open, read) in opened.into_iter().zip(reads) {
                let read = read.map_err(ApplyError::log)?;
                for (sequence, error) in &read.unreadable {
                    tracing::error!(context = self.name, sequence, %error, "a record of the stream is no commit of ours");
                }
                if let Some(last) = read.last {
                    idle = false;
                    let Shard { stream, id, .. } = &open.shard;
                    let position = Position {
                        stream: stream.clone(),
                        shard: id.clone(),
                        sequence: Some(last),
                    };
                    let commits = read.commits.into_iter().map(|(_, commit)| commit).collect();
                    let batch = Arc::new(Batch { commits, position });
                    for queue in queues {
                        // A consumer ends only with its queue; one that is gone has panicked, and all start over.
                        queue
                            .send(Arc::clone(&batch))
                            .await
                            .map_err(|_| ApplyError::Retry("a consumer ended".into()))?;
                    }
                }
                match read.next {
                    Some(cursor) => still_open.push(Open { cursor, ..open }),
                    None => {
                        finished.insert(open.shard.id);
                    }
                }
            }
            opened = still_open;
            let discover = self.runtime.monotonic().saturating_sub(discovered_at) > self.options.discover_every;
            if opened.is_empty() || discover {
                let stream = shards.first().map(|shard| shard.stream.clone());
                shards = self.reader.shards().await.map_err(ApplyError::log)?;
                discovered_at = self.runtime.monotonic();
                if shards.first().map(|shard| shard.stream.clone()) != stream {
                    return Ok(());
                }
                for shard in ready(&shards, finished, &opened) {
                    let (Opened::At(cursor) | Opened::Trimmed(cursor)) =
                        self.reader.open(shard, None).await.map_err(ApplyError::log)?;
                    opened.push(Open {
                        shard: shard.clone(),
                        cursor,
                    });
                }
            }
            if idle {
                let wait = async {
                    match &mut activity {
                        Some(activity) => drop(activity.changed().await),
                        None => self.runtime.sleep(self.options.pace).await,
                    }
                };
                let longest = self.options.discover_every;
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    _ = self.runtime.timeout(longest, wait) => {}
                }
            } else if activity.is_none() {
                self.runtime.sleep(self.options.pace).await;
            }
        }
        Ok(())
    }
}

/// The shards that may be read now: not finished, not open, and no parent of theirs still to be finished.
fn ready<'a>(shards: &'a [Shard], finished: &BTreeSet<String>, opened: &[Open]) -> Vec<&'a Shard> {
    let waits_for = |parent: &String| shards.iter().any(|other| other.id == *parent) && !finished.contains(parent);
    shards
        .iter()
        .filter(|shard| !finished.contains(&shard.id) && !opened.iter().any(|open| open.shard.id == shard.id))
        .filter(|shard| !shard.parent.as_ref().is_some_and(waits_for))
        .collect()
}

fn position_in<'a>(positions: &'a Option<Positions>, shard: &Shard) -> Option<&'a Position> {
    positions.as_ref()?.shards.get(&shard.id)
}

/// The position that is furthest behind among the consumers whose positions are believed; `None` reads the shard from its beginning.
fn oldest(shard: &Shard, all: &[Option<Positions>], lost: &BTreeSet<usize>) -> Option<Position> {
    let mut oldest: Option<&Position> = None;
    for (n, positions) in all.iter().enumerate() {
        if lost.contains(&n) {
            continue;
        }
        let at = position_in(positions, shard)?;
        at.sequence.as_ref()?;
        if oldest.is_none_or(|known| order(at) < order(known)) {
            oldest = Some(at);
        }
    }
    oldest.cloned()
}

/// Sequence numbers are decimal numbers of up to 40 digits.
fn order(position: &Position) -> (usize, &str) {
    let digits = position.sequence.as_deref().unwrap_or_default().trim_start_matches('0');
    (digits.len(), digits)
}

/// Positions at the beginning of what is open.
fn start_of(opened: &[Open]) -> BTreeMap<String, Position> {
    opened
        .iter()
        .map(|open| {
            let Shard { stream, id, .. } = &open.shard;
            (
                id.clone(),
                Position {
                    stream: stream.clone(),
                    shard: id.clone(),
                    sequence: None,
                },
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parent: Option<&str>) -> Shard {
        Shard {
            stream: "s".into(),
            id: id.into(),
            parent: parent.map(str::to_owned),
            starts_at: None,
        }
    }

    fn at(sequence: &str) -> Option<Positions> {
        let position = Position {
            stream: "s".into(),
            shard: "a".into(),
            sequence: Some(sequence.into()),
        };
        Some(Positions {
            shards: BTreeMap::from([("a".to_owned(), position)]),
            ..Positions::default()
        })
    }

    #[test]
    fn a_child_waits_for_its_parent() {
        let shards = [
            shard("a", Some("trimmed")),
            shard("b", Some("a")),
            shard("c", Some("b")),
        ];
        let ids = |finished: &[&str]| {
            let finished = finished.iter().map(|id| (*id).to_owned()).collect();
            ready(&shards, &finished, &[])
                .iter()
                .map(|shard| shard.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&[]), ["a"]);
        assert_eq!(ids(&["a"]), ["b"]);
        assert_eq!(ids(&["a", "b"]), ["c"]);
    }

    #[test]
    fn a_shard_is_read_from_the_consumer_that_is_furthest_behind() {
        let shard = shard("a", None);
        let none = BTreeSet::new();
        let sequence = |all: &[Option<Positions>], lost| oldest(&shard, all, lost).and_then(|at| at.sequence);
        assert_eq!(sequence(&[at("100"), at("99")], &none).as_deref(), Some("99"));
        assert_eq!(
            sequence(&[at("100"), None], &none),
            None,
            "one that was never there starts at the beginning"
        );
        assert_eq!(
            sequence(&[at("100"), None], &BTreeSet::from([1])).as_deref(),
            Some("100"),
            "the log fills in"
        );
    }
}
