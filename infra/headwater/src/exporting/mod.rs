//! Exports of this process: the log's events and the read models folded from it, into the destination that is configured. `reading.rs` reads
//! the feeds, `views.rs` folds; how files become visible is `headwater-export`'s.

mod reading;
mod views;

use crate::contexts;
use anyhow::{Result, bail};
use headwater_event_log::EventLog;
use headwater_export::{Catalogue, Run, Written};
use headwater_kernel::{Aggregate, AggregateRegistry, AggregateType, Region, TenantId};
use headwater_objects::ObjectStore;
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::{OperatorScope, TenantDirectory};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use views::{View, Views};

/// What an export is of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// This tenant alone.
    pub(crate) tenant: Option<TenantId>,
    /// This context alone.
    pub(crate) context: Option<String>,
    /// Not the events.
    pub(crate) without_events: bool,
    /// Not the read models.
    pub(crate) without_views: bool,
}

/// How exports of this process stand.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Status {
    /// Whether one is under way.
    pub(crate) running: bool,
    /// How many have ended since the process has started.
    pub(crate) ended: u64,
    /// The name of the last one that has ended; absent when it had nothing new, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<String>,
    /// Its rows by table.
    pub(crate) rows: BTreeMap<String, u64>,
    /// Its files.
    pub(crate) files: usize,
    /// Why it has failed, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// All tables of this build.
pub(crate) fn catalogue() -> Catalogue {
    let mut tables = Catalogue::default();
    for aggregate in aggregates() {
        tables.add_aggregate(&aggregate);
    }
    for kind in Views::of_this_build().0.iter().flat_map(|view| &view.kinds) {
        tables.add_rows(kind);
    }
    tables
}

/// The aggregates of all contexts.
#[derive(Default)]
struct Aggregates(Vec<AggregateType>);

impl AggregateRegistry for Aggregates {
    fn aggregate<A: Aggregate>(&mut self) {
        self.0.push(AggregateType::of::<A>());
    }
}

fn aggregates() -> Vec<AggregateType> {
    let mut all = Aggregates::default();
    contexts::register(&mut all);
    all.0
}

/// Where data comes from and goes to.
pub(crate) struct Parts {
    pub(crate) log: EventLog,
    pub(crate) directory: TenantDirectory,
    pub(crate) operator: OperatorScope,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Of the tenants that are exported.
    pub(crate) region: Region,
    pub(crate) runtime: Runtime,
}

struct Inner {
    parts: Parts,
    aggregates: Vec<AggregateType>,
    views: Vec<View>,
    catalogue: Catalogue,
    status: Mutex<Status>,
    tasks: Mutex<Vec<Task>>,
}

/// Exports, one at a time. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exporter(Arc<Inner>);

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exporter {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            aggregates: aggregates(),
            views: Views::of_this_build().0,
            catalogue: catalogue(),
            status: Mutex::default(),
            tasks: Mutex::default(),
        }))
    }

    pub(crate) fn status(&self) -> Status {
        locked(&self.0.status).clone()
    }

    /// Begins one in the background; `None` when one is under way.
    pub(crate) fn start(&self, wanted: Wanted) -> Option<Status> {
        let status = {
            let mut status = locked(&self.0.status);
            if status.running {
                return None;
            }
            status.running = true;
            status.clone()
        };
        let exporter = self.clone();
        let task = self.0.parts.runtime.spawn(async move { exporter.run(&wanted).await });
        *locked(&self.0.tasks) = vec![task];
        Some(status)
    }

    /// From now on begins one each time this has passed.
    pub(crate) fn repeat(&self, every: Duration) -> Task {
        let exporter = self.clone();
        let runtime = self.0.parts.runtime.clone();
        self.0.parts.runtime.spawn(async move {
            loop {
                runtime.sleep(every).await;
                exporter.start(Wanted::default());
            }
        })
    }

    /// Ends the one that is under way, wherever it is: nothing of it counts.
    pub(crate) async fn stop(&self) {
        let tasks = std::mem::take(&mut *locked(&self.0.tasks));
        for task in tasks {
            task.abort();
            let _ = task.join().await;
        }
    }

    async fn run(&self, wanted: &Wanted) {
        let result = self.export(wanted).await;
        if let Err(error) = &result {
            tracing::warn!(
                error = format!("{error:#}"),
                "an export has failed; the next one goes on from the last"
            );
        }
        let mut status = locked(&self.0.status);
        let ended = status.ended + 1;
        *status = match result {
            Ok(Written { run, rows, files }) => Status {
                ended,
                run,
                rows,
                files,
                ..Status::default()
            },
            Err(error) => Status {
                ended,
                error: Some(format!("{error:#}")),
                ..Status::default()
            },
        };
    }

    async fn export(&self, wanted: &Wanted) -> Result<Written> {
        let Parts {
            store,
            region,
            runtime,
            directory,
            operator,
            ..
        } = &self.0.parts;
        let mut tenants = directory.list(operator).await?;
        if let Some(wanted) = &wanted.tenant {
            tenants.retain(|tenant| tenant.id == *wanted);
            match tenants.first() {
                None => bail!("there is no tenant {wanted}"),
                Some(tenant) if tenant.region != *region => {
                    bail!(
                        "the tenant {wanted} lives in {}; this destination takes {region}",
                        tenant.region
                    )
                }
                Some(_) => {}
            }
        }
        let mut run = Run::begin(Arc::clone(store), *region, runtime.clone()).await?;
        for tenant in tenants.into_iter().filter(|tenant| tenant.region == *region) {
            let scope = directory.scope(operator, &tenant.id).await?;
            for context in contexts::NAMES {
                if wanted.context.as_deref().is_none_or(|wanted| wanted == *context) {
                    reading::read(&self.0, &mut run, &scope, context, wanted).await?;
                }
            }
        }
        Ok(run.publish().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_export::ddl::{Engine, statements};

    /// The columns of all tables as they were ever published. A column is added here when it is added there; none is changed or taken out,
    /// because readers have files with it.
    const COLUMNS: &str = include_str!("../../golden/export-columns-v1.json");

    #[test]
    fn no_column_that_was_published_changes_or_goes() {
        let golden: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(COLUMNS).unwrap();
        let catalogue = catalogue();
        let now = catalogue.column_types();
        for (table, columns) in &golden {
            for (column, ty) in columns {
                let found = now.get(table.as_str()).and_then(|columns| columns.get(column.as_str()));
                assert_eq!(found, Some(&ty.as_str()), "{table}.{column} was published as {ty}");
            }
        }
        let published = |table: &str, column: &str| golden.get(table).is_some_and(|of| of.contains_key(column));
        for (table, columns) in &now {
            for (column, ty) in columns {
                assert!(
                    published(table, column),
                    "add {table}.{column}: {ty} to golden/export-columns-v1.json"
                );
            }
        }
    }

    #[test]
    fn statements_are_as_they_were() {
        let catalogue = catalogue();
        for (engine, golden) in [
            (Engine::Athena, include_str!("../../golden/export-athena.sql")),
            (Engine::Redshift, include_str!("../../golden/export-redshift.sql")),
            (Engine::Snowflake, include_str!("../../golden/export-snowflake.sql")),
        ] {
            let made = statements(&catalogue, engine, "s3://bucket/o'exports/", |_| true);
            // Two tables show all there is: the golden columns hold the rest.
            let of = |table: &str| {
                let parts = made
                    .split("\n\n")
                    .filter(|part| part.contains(&format!(" {table} as\n")));
                parts.collect::<Vec<_>>().join("\n\n")
            };
            let head = made.split("\n\n").next().unwrap_or_default();
            let shown = format!(
                "{head}\n\n{}\n\n{}\n",
                of("analytics_meters_events").trim_end(),
                of("crm_lead").trim_end()
            );
            assert_eq!(shown, golden, "{engine:?}");
        }
    }

    #[test]
    fn no_table_has_a_column_for_what_is_marked_as_personal() {
        let catalogue = catalogue();
        let leads = &catalogue.column_types()["crm_leads_events"];
        for personal in ["name", "email", "phone"] {
            assert!(!leads.contains_key(personal), "{leads:?}");
        }
        assert_eq!((leads["company"], leads["event_recorded_at"]), ("text", "timestamp"));
    }
}
