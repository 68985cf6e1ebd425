//! The adapter for InfluxDB, by the line protocol and InfluxQL: one database for each generation. The server keeps points and no rollups, and
//! aggregates when it is asked. What differs from the embedded adapter is in the README.

mod client;
mod lines;
mod names;
mod read;
mod versions;

pub use client::Access;

use crate::{Answer, Error, MetricStore, PointWrite, Query, SeriesInfo, Written, store::check_finite};
use async_trait::async_trait;
use client::Server;
use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use lines::{batch, is_callers, line};
use names::{NAME, of_tenant, quote, read_series, read_tag};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, OnceCell};

/// Lines of a request, as InfluxData advises.
const LINES: usize = 5_000;

/// A database of a server.
#[derive(Clone)]
pub struct InfluxStore(Arc<Inner>);

struct Inner {
    server: Server,
    keep: Option<Duration>,
    runtime: Runtime,
    /// Between reading versions and writing, nobody else of this process writes points that have some.
    correcting: Mutex<()>,
    /// Whether the database is there, if it is this store's to make.
    made: Option<OnceCell<()>>,
}

impl std::fmt::Debug for InfluxStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InfluxStore({})", self.0.server.database())
    }
}

impl InfluxStore {
    /// A database of the server at `endpoint`, such as `https://influx.example:8086`. Nothing is sent. Points are kept for `keep`, without it
    /// for ever; the database has to keep them as long.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no client can be made.
    pub fn new(
        endpoint: &str,
        database: &str,
        access: Access,
        keep: Option<Duration>,
        runtime: Runtime,
    ) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            server: Server::new(endpoint, database, access)?,
            keep,
            runtime,
            correcting: Mutex::default(),
            made: None,
        })))
    }

    /// The same store, not shared yet, which [makes](Self::create) its database when it is first used.
    #[must_use]
    pub fn made_when_used(self) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner {
                made: Some(OnceCell::new()),
                ..inner
            })),
            Err(shared) => Self(shared),
        }
    }

    async fn ready(&self) -> Result<(), Error> {
        match &self.0.made {
            Some(made) => made.get_or_try_init(|| self.create()).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Makes the database, unless it is there. InfluxDB 1 alone has a statement for it; elsewhere whoever runs the server makes it.
    ///
    /// # Errors
    /// As classified.
    pub async fn create(&self) -> Result<(), Error> {
        let database = quote(self.0.server.database(), NAME);
        let keep = self.0.keep.map(|keep| format!(" WITH DURATION {}s", keep.as_secs()));
        self.run(&format!("CREATE DATABASE {database}{}", keep.unwrap_or_default()))
            .await
    }

    /// Drops the database, if it is there, with all points.
    ///
    /// # Errors
    /// As classified.
    pub async fn remove(&self) -> Result<(), Error> {
        self.run(&format!("DROP DATABASE {}", quote(self.0.server.database(), NAME)))
            .await
    }

    /// Asks whether the server answers and lets us in.
    ///
    /// # Errors
    /// As classified.
    pub async fn reach(&self) -> Result<(), Error> {
        self.run("SHOW DATABASES").await
    }

    async fn run(&self, statement: &str) -> Result<(), Error> {
        let mut answers = self.0.server.ask(statement).await?;
        while answers.next().await?.is_some() {}
        Ok(())
    }

    /// Since when points are kept, if not for ever. Questions go by it; what is too old to be written is the server's to say, so that a clock
    /// that is wrong here loses nothing.
    fn since(&self) -> Option<Timestamp> {
        let keep = i64::try_from(self.0.keep?.as_nanos()).unwrap_or(i64::MAX);
        Some(Timestamp::from_nanos(self.0.runtime.now().nanos().saturating_sub(keep)))
    }
}

#[async_trait]
impl MetricStore for InfluxStore {
    async fn write(&self, writes: Vec<PointWrite>) -> Result<Written, Error> {
        check_finite(&writes)?;
        self.ready().await?;
        let mut batch = batch(&writes);
        let _correcting = match batch.points.keys().any(is_callers) {
            true => {
                let correcting = self.0.correcting.lock().await;
                versions::leave_out_superseded(&self.0.server, &mut batch).await?;
                Some(correcting)
            }
            false => None,
        };
        let lines: Vec<String> = batch.points.iter().map(|(key, said)| line(key, *said)).collect();
        let (mut too_late, mut refused) = (0, 0);
        for lines in lines.chunks(LINES) {
            let dropped = self.0.server.write(lines.concat()).await?;
            too_late += dropped.too_late;
            refused += dropped.refused;
        }
        Ok(Written {
            kept: batch.kept.saturating_sub(too_late + refused),
            superseded: batch.superseded,
            too_late: batch.too_late + too_late,
            refused,
        })
    }

    async fn query(&self, scope: &TenantScope, query: &Query) -> Result<Answer, Error> {
        match self.since() {
            Some(since) if query.from < since.min(query.to) => return Err(Error::PointsGone { since }),
            _ => {}
        }
        self.ready().await?;
        read::query(&self.0.server, scope.tenant(), query).await
    }

    async fn series(&self, scope: &TenantScope) -> Result<Vec<SeriesInfo>, Error> {
        self.ready().await?;
        // A tenant's id is letters, digits and hyphens, which mean themselves here.
        let statement = format!("SHOW TAG KEYS FROM /^{}/", of_tenant(scope.tenant()));
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut answers = self.0.server.ask(&statement).await?;
        while let Some(some) = answers.next().await? {
            for (_, rows) in some {
                if let Some(series) = read_series(scope.tenant(), &rows.name) {
                    let tags = rows.values.iter().filter_map(|row| read_tag(row.first()?.as_str()?));
                    all.entry(series).or_default().extend(tags);
                }
            }
        }
        let info = |(name, dimensions)| SeriesInfo { name, dimensions };
        Ok(all.into_iter().map(info).collect())
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    async fn commit(&self, _: Value) -> Result<(), Error> {
        Ok(())
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        Ok(None)
    }
}
