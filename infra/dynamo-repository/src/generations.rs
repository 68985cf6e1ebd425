//! Which generation of a projection is live, per tenant.
//!
//! `PK = TENANT#<t>#~projections`, `SK = <projection>`, `generation` (N). Readers believe an answer for some seconds; an old generation
//! outlives that. Where nothing is written, generation 1 is live.

use crate::{Error, attributes::number, attributes::text};
use headwater_dynamodb::{AccessPattern, Database};
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long an answer is believed.
const BELIEVED: Duration = Duration::from_secs(5);

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
}

impl std::fmt::Debug for Generations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Generations")
    }
}

impl Generations {
    /// For the views tables of `database`.
    pub fn new(database: Database, runtime: Runtime) -> Self {
        Self(Arc::new(Inner {
            database,
            runtime,
            known: Mutex::default(),
        }))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
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
        let answer = self
            .0
            .database
            .client()
            .get_item()
            .table_name(self.0.database.table(table))
            .key("PK", text(scope.partition_key() + "#~projections"))
            .key("SK", text(projection))
            .customize()
            .interceptor(AccessPattern::of("generations.live", scope.tenant()))
            .send()
            .await
            .map_err(Error::of)?;
        let generation = answer
            .item()
            .and_then(|item| item.get("generation")?.as_n().ok()?.parse().ok())
            .unwrap_or(1);
        let mut known = self.known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, (now + BELIEVED, generation));
        Ok(generation)
    }

    /// Makes generation `to` live, if `from` is live now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another generation is live.
    pub async fn switch(
        &self,
        scope: &TenantScope,
        table: &'static str,
        projection: &'static str,
        from: u32,
        to: u32,
    ) -> Result<(), Error> {
        let condition = if from == 1 {
            "attribute_not_exists(PK) OR generation = :from"
        } else {
            "generation = :from"
        };
        let switched = self
            .0
            .database
            .client()
            .put_item()
            .table_name(self.0.database.table(table))
            .item("PK", text(scope.partition_key() + "#~projections"))
            .item("SK", text(projection))
            .item("generation", number(to))
            .condition_expression(condition)
            .expression_attribute_values(":from", number(from))
            .customize()
            .interceptor(AccessPattern::of("generations.switch", scope.tenant()))
            .send()
            .await
            .map(drop)
            .map_err(Error::of);
        // Whatever was believed is no longer known, also when the switch was refused or its answer was lost.
        self.known().remove(&(scope.tenant().clone(), table, projection));
        switched
    }
}
