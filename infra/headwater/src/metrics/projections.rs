//! How far behind the projections are that this process keeps, and what they have parked.
//!
//! A shard's lag is told by the one process that reads it: over all processes, events add up and the longest time counts. What is parked is
//! read from the table by every process alike: take the maximum.

use super::family;
use crate::admin::{Admin, Lag, Waiting};
use headwater_projectors::ShardStatus;
use headwater_runtime::Runtime;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How many tenants of one projection and context are named, the furthest behind.
const WORST: usize = 10;
/// How long the counts of what is parked are believed, so that scraping often costs nothing.
const BELIEVED: Duration = Duration::from_secs(10);
/// How long a scrape waits for them; then it gets those of before.
const PATIENCE: Duration = Duration::from_secs(2);

/// A generation of a projection within one context.
type Place = (String, u32, String);
/// Parked aggregates by place.
pub(super) type Counts = BTreeMap<Place, u64>;

/// What was counted, and since when that is known.
#[derive(Default)]
struct Known {
    since: Option<Duration>,
    parked: ParkedNow,
}

/// What a scrape is told.
#[derive(Clone, Default)]
pub(super) struct ParkedNow {
    counts: Counts,
    /// They could not be read: those are of before, or none.
    unknown: bool,
}

/// How many aggregates are parked, read anew from time to time.
#[derive(Clone)]
pub(super) struct ParkedCounts {
    known: Arc<Mutex<Known>>,
    runtime: Runtime,
}

impl ParkedCounts {
    pub(super) fn new(runtime: &Runtime) -> Self {
        Self {
            known: Arc::default(),
            runtime: runtime.clone(),
        }
    }

    pub(super) async fn now(&self, admin: &Admin) -> ParkedNow {
        let mut known = self.known.lock().await;
        let now = self.runtime.monotonic();
        if known.since.is_none_or(|since| now.saturating_sub(since) >= BELIEVED) {
            match self.runtime.timeout(PATIENCE, admin.parked_counts()).await {
                Ok(Ok(counts)) => {
                    let unknown = false;
                    *known = Known {
                        since: Some(now),
                        parked: ParkedNow { counts, unknown },
                    };
                    return known.parked.clone();
                }
                Ok(Err(problem)) => tracing::warn!(?problem, "what is parked cannot be counted"),
                Err(_) => tracing::warn!("what is parked was not counted in time"),
            }
            known.parked.unknown = true;
        }
        known.parked.clone()
    }
}

fn labels((projection, generation, context): &Place) -> Vec<(&'static str, String)> {
    vec![
        ("projection", projection.clone()),
        ("generation", generation.to_string()),
        ("context", context.clone()),
    ]
}

pub(super) fn exposition(lag: &Lag, parked: &ParkedNow) -> String {
    let mut places: BTreeMap<Place, Vec<&ShardStatus>> = BTreeMap::new();
    for shard in &lag.shards {
        let place = (shard.projection.to_owned(), shard.generation, shard.context.clone());
        places.entry(place).or_default().push(shard);
    }
    let waiting: BTreeMap<&Place, Waiting> = places
        .iter()
        .map(|(place, shards)| {
            let all = shards.iter().map(|shard| lag.of(shard, None));
            (place, all.fold(Waiting::default(), Waiting::and))
        })
        .collect();
    let tenants: Vec<(Vec<(&'static str, String)>, Waiting)> = places
        .iter()
        .flat_map(|(place, shards)| {
            let worst = lag.worst(shards.iter().copied(), WORST);
            worst.into_iter().map(move |(tenant, waiting)| {
                let mut labels = labels(place);
                labels.push(("tenant", tenant.as_str().to_owned()));
                (labels, waiting)
            })
        })
        .collect();
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, lines: Vec<(Vec<(&'static str, String)>, f64)>| {
        family(&mut text, (name, "gauge", help), lines);
    };
    gauge(
        "headwater_projection_lag_events",
        "Commits that wait to be applied, in the shards that this process reads.",
        waiting
            .iter()
            .map(|(place, waiting)| (labels(place), waiting.events as f64))
            .collect(),
    );
    gauge(
        "headwater_projection_lag_seconds",
        "For how long the oldest of them has waited.",
        waiting
            .iter()
            .map(|(place, waiting)| (labels(place), waiting.time.as_secs_f64()))
            .collect(),
    );
    gauge(
        "headwater_projection_tenant_lag_events",
        "The same of the tenants that are furthest behind.",
        tenants
            .iter()
            .map(|(labels, waiting)| (labels.clone(), waiting.events as f64))
            .collect(),
    );
    gauge(
        "headwater_projection_tenant_lag_seconds",
        "The same of the tenants that are furthest behind.",
        tenants
            .into_iter()
            .map(|(labels, waiting)| (labels, waiting.time.as_secs_f64()))
            .collect(),
    );
    gauge(
        "headwater_projection_shards",
        "Shards that this process reads.",
        places
            .iter()
            .map(|(place, shards)| (labels(place), shards.len() as f64))
            .collect(),
    );
    gauge(
        "headwater_projection_recovering",
        "Whether it catches up from the log.",
        places
            .iter()
            .map(|(place, shards)| {
                let recovering = shards.iter().any(|shard| shard.recovering);
                (labels(place), f64::from(u8::from(recovering)))
            })
            .collect(),
    );
    gauge(
        "headwater_projection_parked",
        "Aggregates that it cannot follow further until somebody acts: headwater parked list. Every process counts all of them, to 10,000.",
        parked
            .counts
            .iter()
            .map(|(place, count)| (labels(place), *count as f64))
            .collect(),
    );
    gauge(
        "headwater_projection_parked_unknown",
        "1 while what is parked cannot be counted: headwater_projection_parked is of before then, or silent.",
        vec![(Vec::new(), f64::from(u8::from(parked.unknown)))],
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_kernel::{TenantId, Timestamp};

    #[test]
    fn lag_adds_up_over_shards_and_names_ten_tenants_at_most() {
        let second = Duration::from_secs(1);
        let (start, now) = (Timestamp::from_nanos(0), Timestamp::from_nanos(0).plus(second * 100));
        let shard = |name: &str, tenants: std::ops::Range<u32>| ShardStatus {
            projection: "leads",
            generation: 2,
            context: "crm".into(),
            shard: name.into(),
            behind: tenants
                .map(|n| {
                    (
                        TenantId::new(&format!("t{n}")).unwrap(),
                        (u64::from(n), start.plus(second * n)),
                    )
                })
                .collect(),
            at_tip: true,
            read_at: now,
            recovering: name == "b",
            parked: 0,
            drained: false,
        };
        let lag = Lag {
            now,
            shards: vec![shard("a", 1..9), shard("b", 5..20)],
        };
        let parked = ParkedNow {
            counts: Counts::from([(("leads".to_owned(), 2, "crm".to_owned()), 3)]),
            unknown: true,
        };
        let text = exposition(&lag, &parked);
        let of = "{projection=\"leads\",generation=\"2\",context=\"crm\"}";
        for line in [
            format!("headwater_projection_lag_events{of} 216"),
            format!("headwater_projection_lag_seconds{of} 99"),
            format!("headwater_projection_shards{of} 2"),
            format!("headwater_projection_recovering{of} 1"),
            format!("headwater_projection_parked{of} 3"),
            "headwater_projection_parked_unknown{} 1".to_owned(),
            "headwater_projection_tenant_lag_seconds{projection=\"leads\",generation=\"2\",context=\"crm\",tenant=\"t1\"} 99"
                .to_owned(),
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("tenant_lag_events{").count(), WORST, "{text}");
    }
}
