//! The tenant directory: which tenants there are, where their data lives, whether they are active. It holds no personal data.
//!
//! The table `tenants` has one item per tenant, `PK = TENANT#<tenant>`, and [`LISTS`] items `PK = LIST#<n>` whose `members` name the
//! tenants, so that listing them takes one batch read and never a scan.

use crate::{OperatorScope, Role, TenantScope};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem, Update};
use headwater_dynamodb::{AccessPattern, Database, TableDefinition, tables};
use headwater_kernel::{Region, TenantId, Timestamp, key};
use headwater_runtime::Runtime;
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Over how many items the list of tenants is spread: at 400 KB an item, room for a million tenants, and one batch read.
const LISTS: u32 = 64;

/// How long an answer is believed.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// How long it is believed that a tenant does not exist: short, so that a new one can be used at once.
const UNKNOWN_FOR: Duration = Duration::from_millis(500);

/// One tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Where its data lives.
    pub region: Region,
    /// Whether it may be used.
    pub state: TenantState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a tenant may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TenantState {
    /// Reads and writes.
    Active,
    /// Reads only.
    Suspended,
}

impl TenantState {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// Why the directory did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The tenant exists in another region; data does not move by creating it again.
    #[error("the tenant {tenant} exists already, in region {region}")]
    Exists {
        /// Which.
        tenant: TenantId,
        /// Where its data lives.
        region: Region,
    },
    /// No such tenant.
    #[error("there is no tenant {0}; make it with `headwater tenant create {0} --region us|eu`")]
    Unknown(TenantId),
    /// An item is not as this build writes it.
    #[error("the directory's item of {0} cannot be read; it was written by another version")]
    Unreadable(String),
    /// The store did not answer. Worth a retry.
    #[error("the tenant directory's table did not answer")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The directory, with a cache of seconds. Cheap to clone.
#[derive(Clone)]
pub struct TenantDirectory(Arc<Inner>);

impl std::fmt::Debug for TenantDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TenantDirectory")
    }
}

struct Inner {
    source: Source,
    runtime: Runtime,
    cache: Mutex<HashMap<TenantId, (Duration, Option<Tenant>)>>,
}

enum Source {
    Table(Database),
    Fixed(HashMap<TenantId, Region>),
}

/// The definition of the directory's table.
pub fn tenants_table() -> TableDefinition {
    tables::tenants_table()
}

impl TenantDirectory {
    /// The directory in the table `tenants` of `database`.
    pub fn new(database: Database, runtime: Runtime) -> Self {
        Self::of(Source::Table(database), runtime)
    }

    /// A directory that never changes: for tests, and for installations whose tenants are configuration.
    pub fn fixed(tenants: impl IntoIterator<Item = (TenantId, Region)>, runtime: Runtime) -> Self {
        Self::of(Source::Fixed(tenants.into_iter().collect()), runtime)
    }

    fn of(source: Source, runtime: Runtime) -> Self {
        Self(Arc::new(Inner {
            source,
            runtime,
            cache: Mutex::default(),
        }))
    }

    /// Looks a tenant up.
    ///
    /// # Errors
    /// [`DirectoryError::Store`] or [`DirectoryError::Unreadable`].
    pub async fn find(&self, id: &TenantId) -> Result<Option<Tenant>, DirectoryError> {
        let database = match &self.0.source {
            Source::Fixed(tenants) => {
                return Ok(tenants.get(id).map(|region| Tenant {
                    id: id.clone(),
                    region: *region,
                    state: TenantState::Active,
                    created_at: Timestamp::default(),
                }));
            }
            Source::Table(database) => database,
        };
        let now = self.0.runtime.monotonic();
        if let Some((until, known)) = self.cache().get(id)
            && now < *until
        {
            return Ok(known.clone());
        }
        let answer = database
            .client()
            .get_item()
            .table_name(database.table("tenants"))
            .key("PK", AttributeValue::S(key::tenant(id)))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::of("tenancy.find", id))
            .send()
            .await
            .map_err(|error| DirectoryError::Store(error.into()))?;
        let tenant = answer.item().map(|item| read(id, item)).transpose()?;
        let keep = if tenant.is_some() { KNOWN_FOR } else { UNKNOWN_FOR };
        self.remember(id.clone(), tenant.clone(), now + keep);
        Ok(tenant)
    }

    /// Makes a tenant. Making the same one again changes nothing.
    ///
    /// # Errors
    /// [`DirectoryError::Exists`] when it exists in another region.
    pub async fn create(&self, _by: &OperatorScope, id: &TenantId, region: Region) -> Result<Tenant, DirectoryError> {
        let Source::Table(database) = &self.0.source else {
            return Err(DirectoryError::Unreadable("a fixed directory".into()));
        };
        let tenant = Tenant {
            id: id.clone(),
            region,
            state: TenantState::Active,
            created_at: self.0.runtime.now(),
        };
        let table = database.table("tenants");
        let failed = |error: aws_sdk_dynamodb::error::BuildError| DirectoryError::Store(error.into());
        let put = Put::builder()
            .table_name(&table)
            .item("PK", AttributeValue::S(key::tenant(id)))
            .item("region", AttributeValue::S(region.as_str().into()))
            .item("state", AttributeValue::S(tenant.state.as_str().into()))
            .item("created_at", AttributeValue::N(tenant.created_at.nanos().to_string()))
            .condition_expression("attribute_not_exists(PK)")
            .build()
            .map_err(failed)?;
        let list = Update::builder()
            .table_name(&table)
            .key("PK", AttributeValue::S(list_of(id)))
            .update_expression("ADD members :m")
            .expression_attribute_values(":m", AttributeValue::Ss(vec![id.as_str().to_owned()]))
            .build()
            .map_err(failed)?;
        let sent = database
            .client()
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().update(list).build())
            .customize()
            .interceptor(AccessPattern::of("tenancy.create", id))
            .send()
            .await;
        self.cache().remove(id);
        match sent {
            Ok(_) => Ok(tenant),
            Err(error) => match self.find(id).await? {
                Some(existing) if existing.region == region => Ok(existing),
                Some(existing) => Err(DirectoryError::Exists {
                    tenant: id.clone(),
                    region: existing.region,
                }),
                None => Err(DirectoryError::Store(error.into())),
            },
        }
    }

    /// Suspends a tenant or lets it work again. This process knows at once, others within the cache's five seconds.
    ///
    /// # Errors
    /// [`DirectoryError::Unknown`] when there is no such tenant.
    pub async fn set_state(
        &self,
        _by: &OperatorScope,
        id: &TenantId,
        state: TenantState,
    ) -> Result<Tenant, DirectoryError> {
        let Source::Table(database) = &self.0.source else {
            return Err(DirectoryError::Unreadable("a fixed directory".into()));
        };
        let sent = database
            .client()
            .update_item()
            .table_name(database.table("tenants"))
            .key("PK", AttributeValue::S(key::tenant(id)))
            .update_expression("SET #state = :state")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", AttributeValue::S(state.as_str().into()))
            .customize()
            .interceptor(AccessPattern::of("tenancy.set-state", id))
            .send()
            .await;
        // Also when its answer was lost.
        self.cache().remove(id);
        let unknown = || DirectoryError::Unknown(id.clone());
        sent.map_err(|error| match error.as_service_error() {
            Some(service) if service.is_conditional_check_failed_exception() => unknown(),
            _ => DirectoryError::Store(error.into()),
        })?;
        self.find(id).await?.ok_or_else(unknown)
    }

    /// All tenants, by id.
    ///
    /// # Errors
    /// [`DirectoryError::Store`].
    pub async fn list(&self, _by: &OperatorScope) -> Result<Vec<Tenant>, DirectoryError> {
        let mut ids = match &self.0.source {
            Source::Fixed(tenants) => tenants.keys().cloned().collect::<Vec<_>>(),
            Source::Table(database) => members(database).await?,
        };
        ids.sort();
        let mut tenants = Vec::with_capacity(ids.len());
        for id in ids {
            tenants.extend(self.find(&id).await?);
        }
        Ok(tenants)
    }

    /// The scope of a tenant for an operator, who acts within it as an owner would, under the operator's own name.
    ///
    /// # Errors
    /// [`DirectoryError::Unknown`] when there is no such tenant.
    pub async fn scope(&self, by: &OperatorScope, id: &TenantId) -> Result<TenantScope, DirectoryError> {
        let tenant = self
            .find(id)
            .await?
            .ok_or_else(|| DirectoryError::Unknown(id.clone()))?;
        Ok(TenantScope::new(
            tenant.id,
            tenant.region,
            by.actor().clone(),
            vec![Role::Owner],
            tenant.state,
        ))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, (Duration, Option<Tenant>)>> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bounded: names come from verified tokens alone, and the map starts over when it grows past what an installation has.
    fn remember(&self, id: TenantId, tenant: Option<Tenant>, until: Duration) {
        let mut cache = self.cache();
        if cache.len() >= 100_000 {
            cache.clear();
        }
        cache.insert(id, (until, tenant));
    }
}

fn list_of(id: &TenantId) -> String {
    let sum = id
        .as_str()
        .bytes()
        .fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("LIST#{}", sum % LISTS)
}

async fn members(database: &Database) -> Result<Vec<TenantId>, DirectoryError> {
    let table = database.table("tenants");
    let mut wanted: Vec<_> = (0..LISTS)
        .map(|n| HashMap::from([("PK".to_owned(), AttributeValue::S(format!("LIST#{n}")))]))
        .collect();
    let mut ids = Vec::new();
    while !wanted.is_empty() {
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(wanted))
            .consistent_read(true)
            .build()
            .map_err(|error| DirectoryError::Store(error.into()))?;
        let answer = database
            .client()
            .batch_get_item()
            .request_items(&table, keys)
            .customize()
            .interceptor(AccessPattern::system("tenancy.list"))
            .send()
            .await
            .map_err(|error| DirectoryError::Store(error.into()))?;
        for item in answer.responses().and_then(|all| all.get(&table)).into_iter().flatten() {
            for member in item.get("members").and_then(|m| m.as_ss().ok()).into_iter().flatten() {
                ids.push(TenantId::new(member).map_err(|_| DirectoryError::Unreadable(member.clone()))?);
            }
        }
        let rest = answer.unprocessed_keys.and_then(|mut keys| keys.remove(&table));
        wanted = rest.map(|rest| rest.keys).unwrap_or_default();
    }
    Ok(ids)
}

fn read(id: &TenantId, item: &HashMap<String, AttributeValue>) -> Result<Tenant, DirectoryError> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let read = || {
        Some(Tenant {
            id: id.clone(),
            region: text("region")?.parse().ok()?,
            state: if text("state")? == TenantState::Active.as_str() {
                TenantState::Active
            } else {
                TenantState::Suspended
            },
            created_at: Timestamp::from_nanos(item.get("created_at")?.as_n().ok()?.parse().ok()?),
        })
    };
    read().ok_or_else(|| DirectoryError::Unreadable(key::tenant(id)))
}
