//! Writing the audit log: from the feeds of all tenants to objects, and from objects to digests.

use crate::{
    Error, Hour, Line, chain,
    digest::{self, AuditKey, Digest},
    ledger::{Head, Ledger, MOST_TAKES, Planned, Take},
    line, object,
};
use headwater_dynamodb::Database;
use headwater_event_log::EventLog;
use headwater_kernel::Region;
use headwater_objects::{ObjectStore, Put};
use headwater_runtime::Runtime;
use headwater_tenancy::{OperatorScope, TenantDirectory, TenantScope};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, watch};

/// How many commits an object holds, about: it is held in memory while it is made.
const COMMITS: usize = 5_000;
/// Batches of one feed that are read at a time.
const BATCHES: i32 = 50;

/// What is written down, and by whom.
#[derive(Clone)]
pub struct Sources {
    /// The event log with its feeds.
    pub log: EventLog,
    /// Which tenants there are.
    pub tenants: TenantDirectory,
    /// Who acts.
    pub operator: OperatorScope,
    /// All contexts.
    pub contexts: Vec<String>,
    /// The region whose tenants are written down here, and no others.
    pub region: Region,
    /// The durable tables, for the ledger.
    pub database: Database,
}

/// The audit log of a region. Any number of workers may write it; what they write is the same.
#[derive(Clone)]
pub struct AuditLog(Arc<Inner>);

struct Inner {
    sources: Sources,
    ledger: Ledger,
    objects: Arc<dyn ObjectStore>,
    /// Where the copy of the running digest is kept.
    outside: Arc<dyn ObjectStore>,
    key: AuditKey,
    runtime: Runtime,
    /// The running digest as it was written last; held while something is written.
    last: Mutex<Option<Vec<u8>>>,
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuditLog({})", self.0.sources.region.as_str())
    }
}

impl AuditLog {
    /// Objects and digests go to `objects`; a copy of the running digest to `outside`, which whoever may change the objects should not reach.
    pub fn new(
        sources: Sources,
        objects: Arc<dyn ObjectStore>,
        outside: Arc<dyn ObjectStore>,
        key: AuditKey,
        runtime: Runtime,
    ) -> Self {
        let ledger = Ledger::new(sources.database.clone(), sources.region.as_str());
        Self(Arc::new(Inner {
            sources,
            ledger,
            objects,
            outside,
            key,
            runtime,
            last: Mutex::default(),
        }))
    }

    /// Writes what is new every `pace`, until `stop` says so; what fails is tried again, and said once.
    pub async fn run(&self, pace: Duration, mut stop: watch::Receiver<bool>) {
        let mut failing = false;
        while !*stop.borrow() {
            match self.round().await {
                Ok(_) if failing => {
                    failing = false;
                    tracing::info!("the audit log is written again");
                }
                Ok(_) => {}
                Err(error) => {
                    if !failing {
                        let error = error.to_string();
                        tracing::error!(error, "the audit log waits; nothing is lost, and it catches up");
                    }
                    failing = true;
                }
            }
            tokio::select! {
                () = self.0.runtime.sleep(pace) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Writes all that is in the feeds now, and the digests of the hours that are over. Gives the number of objects written.
    ///
    /// # Errors
    /// [`Error`]; what was written stays, and the next round goes on.
    pub async fn round(&self) -> Result<usize, Error> {
        let this = &*self.0;
        let mut last = this.last.lock().await;
        let now = Hour::of(this.runtime.now());
        this.ledger.begin(now).await?;
        let mut written = 0;
        loop {
            let head = this.head().await?;
            written += this.write_planned(&head, &mut last).await?;
            if head.hour < now {
                this.ledger.leave_hour(&head).await?;
                continue;
            }
            if this.close_hours(&head).await? {
                continue;
            }
            let takes = this.news().await?;
            if takes.is_empty() {
                this.write_running(&head, &mut last).await?;
                return Ok(written);
            }
            this.ledger.take(&head, head.hour.max(now), &takes).await?;
        }
    }
}

impl Inner {
    fn region(&self) -> &'static str {
        self.sources.region.as_str()
    }

    async fn head(&self) -> Result<Head, Error> {
        let head = self.ledger.head().await?;
        head.ok_or_else(|| Error::altered("the ledger's head", "it is gone"))
    }

    /// Writes the objects that the ledger has and the store may not have yet.
    async fn write_planned(&self, head: &Head, last: &mut Option<Vec<u8>>) -> Result<usize, Error> {
        let planned = self.ledger.planned().await?;
        if planned.iter().all(|one| one.entry.is_some()) {
            return Ok(0);
        }
        // First it is said that they are coming, so that whoever looks in between takes them for no strangers.
        self.write_running(head, last).await?;
        let mut written = 0;
        for one in planned.iter().filter(|one| one.entry.is_none()) {
            self.write_object(one).await?;
            written += 1;
        }
        Ok(written)
    }

    async fn write_object(&self, planned: &Planned) -> Result<(), Error> {
        let name = object::name(self.region(), planned.hour, planned.number);
        let mut lines = Vec::new();
        for take in &planned.takes {
            lines.extend(self.lines(take).await?);
        }
        let unwritable = |error: std::io::Error| {
            Error::from(headwater_objects::Error::unavailable(format!("writing {name}"), error))
        };
        let mut bytes = object::bytes(&lines).map_err(unwritable)?;
        if self.objects.put_new(&name, bytes.clone().into()).await? == Put::Taken {
            let there = self.objects.get(&name).await?.unwrap_or_default();
            // Another build may compress otherwise; the lines are what counts.
            if there != bytes && object::text(&name, &there)? != object::text(&name, &bytes)? {
                return Err(Error::altered(name, "it is there and has other lines than the log"));
            }
            bytes = there.to_vec();
        }
        let entry = object::entry(&name, &bytes, &lines);
        self.ledger.written(planned.number, &entry).await
    }

    async fn scope(&self, tenant: &headwater_kernel::TenantId) -> Result<TenantScope, Error> {
        let scope = self.sources.tenants.scope(&self.sources.operator, tenant);
        scope.await.map_err(Error::store)
    }

    /// The lines of some batches, as the log has them.
    async fn lines(&self, take: &Take) -> Result<Vec<Line>, Error> {
        let scope = self.scope(&take.tenant).await?;
        let log = &self.sources.log;
        let mut lines = Vec::new();
        let mut from = take.from;
        while from <= take.to {
            let most = i32::try_from(take.to - from + 1).unwrap_or(BATCHES).min(BATCHES);
            let batches = log
                .feed_batches(&scope, &take.context, from, most)
                .await
                .map_err(Error::store)?;
            let Some(end) = batches.last().map(|batch| batch.number + 1) else {
                let feed = format!("batch {from} of the feed of {} in {}", take.tenant, take.context);
                return Err(Error::altered(feed, "it is gone"));
            };
            for batch in batches {
                let commits = log
                    .resolve(&scope, &take.context, &batch.references)
                    .await
                    .map_err(Error::store)?;
                for (reference, commit) in batch.references.iter().zip(commits) {
                    match commit {
                        Some(commit) => lines.extend(line::of_commit(&commit)),
                        None => lines.push(line::gone(take, reference)),
                    }
                }
            }
            from = end;
        }
        Ok(lines)
    }

    /// What the feeds have that no object takes: enough for one object.
    async fn news(&self) -> Result<Vec<Take>, Error> {
        let Sources {
            log,
            tenants,
            operator,
            contexts,
            region,
            ..
        } = &self.sources;
        let (mut takes, mut commits) = (Vec::new(), 0);
        for tenant in tenants.list(operator).await.map_err(Error::store)? {
            if tenant.region != *region {
                continue;
            }
            let scope = self.scope(&tenant.id).await?;
            let taken = self.ledger.taken(&tenant.id, contexts).await?;
            for (context, taken) in contexts.iter().zip(taken) {
                let batches = log
                    .feed_batches(&scope, context, taken + 1, BATCHES)
                    .await
                    .map_err(Error::store)?;
                let Some(last) = batches.last() else { continue };
                commits += batches.iter().map(|batch| batch.references.len()).sum::<usize>();
                takes.push(Take {
                    tenant: tenant.id.clone(),
                    context: context.clone(),
                    from: taken + 1,
                    to: last.number,
                });
                if takes.len() >= MOST_TAKES || commits >= COMMITS {
                    return Ok(takes);
                }
            }
        }
        Ok(takes)
    }

    /// Writes the digest of the first hour that is left and has none. Whether there was one.
    async fn close_hours(&self, head: &Head) -> Result<bool, Error> {
        let hour = head.closed.as_ref().map_or(head.first, |(closed, _)| closed.next());
        if hour >= head.hour {
            return Ok(false);
        }
        let (old, planned): (Vec<_>, Vec<_>) = self
            .ledger
            .planned()
            .await?
            .into_iter()
            .partition(|one| one.hour < hour);
        // Of hours whose closing was cut short.
        self.ledger
            .forget(&old.iter().map(|one| one.number).collect::<Vec<_>>())
            .await?;
        let (of_hour, later): (Vec<_>, Vec<_>) = planned.into_iter().partition(|one| one.hour == hour);
        let next = of_hour.last().map(|one| one.number + 1);
        let digest = Digest {
            version: 1,
            region: self.region().to_owned(),
            hour,
            running: false,
            first: head.first,
            closed: head.closed.as_ref().map(|(hour, _)| *hour),
            previous: head.closed.as_ref().map(|(_, sha256)| sha256.clone()),
            next: next.or(later.first().map(|one| one.number)).unwrap_or(head.next),
            objects: entries(&of_hour)?,
            pending: Vec::new(),
        };
        let (name, bytes) = (digest::name(self.region(), hour), self.key.sign(&digest)?);
        if self.objects.put_new(&name, bytes.clone().into()).await? == Put::Taken {
            return Err(Error::altered(
                name,
                "it is there and says something else than the ledger",
            ));
        }
        let objects: Vec<u64> = of_hour.iter().map(|one| one.number).collect();
        self.ledger.close(head, hour, &object::sha256(&bytes), &objects).await?;
        Ok(true)
    }

    /// Writes the running digest and its copy, if it says something else than before.
    async fn write_running(&self, head: &Head, last: &mut Option<Vec<u8>>) -> Result<(), Error> {
        let closed = head.closed.as_ref().map(|(hour, _)| *hour);
        let planned = self.ledger.planned().await?;
        let open: Vec<Planned> = planned
            .into_iter()
            .filter(|one| closed.is_none_or(|closed| one.hour > closed))
            .collect();
        let (done, pending): (Vec<_>, Vec<_>) = open.into_iter().partition(|one| one.entry.is_some());
        let digest = Digest {
            version: 1,
            region: self.region().to_owned(),
            hour: head.hour,
            running: true,
            first: head.first,
            closed: head.closed.as_ref().map(|(hour, _)| *hour),
            previous: head.closed.as_ref().map(|(_, sha256)| sha256.clone()),
            next: head.next,
            objects: entries(&done)?,
            pending: pending.iter().map(|one| one.number).collect(),
        };
        let bytes = self.key.sign(&digest)?;
        if last.as_ref() == Some(&bytes) {
            return Ok(());
        }
        self.objects
            .put(&digest::running(self.region()), bytes.clone().into())
            .await?;
        self.outside
            .put(&chain::copy(self.region()), bytes.clone().into())
            .await?;
        *last = Some(bytes);
        Ok(())
    }
}

fn entries(planned: &[Planned]) -> Result<Vec<object::Entry>, Error> {
    let entry = |one: &Planned| {
        let missing = || Error::altered(format!("object {}", one.number), "it was not written");
        one.entry.clone().ok_or_else(missing)
    };
    planned.iter().map(entry).collect()
}
