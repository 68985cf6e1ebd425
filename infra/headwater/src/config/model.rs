//! Every key of the configuration: its type, its default, and what goes together. `serve.example.toml` explains each.

use super::{
    audit_log,
    bounds::{self, Projector},
    export::{self, Export},
    metric_store::{self, Influx},
    objects::{self, Objects},
    proxies,
    reader::{Reader, hint},
    search::{self, SearchCluster},
    stores,
};
use headwater_dynamodb::AwsConfig;
use headwater_edge::{Limits, TrustedProxies};
use headwater_kernel::{Region, TenantId};
use headwater_metrics::timestream::TimestreamConfig;
use headwater_tenancy::{Issuer, KeySetPlace, PublicKeys};
use std::{
    collections::BTreeSet,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Takes commands.
    Command,
    /// Keeps the read models.
    Project,
    /// Answers queries.
    Query,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Command, Self::Project, Self::Query];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Project => "project",
            Self::Query => "query",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(role: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == role);
        found.ok_or_else(|| {
            let hint = hint(role, Self::ALL.iter().map(|known| known.as_str()), str::to_owned);
            format!("there is no role {role}; {hint}")
        })
    }
}

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Adapter {
    /// DynamoDB, or what speaks its protocol.
    Aws {
        /// Where.
        config: AwsConfig,
        /// Whether this process makes tables that are missing; else it verifies them.
        create_tables: bool,
    },
    /// The engine in this process, on the data folder.
    Embedded,
}

/// Where documents are searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Search {
    /// Nowhere in this process.
    None,
    /// In an index of this process, in this folder.
    Tantivy(PathBuf),
    /// In a cluster.
    Cluster(SearchCluster),
}

/// Where metric points are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MetricStore {
    /// Nowhere in this process.
    None,
    /// In this process, in this folder.
    Sqlite(PathBuf),
    /// On a server of InfluxDB.
    Influx(Influx),
    /// In Timestream.
    Timestream(TimestreamConfig),
}

/// Whose tokens are accepted.
#[derive(Debug)]
pub(crate) enum Auth {
    /// What the key in the data folder signed: development tokens.
    DevelopmentKey,
    /// What an issuer signed whose keys are given.
    PublicKeys(Arc<PublicKeys>),
    /// What an issuer signed that publishes its keys.
    KeySet { place: KeySetPlace, issuer: Issuer },
}

/// A process, as configured.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    /// Of its own; `None` puts `/metrics` on the public listener.
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) data: Option<PathBuf>,
    /// Whether a process is ready only while its projections are kept.
    pub(crate) ready_with_projections: bool,
    /// A process is not ready while its projections are further behind.
    pub(crate) ready_lag: Option<Duration>,
    pub(crate) adapter: Adapter,
    /// The region whose tenants live in these stores.
    pub(crate) home: Region,
    /// The file of the sealing key; without, the one in the data folder.
    pub(crate) sealing_file: Option<PathBuf>,
    pub(crate) auth: Auth,
    pub(crate) search: Search,
    pub(crate) metric_store: MetricStore,
    /// Where the audit log is, if there is to be one.
    pub(crate) audit_log: Option<Objects>,
    /// Whether refused requests are told to the audit log, whoever writes that.
    pub(crate) tells_refusals: bool,
    pub(crate) export: Option<Export>,
    /// Made at the start if they are missing.
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) limits: Limits,
    pub(crate) proxies: TrustedProxies,
    pub(crate) projector: Projector,
}

const ADDRESS: &str = "an address and port such as 0.0.0.0:8080";

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

impl Config {
    /// What `dev` runs: everything in one process on a data folder, with development tokens and the tenant `demo`.
    pub(crate) fn development(data: &Path, http: SocketAddr, grpc: SocketAddr, demo: TenantId) -> Self {
        Self {
            roles: Role::ALL.into(),
            http,
            grpc,
            metrics: None,
            data: Some(data.to_owned()),
            ready_with_projections: true,
            ready_lag: None,
            adapter: Adapter::Embedded,
            home: Region::Us,
            sealing_file: None,
            auth: Auth::DevelopmentKey,
            search: Search::Tantivy(data.join("search")),
            metric_store: MetricStore::Sqlite(data.join("metrics")),
            audit_log: Some(Objects::Folder(data.join("audit"))),
            tells_refusals: true,
            export: Some(Export {
                to: Objects::Folder(data.join("exports")),
                every: None,
            }),
            tenants: vec![demo],
            limits: Limits::default(),
            proxies: TrustedProxies::default(),
            projector: Projector {
                rebuild_on_change: true,
                rebuild_write_units: None,
                ..Projector::default()
            },
        }
    }

    /// Reads all keys; `None` when one is wrong or missing, and the reader knows which.
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let roles = reader.list("roles", "a list of command, project and query", str::parse::<Role>);
        let roles: BTreeSet<Role> = roles.map_or(Role::ALL.into(), |roles| roles.into_iter().collect());
        if roles.is_empty() {
            reader.refuse("roles", "roles is empty: a process without a role does nothing");
        }
        let http = reader.parsed("http", ADDRESS).unwrap_or(local(8080));
        let grpc = reader.parsed("grpc", ADDRESS).unwrap_or(local(50051));
        let metrics = reader.parsed("metrics", ADDRESS).unwrap_or(local(9090));
        let data = reader.path("data");
        let (adapter, home) = stores::tables(reader, &roles, data.as_deref());
        let sealing_file = reader.path("keys.sealing_file");
        if sealing_file.is_none() && adapter != Some(Adapter::Embedded) {
            reader.refuse(
                "keys.sealing_file",
                "keys.sealing_file is missing: all processes of an installation share one file of 32 random bytes (head -c 32 /dev/urandom > FILE; chmod 600 FILE)",
            );
        }
        let auth = super::auth::auth(reader, data.as_deref());
        let search = search::search(reader, &roles, adapter.as_ref(), data.as_deref());
        let metric_store = metric_store::metric_store(reader, &roles, adapter.as_ref(), data.as_deref());
        let s3 = objects::s3(reader, adapter.as_ref());
        let audit_log = audit_log::audit_log(reader, &s3, adapter.as_ref(), data.as_deref());
        let audited = matches!(audit_log, Some(Some(_)));
        let tells_refusals = reader.flag("audit_log.refusals").unwrap_or(audited);
        let export = export::export(reader, &s3, &roles);
        let tenants = tenants(reader, home);
        let limits = bounds::limits(reader);
        let proxies = proxies::proxies(reader);
        let projector = bounds::projector(reader);
        let ready_lag = reader.seconds("ready_lag_seconds", 1..=86_400);
        let ready_with_projections = reader.flag("ready_with_projections").unwrap_or(true);
        if ready_lag.is_some() && !ready_with_projections {
            reader.refuse(
                "ready_lag_seconds",
                "ready_lag_seconds says how far behind is not ready, and ready_with_projections = false that it does not count; leave one out",
            );
        }
        if reader.is_faulty() {
            return None;
        }
        Some(Self {
            roles,
            http,
            grpc,
            metrics: Some(metrics),
            data,
            ready_with_projections,
            ready_lag,
            adapter: adapter?,
            home: home?,
            sealing_file,
            auth: auth?,
            search: search?,
            metric_store: metric_store?,
            audit_log: audit_log?,
            tells_refusals,
            export,
            tenants,
            limits,
            proxies,
            projector,
        })
    }

    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// `acme:us`: a tenant and its region, which has to be the one of these stores.
fn tenants(reader: &mut Reader, home: Option<Region>) -> Vec<TenantId> {
    let read = |text: &str| {
        let (tenant, region) = text.split_once(':').ok_or(format!("{text:?} has no region"))?;
        let tenant = TenantId::new(tenant).map_err(|error| error.to_string())?;
        Ok((tenant, region.parse::<Region>().map_err(|error| error.to_string())?))
    };
    let tenants = reader.list("tenants", "a list of TENANT:REGION such as acme:us", read);
    let tenants = tenants.unwrap_or_default();
    let elsewhere = tenants
        .iter()
        .find(|(_, region)| home.is_some_and(|home| home != *region));
    if let (Some((tenant, region)), Some(home)) = (elsewhere, home) {
        let what = format!("the tenant {tenant} lives in {region}, and these stores are those of {home}");
        reader.refuse("tenants", what);
    }
    tenants.into_iter().map(|(tenant, _)| tenant).collect()
}
