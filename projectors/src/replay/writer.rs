//! Writes of one segment: twenty-five items in a request, several requests at a time over the whole job, all within the budget.

use super::{ReplayError, job::Job};
use crate::{ApplyError, SourceKey, document, race::failed};
use headwater_dynamo_repository::{BULK_WRITES, BulkWrite, Error};
use headwater_search::{DocumentWrite, SearchIndex};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// Documents that are written at a time.
const DOCUMENTS: usize = 512;

/// Whose a write is.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) context: Arc<str>,
    pub(crate) key: Arc<SourceKey>,
    pub(crate) version: u64,
}

/// What was written since it was last asked.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) parked: u64,
    pub(crate) units: f64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.parked += other.parked;
        self.units += other.units;
    }
}

/// What a batch that was in flight came to.
type Written = Result<Tally, ReplayError>;

/// See the module.
pub(crate) struct Writer {
    job: Arc<Job>,
    in_flight: Arc<Semaphore>,
    items: Vec<(Source, BulkWrite)>,
    documents: Vec<(Source, DocumentWrite)>,
    index: Option<Arc<dyn SearchIndex>>,
    pending: usize,
    results: (mpsc::UnboundedSender<Written>, mpsc::UnboundedReceiver<Written>),
    tally: Tally,
}

impl Writer {
    pub(crate) fn new(job: Arc<Job>, in_flight: Arc<Semaphore>) -> Self {
        Self {
            index: job.refolds.iter().find_map(|refold| refold.index().cloned()),
            job,
            in_flight,
            items: Vec::with_capacity(BULK_WRITES),
            documents: Vec::new(),
            pending: 0,
            results: mpsc::unbounded_channel(),
            tally: Tally::default(),
        }
    }

    /// An item, soon.
    pub(crate) async fn item(&mut self, source: Source, write: BulkWrite) -> Result<(), ReplayError> {
        self.items.push((source, write));
        if self.items.len() == BULK_WRITES {
            self.send().await?;
        }
        Ok(())
    }

    /// A document, soon.
    pub(crate) async fn document(&mut self, source: Source, write: DocumentWrite) -> Result<(), ReplayError> {
        self.documents.push((source, write));
        if self.documents.len() == DOCUMENTS {
            self.send_documents().await?;
        }
        Ok(())
    }

    /// Notes an aggregate that was parked.
    pub(crate) fn parked(&mut self) {
        self.tally.parked += 1;
    }

    /// Everything is written; what that was.
    pub(crate) async fn flush(&mut self) -> Result<Tally, ReplayError> {
        self.send().await?;
        self.send_documents().await?;
        while self.pending > 0 {
            self.receive().await?;
        }
        Ok(std::mem::take(&mut self.tally))
    }

    async fn receive(&mut self) -> Result<(), ReplayError> {
        let result = self.results.1.recv().await.unwrap_or(Err(ReplayError::Stopped));
        self.pending -= 1;
        self.tally += result?;
        Ok(())
    }

    async fn send(&mut self) -> Result<(), ReplayError> {
        if self.items.is_empty() {
            return Ok(());
        }
        while let Ok(result) = self.results.1.try_recv() {
            self.pending -= 1;
            self.tally += result?;
        }
        let writes = std::mem::replace(&mut self.items, Vec::with_capacity(BULK_WRITES));
        let permit = Arc::clone(&self.in_flight).acquire_owned().await;
        let permit = permit.map_err(|_| ReplayError::Stopped)?;
        let (job, results) = (Arc::clone(&self.job), self.results.0.clone());
        self.pending += 1;
        let task = async move {
            let result = write(&job, writes).await;
            drop(permit);
            let _ = results.send(result);
        };
        drop(self.job.runtime.spawn(task));
        Ok(())
    }

    async fn send_documents(&mut self) -> Result<(), ReplayError> {
        let Some(index) = self.index.clone().filter(|_| !self.documents.is_empty()) else {
            return Ok(());
        };
        let writes = std::mem::take(&mut self.documents);
        let all: Vec<DocumentWrite> = writes.iter().map(|(_, write)| write.clone()).collect();
        let (job, index) = (&self.job, &index);
        let put = async |writes: Vec<DocumentWrite>| {
            let written = job.patiently(|| async {
                let written = index.write(writes.clone()).await;
                written.map_err(document::failed)
            });
            written.await
        };
        match put(all).await {
            Ok(_) => self.tally.rows += writes.len() as u64,
            // One document that the index does not take must not hold up the others.
            Err(ReplayError::Store(ApplyError::Permanent(_))) => {
                for (source, write) in writes {
                    match put(vec![write]).await {
                        Ok(_) => self.tally.rows += 1,
                        Err(ReplayError::Store(error @ ApplyError::Permanent(_))) => {
                            park(&self.job, &source, &error).await?;
                            self.tally.parked += 1;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

async fn park(job: &Job, source: &Source, error: &ApplyError) -> Result<(), ReplayError> {
    job.park(&source.context, &source.key, source.version, source.version, error)
        .await
}

/// Makes one request, and what it leaves; singly when the store refuses it as a whole.
async fn write(job: &Job, writes: Vec<(Source, BulkWrite)>) -> Result<Tally, ReplayError> {
    let rows = writes.len() as u64;
    match request(job, &writes).await {
        Ok(units) => {
            return Ok(Tally { rows, parked: 0, units });
        }
        Err(ReplayError::Store(ApplyError::Refused(_) | ApplyError::Permanent(_))) => {}
        Err(error) => return Err(error),
    }
    let mut tally = Tally::default();
    let mut refused = 0;
    for one in writes.chunks(1) {
        match request(job, one).await {
            Ok(units) => {
                tally += Tally {
                    rows: 1,
                    parked: 0,
                    units,
                }
            }
            Err(ReplayError::Store(error @ (ApplyError::Refused(_) | ApplyError::Permanent(_)))) => {
                refused += 1;
                if refused == rows {
                    // It lies in the store, not in one of the items.
                    return Err(error.into());
                }
                park(job, &one[0].0, &error).await?;
                tally.parked += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tally)
}

async fn request(job: &Job, writes: &[(Source, BulkWrite)]) -> Result<f64, ReplayError> {
    let estimate: f64 = writes.iter().map(|(_, write)| write.write_units()).sum();
    job.spend(estimate).await?;
    let written = job.patiently(|| async {
        {
            let all = writes.iter().map(|(_, write)| write);
            job.bulk.write(all).await.map_err(failed)
        }
    });
    let written = written.await.inspect_err(|_| job.bucket.settle(estimate, 0.0))?;
    job.bucket.settle(estimate, written.units);
    let (mut units, mut left, mut attempt) = (written.units, written.left, 0);
    while !left.is_empty() {
        // The store takes as much as it can; pressing it for the rest would take it from others.
        attempt += 1;
        job.runtime.sleep(crate::options::backoff(attempt.min(8))).await;
        job.check()?;
        let again = job.bulk.write_left(left).await;
        let again = match again {
            Ok(again) => again,
            // What was left is lost from sight; the whole request is made again from the last place that was written down.
            Err(error @ Error::Unavailable(_)) => return Err(ReplayError::Store(failed(error))),
            Err(error) => return Err(error.into()),
        };
        job.bucket.settle(0.0, again.units);
        (units, left) = (units + again.units, again.left);
    }
    Ok(units)
}
