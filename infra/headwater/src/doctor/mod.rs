//! What `headwater doctor` looks at. Nothing here changes anything: it reads, asks, and writes only what a condition is sure to refuse.

mod clock;
mod findings;
mod folder;
mod keys;
mod permissions;
mod search;
mod stores;
mod told;

use crate::{
    assembly::metric_stores::influx,
    config::{Adapter, Config, MetricStore, Objects, Search},
    data_folder,
};
pub(crate) use findings::{Findings, Level};
use headwater_dynamodb::Databases;
use headwater_metrics::timestream::Timestream;
use headwater_objects::Bucket;
use headwater_runtime::Runtime;
use std::path::Path;

/// Checks what a configuration names.
pub(crate) async fn check(config: &Config, runtime: &Runtime) -> Findings {
    let mut findings = Findings::default();
    let roles: Vec<&str> = config.roles.iter().map(|role| role.as_str()).collect();
    findings.ok("configuration", format!("can be used; roles {}", roles.join(", ")));
    let sealing = keys::sealing(&mut findings, config);
    keys::published(&mut findings, config, runtime).await;
    let holder = config
        .data
        .as_deref()
        .and_then(|data| folder::check(&mut findings, data));
    match &config.search {
        Search::None => {}
        Search::Tantivy(path) => folder::can_be_made(&mut findings, "search index", path),
        Search::Cluster(cluster) => search::check(&mut findings, cluster, runtime).await,
    }
    metric_store(&mut findings, &config.metric_store, runtime).await;
    for (name, place) in [
        ("audit log", config.audit_log.as_ref()),
        ("exports", config.export.as_ref().map(|export| &export.to)),
    ] {
        match place {
            Some(Objects::Folder(folder)) => folder::can_be_made(&mut findings, name, folder),
            Some(Objects::Bucket(bucket)) => match Bucket::open(bucket.clone(), runtime).await.check().await {
                Ok(found) => findings.ok(name, found),
                Err(error) => findings.fail(name, error.to_string()),
            },
            None => {}
        }
    }
    // A process that runs has its addresses.
    if holder.is_none() {
        for (name, address) in [
            ("http", Some(config.http)),
            ("grpc", Some(config.grpc)),
            ("metrics", config.metrics),
        ] {
            if let Some(address) = address {
                stores::can_listen(&mut findings, name, address).await;
            }
        }
    }
    match (&config.adapter, &config.data) {
        (Adapter::Aws { config: aws, .. }, _) => {
            let databases = Databases::aws(aws, runtime.clone()).await;
            stores::check(&mut findings, config, &databases, sealing.as_ref(), runtime).await;
        }
        (Adapter::Embedded, Some(data)) if holder.is_none() => embedded(&mut findings, config, data, runtime).await,
        (Adapter::Embedded, _) => findings.ok(
            "tables",
            "not looked at: the process that holds the data folder has them open",
        ),
    }
    findings
}

/// The tables of a data folder that nobody has open.
async fn embedded(findings: &mut Findings, config: &Config, data: &Path, runtime: &Runtime) {
    if !data.join("log.db").exists() {
        findings.ok("tables", "are made at the first start");
        return;
    }
    // Held while the engine has the files open, so that no process starts in between.
    let folder = match data_folder::DataFolder::open(data) {
        Ok(folder) => folder,
        Err(error) => return findings.fail("tables", format!("{error:#}")),
    };
    match Databases::embedded(data, runtime.clone()) {
        Ok(databases) => {
            let sealing = folder.sealing_key(runtime).ok();
            stores::check(findings, config, &databases, sealing.as_ref(), runtime).await;
            databases.shutdown().await;
        }
        Err(error) => findings.fail("tables", error.to_string()),
    }
    drop(folder);
}

async fn metric_store(findings: &mut Findings, store: &MetricStore, runtime: &Runtime) {
    let name = "metric store";
    let (place, asked) = match store {
        MetricStore::None => return,
        MetricStore::Sqlite(path) => return folder::can_be_made(findings, name, path),
        MetricStore::Influx(config) => (config.url.as_str(), influx(config, runtime).reach().await),
        MetricStore::Timestream(config) => {
            let service = Timestream::new(config.clone(), runtime).await;
            (config.database.as_str(), service.check().await)
        }
    };
    match asked {
        Ok(()) => findings.ok(name, format!("{place} answers")),
        Err(error) => findings.fail(name, format!("{place}: {error}")),
    }
}
