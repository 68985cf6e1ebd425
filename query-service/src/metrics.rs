//! Metrics: which series a tenant has, and the bins of one.

mod described;

pub(crate) use described::describe;

use crate::{
    QueryService,
    parameters::Parameters,
    refusal::{bad_request, invalid, of_metrics, shown, unknown},
    service::may_read,
};
use ::http::StatusCode;
use headwater_edge::Problem;
use headwater_kernel::Timestamp;
use headwater_metrics::{Bin, Fill, Item, MetricStore, Query, Stat};
use headwater_read_models::metrics::{SERIES, derived};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// The route of all series.
pub(crate) const ALL: &str = "/v1/metrics";
/// The route of one.
pub(crate) const ONE: &str = "/v1/metrics/{series}";

/// What begins the names of filters by dimension.
const DIMENSION: &str = "dim.";

pub(crate) const STATS: &[(&str, Stat)] = &[
    ("avg", Stat::Avg),
    ("min", Stat::Min),
    ("max", Stat::Max),
    ("sum", Stat::Sum),
    ("count", Stat::Count),
    ("p50", Stat::P50),
    ("p99", Stat::P99),
];

pub(crate) const FILLS: &[(&str, Fill)] = &[
    ("none", Fill::None),
    ("null", Fill::Null),
    ("zero", Fill::Zero),
    ("previous", Fill::Previous),
];

/// Parameters besides the dimensions: the name and what it means.
pub(crate) const PARAMETERS: [(&str, &str); 6] = [
    (
        "from",
        "The beginning: a time in RFC 3339, or a date for its midnight in UTC. Without it, a day before the end, or 30 days with bins of a day.",
    ),
    (
        "to",
        "The end, which is not within: a time, or a date, whose day in UTC is within. Without it, the end of the bin that it is now.",
    ),
    (
        "bin",
        "How long a bin is: a part of a day in whole minutes, such as 1m, 15m, 1h or 1d. Bins begin at midnight in UTC and are half-open.",
    ),
    ("stat", "What is made of the points of a bin."),
    (
        "group_by",
        "Dimensions, with commas between: a line of bins for each combination of their values.",
    ),
    (
        "fill",
        "What stands for a bin without points: nothing, null, 0, or the value before it.",
    ),
];

impl QueryService {
    fn metric_store(&self) -> Result<&dyn MetricStore, Problem> {
        let none = "this installation keeps no metrics; its configuration says where (`[metrics]`)";
        let store = self.inner().metrics.as_deref();
        store.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no-metrics", none))
    }

    /// All series that there are for a tenant.
    pub(crate) async fn metric_series(&self, scope: &TenantScope, parameters: &Parameters) -> Result<Value, Problem> {
        may_read(scope)?;
        parameters.only(&[], None)?;
        let recorded = self.metric_store()?.series(scope).await.map_err(of_metrics)?;
        let mut all: BTreeMap<String, Value> = BTreeMap::new();
        for series in recorded {
            let item = json!({ "series": series.name, "dimensions": series.dimensions });
            all.insert(series.name, item);
        }
        for series in SERIES {
            let item = json!({
                "series": series.name, "dimensions": series.dimensions, "unit": series.unit, "description": series.description
            });
            all.insert(series.name.to_owned(), item);
        }
        Ok(json!({ "items": all.into_values().collect::<Vec<_>>() }))
    }

    /// The bins of one series.
    pub(crate) async fn metrics(
        &self,
        scope: &TenantScope,
        series: &str,
        parameters: &Parameters,
    ) -> Result<Value, Problem> {
        may_read(scope)?;
        let known: Vec<&str> = PARAMETERS.iter().map(|(name, _)| *name).collect();
        parameters.only(&known, Some(DIMENSION))?;
        let query = self.asked(series, parameters)?;
        let store = self.metric_store()?;
        check_names(store, scope, &query).await?;
        let answer = store.query(scope, &query).await.map_err(of_metrics)?;
        let items: Vec<Value> = answer.items.into_iter().map(item).collect();
        Ok(json!({ "series": query.series, "from": query.from, "to": query.to, "items": items }))
    }

    fn asked(&self, series: &str, parameters: &Parameters) -> Result<Query, Problem> {
        let bin: Bin = match parameters.text("bin")? {
            None => Bin::HOUR,
            Some(text) => text
                .parse()
                .map_err(|_| invalid("bin", "is a part of a day in whole minutes, such as 1m, 15m, 1h or 1d"))?,
        };
        let to = match parameters.end("to")? {
            Some(to) => to,
            None => bin.start(self.inner().runtime.now()).plus(bin.duration()),
        };
        let from = match parameters.beginning("from")? {
            Some(from) => from,
            None => {
                let days = if bin == Bin::DAY { 30 } else { 1 };
                let back = Duration::from_hours(24 * days).as_nanos();
                Timestamp::from_nanos(to.nanos().saturating_sub(i64::try_from(back).unwrap_or(i64::MAX)))
            }
        };
        let mut filters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in parameters.family(DIMENSION) {
            filters.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        let group_by = parameters
            .text("group_by")?
            .map(|names| names.split(',').map(str::to_owned).collect());
        Ok(Query {
            series: series.to_owned(),
            from,
            to,
            bin,
            stat: one_of(parameters, "stat", STATS)?.unwrap_or(Stat::Avg),
            filters,
            group_by: group_by.unwrap_or_default(),
            fill: one_of(parameters, "fill", FILLS)?.unwrap_or_default(),
        })
    }
}

fn item(Item { time, value, group }: Item) -> Value {
    let mut item = json!({ "time": time, "value": value });
    if !group.is_empty() {
        item["group"] = json!(group);
    }
    item
}

fn one_of<T: Copy>(parameters: &Parameters, name: &str, all: &[(&str, T)]) -> Result<Option<T>, Problem> {
    let Some(text) = parameters.text(name)? else {
        return Ok(None);
    };
    match all.iter().find(|(own, _)| *own == text) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            Err(invalid(name, format!("is one of {}", names.join(", "))))
        }
    }
}

/// Refuses a series that is neither derived nor recorded, and dimensions that it has not.
async fn check_names(store: &dyn MetricStore, scope: &TenantScope, query: &Query) -> Result<(), Problem> {
    let name = query.series.as_str();
    let dimensions: Vec<String> = match derived(name) {
        Some(series) => series.dimensions.iter().map(|name| (*name).to_owned()).collect(),
        None => {
            let recorded = store.series(scope).await.map_err(of_metrics)?;
            match recorded.iter().find(|series| series.name == name) {
                Some(series) => series.dimensions.iter().cloned().collect(),
                None => {
                    let derived = SERIES.iter().map(|series| series.name);
                    let all: Vec<&str> = recorded
                        .iter()
                        .map(|series| series.name.as_str())
                        .chain(derived)
                        .collect();
                    return Err(unknown("unknown-series", "series", name, all.into_iter()));
                }
            }
        }
    };
    let filtered = query.filters.keys().map(|name| (format!("{DIMENSION}{name}"), name));
    let grouped = query.group_by.iter().map(|name| ("group_by".to_owned(), name));
    for (parameter, dimension) in filtered.chain(grouped) {
        if !dimensions.contains(dimension) {
            let has = match dimensions.is_empty() {
                true => "it has none".to_owned(),
                false => format!("it has {}", dimensions.join(", ")),
            };
            let detail = format!("{name} has no dimension {}; {has}", shown(dimension));
            return Err(bad_request("unknown-dimension", detail.clone()).at(format!("/{parameter}"), detail));
        }
    }
    Ok(())
}
