//! Holds the arrows of the layout: which crate may depend on which, what must not be below a bounded context, and what only tests turn on.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Layers from the top. A crate may depend on crates of lower layers; those of the same layer only where listed below.
const LAYERS: &[&[&str]] = &[
    &["headwater", "headwater-auditor", "headwater-tests", "xtask"],
    &[
        "headwater-command-service",
        "headwater-projectors",
        "headwater-query-service",
    ],
    &[
        "headwater-edge",
        "headwater-event-log",
        "headwater-dynamo-repository",
        "headwater-search",
        "headwater-metrics",
        "headwater-export",
        "headwater-audit-log",
    ],
    &["headwater-tenancy", "headwater-objects"],
    &["headwater-dynamodb"],
    &["headwater-runtime"],
    &["headwater-read-models"],
    &[
        "headwater-catalog",
        "headwater-crm",
        "headwater-orders",
        "headwater-billing",
        "headwater-analytics",
        "headwater-dynamo-schema",
    ],
    &["headwater-dynamo-derive", "headwater-engines", "headwater-kernel"],
];

/// The crate of tests across crates.
const TESTS: &str = "headwater-tests";

/// Crates of one layer that may use one another all the same: (who, whom).
const SIDEWAYS: &[(&str, &str)] = &[(TESTS, "headwater"), ("headwater-audit-log", "headwater-event-log")];

/// What may not be anywhere below a crate that has to stay pure.
const IMPURE: &[&str] = &[
    "tokio",
    "mio",
    "hyper",
    "reqwest",
    "axum",
    "tonic",
    "rusqlite",
    "socket2",
    "rustls",
    "tantivy",
    "opensearch",
];

/// The crates that have to stay pure.
const PURE: &[&str] = &[
    "headwater-kernel",
    "headwater-catalog",
    "headwater-crm",
    "headwater-orders",
    "headwater-billing",
    "headwater-analytics",
    "headwater-read-models",
    "headwater-dynamo-schema",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    dependencies: Vec<Declared>,
}

#[derive(Deserialize)]
struct Declared {
    name: String,
    kind: Option<String>,
    features: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Checks the present workspace and names every arrow that points the wrong way.
#[allow(clippy::print_stdout, reason = "this is the output")]
pub(crate) fn check() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is not as expected")?;
    let mut faults = faults(&metadata);
    faults.extend(crate::shipped::faults()?);
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} faults between crates; see ARCHITECTURE.md", faults.len());
    }
    println!("all arrows point the right way, and what is shipped is as it should be");
    Ok(())
}

fn faults(metadata: &Metadata) -> Vec<String> {
    let names: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package.name.as_str()))
        .collect();
    let name = |id: &str| names.get(id).copied().unwrap_or_default().to_owned();
    let mut normal: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in &metadata.resolve.nodes {
        let dependencies = node
            .deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        normal
            .entry(name(&node.id))
            .or_default()
            .extend(dependencies.map(|dependency| name(&dependency.pkg)));
    }
    let members: BTreeSet<String> = metadata.workspace_members.iter().map(|id| name(id)).collect();
    let layer = |crate_name: &str| LAYERS.iter().position(|layer| layer.contains(&crate_name));
    let mut faults = Vec::new();
    for member in &members {
        let Some(own) = layer(member) else {
            faults.push(format!(
                "{member} has no place in the layers; give it one in infra/xtask/src/arrows.rs"
            ));
            continue;
        };
        for dependency in normal
            .get(member)
            .into_iter()
            .flatten()
            .filter(|dependency| members.contains(*dependency))
        {
            let sideways = SIDEWAYS.contains(&(member, dependency));
            if layer(dependency).is_some_and(|other| other <= own) && !sideways {
                faults.push(format!("{member} must not depend on {dependency}"));
            }
        }
    }
    // What turns on what is for tests has to be for tests itself. Nothing depends on that crate: it is of the top layer.
    let members = metadata
        .packages
        .iter()
        .filter(|package| members.contains(&package.name));
    for member in members.filter(|member| member.name != TESTS) {
        let normal = member
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"));
        for Declared { name, features, .. } in normal {
            if let Some(feature) = crate::shipped::for_tests(name, features) {
                faults.push(format!(
                    "{} turns on {name}/{feature}; do it in its dev-dependencies",
                    member.name
                ));
            }
        }
    }
    for pure in PURE {
        let mut seen = BTreeSet::from([(*pure).to_owned()]);
        let mut open = vec![(*pure).to_owned()];
        while let Some(next) = open.pop() {
            for dependency in normal.get(&next).into_iter().flatten() {
                if IMPURE.contains(&dependency.as_str()) || dependency.starts_with("aws-") {
                    faults.push(format!(
                        "{pure} must stay pure and has {dependency} below it, through {next}"
                    ));
                }
                if seen.insert(dependency.clone()) {
                    open.push(dependency.clone());
                }
            }
        }
    }
    faults
}
