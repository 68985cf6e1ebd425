//! Metric stores on servers: a database or table for each generation, made when it is first used.

use super::MetricStores;
use async_trait::async_trait;
use headwater_metrics::{
    Error, MetricStore,
    influx::{Access, InfluxStore},
    timestream::Timestream,
};
use headwater_runtime::Runtime;
use std::{sync::Arc, time::Duration};

/// Keeps metric stores in Timestream.
#[derive(Debug)]
pub struct TimestreamMetrics(pub Timestream);

#[async_trait]
impl MetricStores for TimestreamMetrics {
    fn open(&self, generation: u32) -> Result<Arc<dyn MetricStore>, Error> {
        Ok(Arc::new(self.0.store(generation)))
    }

    async fn remove(&self, generation: u32) -> Result<(), Error> {
        self.0.remove(generation).await
    }
}

/// Keeps metric stores on a server of InfluxDB.
pub struct InfluxMetrics {
    /// Where it is, such as `https://influx.internal:8086`.
    pub url: String,
    /// The databases are `<database>-<generation>`. InfluxDB 1 makes them when they are first used; elsewhere whoever runs the server does.
    pub database: String,
    /// How it lets us in.
    pub access: Access,
    /// How long points are kept.
    pub keep: Duration,
    /// Of the process.
    pub runtime: Runtime,
}

impl std::fmt::Debug for InfluxMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InfluxMetrics({})", self.database)
    }
}

impl InfluxMetrics {
    fn store(&self, generation: u32) -> Result<InfluxStore, Error> {
        let database = format!("{}-{generation}", self.database);
        let (access, runtime) = (self.access.clone(), self.runtime.clone());
        InfluxStore::new(&self.url, &database, access, Some(self.keep), runtime)
    }

    /// Asks whether the server answers and lets us in.
    ///
    /// # Errors
    /// As classified.
    pub async fn reach(&self) -> Result<(), Error> {
        self.store(1)?.reach().await
    }

    fn makes_databases(&self) -> bool {
        !matches!(self.access, Access::Token(_))
    }
}

#[async_trait]
impl MetricStores for InfluxMetrics {
    fn open(&self, generation: u32) -> Result<Arc<dyn MetricStore>, Error> {
        let store = self.store(generation)?;
        Ok(Arc::new(if self.makes_databases() {
            store.made_when_used()
        } else {
            store
        }))
    }

    async fn remove(&self, generation: u32) -> Result<(), Error> {
        match self.makes_databases() {
            true => self.store(generation)?.remove().await,
            false => {
                tracing::info!(
                    generation,
                    database = self.database,
                    "the database of a dropped generation can be removed by hand"
                );
                Ok(())
            }
        }
    }
}
