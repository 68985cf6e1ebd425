//! What holds data: tables, search index, keys, the data folder; and who may come in, which the tenants' table decides too.

use super::{Addresses, indexes, metric_stores, readiness::Readiness, tables};
use crate::{
    config::{Adapter, Auth, Config},
    data_folder::{DataFolder, Holder, read_key},
};
use anyhow::{Result, bail};
use headwater_dynamo_repository::{Generations, Repository};
use headwater_dynamodb::Databases;
use headwater_event_log::{EventLog, Options};
use headwater_projectors::{Indexes, Metrics};
use headwater_runtime::Runtime;
use headwater_tenancy::{Authenticator, OperatorScope, PublishedKeys, SealingKey, TenantDirectory};
use std::{sync::Arc, time::Duration};

/// The longest pause between two tries to reach a store at the start.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Gives the repository of a projection.
pub(crate) type Repositories = Arc<dyn Fn(&'static str) -> Repository + Send + Sync>;

/// All stores of a process.
pub(crate) struct Stores {
    pub(crate) databases: Databases,
    pub(crate) sealing: SealingKey,
    pub(crate) operator: OperatorScope,
    pub(crate) directory: TenantDirectory,
    pub(crate) authenticator: Authenticator,
    pub(crate) log: EventLog,
    pub(crate) repository: Repositories,
    /// Which generation of each projection is live.
    pub(crate) generations: Generations,
    pub(crate) indexes: Indexes,
    pub(crate) metrics: Metrics,
    /// Of the issuer, if it publishes them.
    published_keys: Option<Arc<PublishedKeys>>,
    runtime: Runtime,
    /// Held until the engines are closed.
    folder: Option<DataFolder>,
}

/// The key that all processes of the installation share.
fn sealing_key(config: &Config, folder: Option<&DataFolder>, runtime: &Runtime) -> Result<SealingKey> {
    match (&config.sealing_file, folder) {
        (Some(path), _) => Ok(SealingKey::new(read_key(path)?)),
        (None, Some(folder)) => folder.sealing_key(runtime),
        (None, None) => bail!("keys.sealing_file is missing"),
    }
}

impl Stores {
    /// Opens them. What is reached by a network is not asked for anything yet.
    pub(super) async fn open(config: &Config, runtime: &Runtime) -> Result<Self> {
        let folder = config.data.as_deref().map(DataFolder::open).transpose()?;
        let sealing = sealing_key(config, folder.as_ref(), runtime)?;
        let databases = match (&config.adapter, &folder) {
            (Adapter::Aws { config, .. }, _) => Databases::aws(config, runtime.clone()).await,
            (Adapter::Embedded, Some(folder)) => Databases::embedded(folder.path(), runtime.clone())?,
            (Adapter::Embedded, None) => bail!("the embedded engine needs a data folder"),
        };
        let directory = TenantDirectory::new(databases.durable.clone(), runtime.clone());
        let mut published_keys = None;
        let authenticator = match (&config.auth, &folder) {
            (Auth::PublicKeys(keys), _) => Authenticator::new(Arc::clone(keys), directory.clone(), runtime.clone()),
            (Auth::KeySet { place, issuer }, _) => {
                let keys = PublishedKeys::new(place.clone(), issuer.clone(), runtime.clone())?;
                let keys = Arc::clone(published_keys.insert(Arc::new(keys)));
                Authenticator::new(keys, directory.clone(), runtime.clone())
            }
            (Auth::DevelopmentKey, Some(folder)) => {
                Authenticator::new(Arc::new(folder.token_key(runtime)?), directory.clone(), runtime.clone())
            }
            (Auth::DevelopmentKey, None) => bail!("the development key lives in a data folder"),
        };
        let (durable, views) = (databases.durable.clone(), databases.rebuildable.clone());
        let log = EventLog::new(durable, sealing.clone(), Options::default(), runtime.clone());
        let generations = Generations::new(views.clone(), runtime.clone());
        let repository: Repositories = {
            let (sealing, generations) = (sealing.clone(), generations.clone());
            Arc::new(move |projection| Repository::new(views.clone(), projection, generations.clone(), sealing.clone()))
        };
        Ok(Self {
            operator: sealing.operator(),
            indexes: indexes::open(&config.search, &sealing, runtime).await?,
            metrics: metric_stores::open(&config.metric_store, runtime).await?,
            generations,
            databases,
            sealing,
            directory,
            authenticator,
            published_keys,
            log,
            repository,
            runtime: runtime.clone(),
            folder,
        })
    }

    /// Tables, the installation's key, tenants, the issuer's keys. While one of them cannot be reached it tries again and says so in
    /// `readiness`.
    pub(super) async fn prepare(&self, config: &Config, readiness: &Readiness) -> Result<()> {
        let mut pause = Duration::from_millis(100);
        loop {
            let (what, error) = match self.try_to_prepare(config).await {
                Ok(()) => match self.fetch_keys().await {
                    Ok(()) => return Ok(()),
                    Err(error) => ("the issuer's keys", error),
                },
                Err(error) if tables::may_pass(&error) => ("the tables", error),
                Err(error) => return Err(error),
            };
            let error = format!("{error:#}");
            tracing::warn!(error, "{what} cannot be reached yet; trying again");
            readiness.starting(&format!("{what} cannot be reached yet; `headwater doctor` says why"));
            self.runtime.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The first look at the keys that the issuer publishes; later ones are made in the background.
    async fn fetch_keys(&self) -> Result<()> {
        if let Some(keys) = &self.published_keys {
            keys.look().await?;
            drop(PublishedKeys::keep_fresh(keys));
        }
        Ok(())
    }

    async fn try_to_prepare(&self, config: &Config) -> Result<()> {
        tables::make_or_verify(&self.databases, &config.adapter).await?;
        if !self.sealing.join_installation(&self.databases.durable).await? {
            bail!(
                "the processes that already use these tables have another sealing key; give this one the same file (keys.sealing_file)"
            );
        }
        for tenant in &config.tenants {
            if self.directory.find(tenant).await?.is_none() {
                self.directory.create(&self.operator, tenant, config.home).await?;
            }
        }
        Ok(())
    }

    /// Tells processes that share the data folder where this one listens.
    pub(super) fn announce(&mut self, config: &Config, addresses: &Addresses) -> Result<()> {
        let Some(folder) = &mut self.folder else { return Ok(()) };
        folder.announce(&Holder {
            pid: std::process::id(),
            http: addresses.http.to_string(),
            grpc: addresses.grpc.to_string(),
            tenant: config.tenants.first().cloned(),
        })
    }

    /// The data folder that this process holds.
    pub(super) fn data_folder(&self) -> Option<&DataFolder> {
        self.folder.as_ref()
    }

    /// Whether the first start of the data folder is over; without one there is nothing to be done.
    pub(super) fn is_settled(&self) -> bool {
        self.folder.as_ref().is_none_or(DataFolder::is_settled)
    }

    pub(super) fn settle(&self) -> Result<()> {
        self.folder.as_ref().map_or(Ok(()), DataFolder::settle)
    }

    /// Closes the engines, then lets the folder go.
    pub(super) async fn close(self) {
        self.databases.shutdown().await;
        drop(self.folder);
    }
}
