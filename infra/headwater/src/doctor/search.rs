//! The search cluster: whether it answers and lets us in, and which version it is.

use super::findings::Findings;
use crate::{assembly::indexes, config::SearchCluster};
use headwater_runtime::Runtime;
use headwater_search::opensearch::Cluster;

/// The oldest version that is tested.
const OLDEST: u32 = 2;

pub(super) async fn check(findings: &mut Findings, config: &SearchCluster, runtime: &Runtime) {
    let name = "search cluster";
    let cluster = match indexes::cluster(config, runtime).await {
        Ok(cluster) => cluster,
        Err(error) => return findings.fail(name, format!("{error:#}")),
    };
    let url = &config.url;
    match cluster.version().await {
        Ok(version) => {
            let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| major >= OLDEST) {
                findings.ok(name, format!("{url} answers, OpenSearch {version}"));
                writable(findings, &cluster).await;
            } else {
                findings.fail(
                    name,
                    format!("{url} is of version {version}; it takes OpenSearch {OLDEST} or newer"),
                );
            }
        }
        Err(error) => findings.fail(name, format!("{url}: {error}; see search.url and how it lets you in")),
    }
}

async fn writable(findings: &mut Findings, cluster: &Cluster) {
    let name = "search indexes";
    match cluster.blocked().await {
        Ok(blocked) if blocked.is_empty() => findings.ok(name, "take writes"),
        Ok(blocked) => findings.fail(
            name,
            format!(
                "{}; searches find what was written before, and changes wait: see to the disk, then set it to null",
                blocked.join(", ")
            ),
        ),
        Err(error) => findings.fail(name, error.to_string()),
    }
}
