//! The adapter for Amazon Timestream for LiveAnalytics: one table for each generation, with the tenant as partition key. The service keeps
//! points and aggregates when it is asked. What differs from the embedded adapter is in the README.
//!
//! A record has the dimensions `tenant`, `series`, `writer` and `dimensions`, the measure `value`, the point's time and its version. A point's own
//! dimensions are one text of JSON: a table has at most 128 dimensions, and tenants choose as many names as they like.

mod access;
mod failures;
mod names;
mod read;
mod sql;
mod write;

pub use access::TimestreamConfig;

use crate::{Answer, Error, MetricStore, PointWrite, Query, SeriesInfo, Written, bins::Collector, store::check_finite};
use access::Clients;
use async_trait::async_trait;
use aws_sdk_timestreamwrite::types::{
    MagneticStoreWriteProperties, PartitionKey, PartitionKeyEnforcementLevel, PartitionKeyType, RetentionProperties,
    Schema,
};
use failures::{failed, is};
use headwater_dynamodb::AwsParts;
use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// How long points stay where late ones are taken at once. Older ones go to the magnetic store.
const MEMORY_HOURS: i64 = 24;

/// The tables of one database. Cheap to clone.
#[derive(Clone)]
pub struct Timestream(Arc<Shared>);

struct Shared {
    config: TimestreamConfig,
    parts: AwsParts,
    runtime: Runtime,
    clients: OnceCell<Clients>,
}

impl std::fmt::Debug for Timestream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Timestream({})", self.0.config.database)
    }
}

impl Timestream {
    /// A database, with this process's credentials. Nothing is asked of it yet.
    pub async fn new(config: TimestreamConfig, runtime: &Runtime) -> Self {
        let parts = AwsParts::load(&config.region, runtime, None).await;
        Self::with_parts(config, parts, runtime)
    }

    /// A database, reached by these parts. Nothing is asked of it yet.
    pub fn with_parts(config: TimestreamConfig, parts: AwsParts, runtime: &Runtime) -> Self {
        Self(Arc::new(Shared {
            config,
            parts,
            runtime: runtime.clone(),
            clients: OnceCell::new(),
        }))
    }

    /// The store of a generation, whose table is made when it is first used.
    pub fn store(&self, generation: u32) -> TimestreamStore {
        TimestreamStore(Arc::new(Table {
            name: self.table(generation),
            of: self.clone(),
            made: OnceCell::new(),
        }))
    }

    /// Drops the table of a generation, if it is there.
    ///
    /// # Errors
    /// As classified.
    pub async fn remove(&self, generation: u32) -> Result<(), Error> {
        let table = self.table(generation);
        let asked = self.clients().await?.write.delete_table();
        let asked = asked
            .database_name(&self.0.config.database)
            .table_name(&table)
            .send()
            .await;
        match asked {
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(()),
            asked => asked.map(|_| ()).map_err(|error| failed("dropping a table", error)),
        }
    }

    /// Asks whether the database is there, and lets us in.
    ///
    /// # Errors
    /// As classified.
    pub async fn check(&self) -> Result<(), Error> {
        let asked = self.clients().await?.write.describe_database();
        let asked = asked.database_name(&self.0.config.database).send().await;
        asked
            .map(|_| ())
            .map_err(|error| failed("asking for the database", error))
    }

    fn table(&self, generation: u32) -> String {
        format!("{}metrics-{generation}", self.0.config.table_prefix)
    }

    async fn clients(&self) -> Result<&Clients, Error> {
        let Shared {
            config,
            parts,
            runtime,
            clients,
        } = &*self.0;
        clients.get_or_try_init(|| Clients::open(config, parts, runtime)).await
    }

    /// Since when points are kept. Questions go by it; what is too old to be written is the service's to say.
    fn since(&self) -> Timestamp {
        let kept = Duration::from_secs(self.0.config.keep_days.into()) * 86_400;
        let kept = i64::try_from(kept.as_nanos()).unwrap_or(i64::MAX);
        Timestamp::from_nanos(self.0.runtime.now().nanos().saturating_sub(kept))
    }
}

/// A table.
#[derive(Clone)]
pub struct TimestreamStore(Arc<Table>);

struct Table {
    of: Timestream,
    name: String,
    made: OnceCell<()>,
}

impl std::fmt::Debug for TimestreamStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TimestreamStore({})", self.0.name)
    }
}

impl TimestreamStore {
    fn database(&self) -> &str {
        &self.0.of.0.config.database
    }

    /// Makes the table, unless it is there.
    async fn ready(&self) -> Result<&Clients, Error> {
        let clients = self.0.of.clients().await?;
        self.0.made.get_or_try_init(|| self.make(clients)).await?;
        Ok(clients)
    }

    async fn make(&self, clients: &Clients) -> Result<(), Error> {
        let key = PartitionKey::builder()
            .r#type(PartitionKeyType::Dimension)
            .name(sql::TENANT)
            .enforcement_in_record(PartitionKeyEnforcementLevel::Required)
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let keep = RetentionProperties::builder()
            .memory_store_retention_period_in_hours(MEMORY_HOURS)
            .magnetic_store_retention_period_in_days(self.0.of.0.config.keep_days.into())
            .build();
        let keep = keep.map_err(|error| Error::Unavailable(error.to_string()))?;
        let late = MagneticStoreWriteProperties::builder()
            .enable_magnetic_store_writes(true)
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let asked = clients
            .write
            .create_table()
            .database_name(self.database())
            .table_name(&self.0.name)
            .retention_properties(keep)
            .magnetic_store_write_properties(late)
            .schema(Schema::builder().composite_partition_key(key).build())
            .send()
            .await;
        match asked {
            Err(error) if is(&error, "ConflictException") => Ok(()),
            asked => asked.map(|_| ()).map_err(|error| failed("making a table", error)),
        }
    }
}

#[async_trait]
impl MetricStore for TimestreamStore {
    async fn write(&self, writes: Vec<PointWrite>) -> Result<Written, Error> {
        check_finite(&writes)?;
        let clients = self.ready().await?;
        write::write(&clients.write, self.database(), &self.0.name, &writes).await
    }

    async fn query(&self, scope: &TenantScope, query: &Query) -> Result<Answer, Error> {
        // What no answer can hold is said first.
        Collector::new(query)?;
        let since = self.0.of.since();
        if query.from < since.min(query.to) {
            return Err(Error::PointsGone { since });
        }
        let clients = self.ready().await?;
        let table = sql::table(self.database(), &self.0.name);
        read::query(&clients.query, &table, scope.tenant(), query).await
    }

    async fn series(&self, scope: &TenantScope) -> Result<Vec<SeriesInfo>, Error> {
        let clients = self.ready().await?;
        let table = sql::table(self.database(), &self.0.name);
        read::series(&clients.query, &table, scope.tenant()).await
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
