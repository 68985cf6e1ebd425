//! Bins, intervals, late points, gaps and groups.

use super::{Store, point, query};
use headwater_metrics::{Fill, Query, Stat};
use headwater_read_models::metrics::Point;

pub(crate) async fn bins_are_half_open_in_utc(store: Store) {
    let points = [
        ("2026-03-01T00:00:00Z", 1.0),
        ("2026-03-01T00:59:59.999999999Z", 2.0),
        ("2026-03-01T01:00:00Z", 4.0),
        ("2026-03-01T23:59:59.999999999Z", 8.0),
        ("2026-03-02T00:00:00Z", 16.0),
    ];
    let points = points.map(|(time, value)| point("s", time, &[], value)).to_vec();
    store.write("acme", points).await;
    let by_hour = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1h", Stat::Sum);
    assert_eq!(
        store.shown("acme", &by_hour).await,
        [
            "2026-03-01T00:00:00Z=3",
            "2026-03-01T01:00:00Z=4",
            "2026-03-01T23:00:00Z=8"
        ]
    );
    let by_day = query("s", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", "1d", Stat::Sum);
    assert_eq!(
        store.shown("acme", &by_day).await,
        ["2026-03-01T00:00:00Z=15", "2026-03-02T00:00:00Z=16"]
    );
}

pub(crate) async fn what_an_interval_cuts_counts_as_far_as_it_lies_within(store: Store) {
    let points = (0..24 * 60).map(|minute| {
        let time = format!("2026-03-01T{:02}:{:02}:30Z", minute / 60, minute % 60);
        point("s", &time, &[], 1.0)
    });
    store.write("acme", points.collect()).await;
    let cut = query("s", "2026-03-01T10:00:30Z", "2026-03-01T12:00:30Z", "1h", Stat::Count);
    assert_eq!(
        store.shown("acme", &cut).await,
        ["2026-03-01T10:00:00Z=60", "2026-03-01T11:00:00Z=60"]
    );
    let cut = query(
        "s",
        "2026-03-01T10:00:30.000000001Z",
        "2026-03-01T12:00:30.000000001Z",
        "1d",
        Stat::Sum,
    );
    assert_eq!(store.shown("acme", &cut).await, ["2026-03-01T00:00:00Z=120"]);
}

pub(crate) async fn times_before_1970_have_bins_too(store: Store) {
    let points = vec![
        point("s", "1969-12-31T23:59:59.5Z", &[], 1.0),
        point("s", "1970-01-01T00:00:00Z", &[], 2.0),
    ];
    store.write("acme", points).await;
    for (bin, first) in [("1m", "23:59"), ("1h", "23:00"), ("1d", "00:00")] {
        let query = query("s", "1969-12-31T00:00:00Z", "1970-01-02T00:00:00Z", bin, Stat::Sum);
        assert_eq!(
            store.shown("acme", &query).await,
            [format!("1969-12-31T{first}:00Z=1"), "1970-01-01T00:00:00Z=2".to_owned()]
        );
    }
}

pub(crate) async fn late_points_reach_the_rollups(store: Store) {
    let by = |bin: &str| query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", bin, Stat::Max);
    store
        .write("acme", vec![point("s", "2026-03-01T10:30:00Z", &[], 1.0)])
        .await;
    assert_eq!(store.shown("acme", &by("1d")).await, ["2026-03-01T00:00:00Z=1"]);
    store
        .write("acme", vec![point("s", "2026-03-01T09:00:00Z", &[], 7.0)])
        .await;
    assert_eq!(store.shown("acme", &by("1d")).await, ["2026-03-01T00:00:00Z=7"]);
    assert_eq!(
        store.shown("acme", &by("1h")).await,
        ["2026-03-01T09:00:00Z=7", "2026-03-01T10:00:00Z=1"]
    );
}

pub(crate) async fn gaps_are_filled_as_asked(store: Store) {
    store
        .write("acme", vec![point("s", "2026-03-01T01:10:00Z", &[], 5.0)])
        .await;
    for (fill, expected) in [
        (Fill::None, vec!["1=5"]),
        (Fill::Null, vec!["0=-", "1=5", "2=-"]),
        (Fill::Zero, vec!["0=0", "1=5", "2=0"]),
        (Fill::Previous, vec!["0=-", "1=5", "2=5"]),
    ] {
        for stat in [Stat::Avg, Stat::P50] {
            let query = Query {
                fill,
                ..query("s", "2026-03-01T00:00:00Z", "2026-03-01T03:00:00Z", "1h", stat)
            };
            let shown = store.shown("acme", &query).await;
            let expected: Vec<_> = expected
                .iter()
                .map(|bin| bin.replacen('=', ":00:00Z=", 1))
                .map(|bin| format!("2026-03-01T0{bin}"))
                .collect();
            assert_eq!(shown, expected, "{fill:?}");
        }
    }
    let nothing = Query {
        fill: Fill::Zero,
        ..query("never", "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", "1h", Stat::Sum)
    };
    assert_eq!(store.shown("acme", &nothing).await, ["2026-03-01T00:00:00Z=0"]);
}

pub(crate) async fn groups_are_by_what_points_have(store: Store) {
    let time = "2026-03-01T01:10:00Z";
    let points = vec![
        point("s", time, &[("plan", "pro"), ("zone", "eu")], 1.0),
        point("s", time, &[("plan", "pro"), ("zone", "us")], 2.0),
        point("s", time, &[("plan", "free")], 4.0),
        point("s", time, &[], 8.0),
    ];
    store.write("acme", points).await;
    let all = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", Stat::Sum);
    let by = |names: &[&str]| Query {
        group_by: names.iter().map(|name| (*name).to_owned()).collect(),
        ..all.clone()
    };
    let day = "2026-03-01T00:00:00Z";
    assert_eq!(store.shown("acme", &all).await, [format!("{day}=15")]);
    assert_eq!(
        store.shown("acme", &by(&["plan"])).await,
        [
            format!("{day}=8"),
            format!("plan:free {day}=4"),
            format!("plan:pro {day}=3")
        ]
    );
    assert_eq!(store.shown("acme", &by(&["zone", "plan"])).await.len(), 4);
    let europe = Query {
        filters: [("zone".to_owned(), vec!["eu".to_owned()])].into(),
        ..all.clone()
    };
    assert_eq!(store.shown("acme", &europe).await, [format!("{day}=1")]);
}

pub(crate) async fn two_events_of_two_writers_at_one_time_are_two_points(store: Store) {
    let one = point("orders", "2026-03-01T01:10:00Z", &[("currency", "EUR")], 5.0);
    let other = Point {
        writer: 8,
        ..one.clone()
    };
    store.write("acme", vec![one.clone(), other]).await;
    store.write("acme", vec![one]).await;
    let query = query(
        "orders",
        "2026-03-01T00:00:00Z",
        "2026-03-02T00:00:00Z",
        "1d",
        Stat::Sum,
    );
    assert_eq!(store.shown("acme", &query).await, ["2026-03-01T00:00:00Z=10"]);
}
