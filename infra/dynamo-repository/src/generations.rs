//! Which generation of a projection is live, per tenant.
//!
//! `PK = TENANT#<t>#~projections`, `SK = <projection>`, `generation` (N), in the table of the rows, for a tenant that has one of its own; else
//! the default of the projection, which is in the table `checkpoints` ([`crate::GenerationRegister`]); else generation 1. Readers believe an
//! answer for some seconds; an old generation outlives that.

use crate::{Error, attributes::number, attributes::text, registry::PARTITION};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use headwater_dynamodb::{AccessPattern, Database, transaction_reasons};
use headwater_kernel::{TenantId, key};
use headwater_runtime::Runtime;
use headwater_tenancy::{TenantScope, WorkerAuthority};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long an answer is believed.
pub(crate) const BELIEVED: Duration = Duration::from_secs(5);

/// How many answers are kept before the cache starts over.
const KEPT: usize = 100_000;

/// The directory of live generations in one views table. Cheap to clone.
#[derive(Clone)]
pub struct Generations(Arc<Inner>);

type Known = HashMap<(TenantId, &'static str, &'static str), (Duration, u32)>;

struct Inner {
    database: Database,
    runtime: Runtime,
    known: Mutex<Known>,
    defaults: Mutex<HashMap<&'static str, (Duration, u32)>>,
}

impl std::fmt::Debug for Generations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Generations")
    }
}

fn own_key(partition_key: &str) -> AttributeValue {
    text(format!("{partition_key}#~projections"))
}

impl Generations {
    /// How long an answer is believed: a generation must outlive its last day by more than this.
    pub const BELIEVED: Duration = BELIEVED;

    /// For the views tables of `database`.
    pub fn new(database: Database, runtime: Runtime) -> Self {
        Self(Arc::new(Inner {
            database,
            runtime,
            known: Mutex::default(),
            defaults: Mutex::default(),
        }))
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what is believed, so that this process sees a switch at once.
    pub fn forget(&self) {
        self.known().clear();
        let mut defaults = self.0.defaults.lock().unwrap_or_else(PoisonError::into_inner);
        defaults.clear();
    }

    async fn generation_of(
        &self,
        table: &str,
        pk: AttributeValue,
        projection: &str,
        pattern: AccessPattern,
    ) -> Result<Option<u32>, Error> {
        let answer = self
            .0
            .database
            .client()
            .get_item()
            .table_name(self.0.database.table(table))
            .key("PK", pk)
            .key("SK", text(projection))
            .customize()
            .interceptor(pattern)
            .send()
            .await
            .map_err(Error::of)?;
        Ok(answer
            .item()
            .and_then(|item| item.get("generation")?.as_n().ok()?.parse().ok()))
    }

    async fn default_of(&self, projection: &'static str) -> Result<u32, Error> {
        let now = self.0.runtime.monotonic();
        {
            let defaults = self.0.defaults.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((until, generation)) = defaults.get(projection)
                && now < *until
            {
                return Ok(*generation);
            }
        }
        let pattern = AccessPattern::system("generations.default");
        let found = self
            .generation_of("checkpoints", text(PARTITION), projection, pattern)
            .await?;
        let generation = found.unwrap_or(1);
        let mut defaults = self.0.defaults.lock().unwrap_or_else(PoisonError::into_inner);
        defaults.insert(projection, (now + BELIEVED, generation));
        Ok(generation)
    }

    /// The live generation of a projection whose rows are in `table`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn live(&self, scope: &TenantScope, table: &'static str, projection: &'static str) -> Result<u32, Error> {
        let now = self.0.runtime.monotonic();
        let key = (scope.tenant().clone(), table, projection);
        if let Some((until, generation)) = self.known().get(&key)
            && now < *until
        {
            return Ok(*generation);
        }
        let pattern = AccessPattern::of("generations.live", scope.tenant());
        let own = self.generation_of(table, own_key(&scope.partition_key()), projection, pattern);
        let generation = match own.await? {
            Some(own) => own,
            None => self.default_of(projection).await?,
        };
        let mut known = self.known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, (now + BELIEVED, generation));
        Ok(generation)
    }

    /// Gives a tenant a live generation of its own in all `tables` of a projection at once, or with `None` takes it away, so that the
    /// default is live. Only the register may ask for it: it has to know of every tenant that has one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn set_own(
        &self,
        _authority: &WorkerAuthority,
        tenant: &TenantId,
        tables: &[&'static str],
        projection: &'static str,
        to: Option<u32>,
    ) -> Result<(), Error> {
        let pk = own_key(&key::tenant(tenant));
        let mut items = Vec::with_capacity(tables.len());
        for table in tables {
            let table = self.0.database.table(table);
            let item = match to {
                Some(to) => TransactWriteItem::builder().put(
                    Put::builder()
                        .table_name(table)
                        .item("PK", pk.clone())
                        .item("SK", text(projection))
                        .item("generation", number(to))
                        .build()
                        .map_err(|error| Error::Refused(error.into()))?,
                ),
                None => TransactWriteItem::builder().delete(
                    Delete::builder()
                        .table_name(table)
                        .key("PK", pk.clone())
                        .key("SK", text(projection))
                        .build()
                        .map_err(|error| Error::Refused(error.into()))?,
                ),
            };
            items.push(item.build());
        }
        let sent = self
            .0
            .database
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .customize()
            .interceptor(AccessPattern::of("generations.own", tenant))
            .send()
            .await;
        self.forget();
        sent.map(drop).map_err(|error| match transaction_reasons(&error) {
            // Two at once; nothing here has a condition.
            Some(_) => Error::Unavailable(error.into()),
            None => Error::of(error),
        })
    }
}
