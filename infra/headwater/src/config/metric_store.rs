//! `[metric_store]`: where metric points are kept. One in this process is of use to this process alone.

use super::{
    Adapter, MetricStore, Role,
    reader::Reader,
    stores::{choice, one_process},
};
use std::{collections::BTreeSet, path::Path};

/// Reads the section.
pub(super) fn metric_store(
    reader: &mut Reader,
    roles: &BTreeSet<Role>,
    adapter: Option<&Adapter>,
    data: Option<&Path>,
) -> Option<MetricStore> {
    let usual = if adapter == Some(&Adapter::Embedded) {
        "sqlite"
    } else {
        "none"
    };
    let wanted = choice(reader, "metric_store.adapter", &["none", "sqlite"], usual);
    let folder = reader.path("metric_store.folder");
    if wanted? == "none" {
        if folder.is_some() {
            let what = "metric_store.folder is of use with metric_store.adapter = \"sqlite\" alone";
            reader.refuse("metric_store.folder", what);
        }
        return Some(MetricStore::None);
    }
    one_process(reader, roles, "metric_store.adapter", |names| {
        format!(
            "sqlite keeps metrics inside one process: the one that fills it (project) has to be the one that answers from it (query); \
             this one has the roles {names}. Leave [metric_store] out here and run one process with both roles for metrics"
        )
    });
    let folder = folder.or_else(|| data.map(|data| data.join("metrics")));
    if folder.is_none() {
        let what = "metric_store.folder is missing: sqlite needs a folder (or set data)";
        reader.refuse("metric_store.folder", what);
    }
    folder.map(MetricStore::Sqlite)
}
