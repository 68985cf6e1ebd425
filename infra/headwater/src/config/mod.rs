//! The configuration of `serve`: a TOML file, with every key also as an environment variable, which wins.
//!
//! `model.rs` lists the keys and what they mean; `file.rs` and `environment.rs` find values and their places; `reader.rs` gives them types and
//! collects everything that is wrong, so that one start tells all of it. Nothing here opens a store.

mod audit_log;
mod auth;
mod bounds;
mod environment;
mod export;
mod file;
mod metric_store;
mod model;
mod objects;
mod place;
mod proxies;
mod reader;
mod search;
mod stores;
#[cfg(test)]
mod tests;

pub(crate) use environment::is_in;
pub(crate) use metric_store::{Influx, InfluxAccess};
pub(crate) use model::{Adapter, Auth, Config, MetricStore, Role, Search};
pub(crate) use objects::Objects;
pub(crate) use place::Faults;
pub(crate) use search::{SearchAccess, SearchCluster};

use reader::Reader;
use std::{collections::BTreeMap, path::Path};

/// Reads the file, if there is one, and the environment over it.
///
/// # Errors
/// All faults, each with its place.
pub(crate) fn read(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, Faults> {
    let given = match file {
        Some(path) => file::read(path)?,
        None => BTreeMap::new(),
    };
    let folder = file.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
    let mut reader = Reader::new(given, environment::variables(environment), folder);
    let config = Config::read(&mut reader);
    reader.finish()?;
    config.ok_or_else(|| Faults(Vec::new()))
}

/// The names of all keys, such as `dynamodb.region`.
#[cfg(test)]
pub(crate) fn keys() -> Vec<String> {
    let mut reader = Reader::new(BTreeMap::new(), BTreeMap::new(), std::path::PathBuf::new());
    drop(Config::read(&mut reader));
    reader.known().map(str::to_owned).collect()
}
