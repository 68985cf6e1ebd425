//! What is refused, and what is kept.

use super::{Store, at, point, query};
use headwater_kernel::Timestamp;
use headwater_metrics::{Error, Fill, PointWrite, Query, Stat};
use headwater_read_models::metrics::Point;

pub(crate) async fn too_much_is_refused_before_it_is_read(store: Store) {
    let scope = headwater_tenancy::testing::scope("acme").await;
    let day = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1m", Stat::Sum);
    let ask = async |query: Query| store.store.query(&scope, &query).await;
    let year = Query {
        to: at("2027-03-01T00:00:00Z"),
        ..day.clone()
    };
    assert!(matches!(ask(year).await, Err(Error::TooManyBins { bins: 525_600, .. })));
    for to in [day.from, Timestamp::from_nanos(day.from.nanos() - 1)] {
        let empty = Query { to, ..day.clone() };
        assert!(matches!(ask(empty).await, Err(Error::EmptyInterval)));
    }
    let all_time = Query {
        from: Timestamp::from_nanos(i64::MIN),
        to: Timestamp::from_nanos(i64::MAX),
        bin: "1d".parse().unwrap(),
        ..day.clone()
    };
    assert!(matches!(ask(all_time).await, Err(Error::TooManyBins { .. })));
    let points: Vec<Point> = (0..1_001)
        .map(|n| point("s", "2026-03-01T01:10:00Z", &[("n", &n.to_string())], 1.0))
        .collect();
    store.write("acme", points).await;
    let by_n = Query {
        group_by: vec!["n".to_owned()],
        bin: "1d".parse().unwrap(),
        ..day.clone()
    };
    assert!(matches!(ask(by_n).await, Err(Error::TooManyGroups { .. })));
    let filled = Query {
        group_by: vec!["n".to_owned()],
        filters: [("n".to_owned(), (0..10).map(|n| n.to_string()).collect())].into(),
        fill: Fill::Zero,
        ..day.clone()
    };
    assert!(matches!(
        ask(filled).await,
        Err(Error::TooManyBins { bins: 14_400, .. })
    ));
    let grouped = Query {
        group_by: vec!["m".to_owned()],
        ..day.clone()
    };
    // No point passes these, but that is not what is wrong.
    let filtered = Query {
        filters: [("m".to_owned(), vec!["1".to_owned()])].into(),
        ..day.clone()
    };
    let before = Query {
        from: at("2026-02-01T00:00:00Z"),
        to: at("2026-02-02T00:00:00Z"),
        ..grouped.clone()
    };
    for unknown in [grouped, filtered.clone(), before] {
        match ask(unknown).await {
            Err(Error::UnknownDimension { dimension, known }) => {
                assert_eq!((dimension.as_str(), known), ("m", vec!["n".to_owned()]))
            }
            other => panic!("{other:?}"),
        }
    }
    // A series without points has no dimensions to name.
    let series = "another".to_owned();
    assert_eq!(ask(Query { series, ..filtered }).await.unwrap().items, []);
}

pub(crate) async fn numbers_that_are_none_are_refused_and_nothing_is_written(store: Store) {
    let scope = headwater_tenancy::testing::scope("acme").await;
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let points = vec![
            point("s", "2026-03-01T01:10:00Z", &[], 1.0),
            point("s", "2026-03-01T01:11:00Z", &[], value),
        ];
        let scope = scope.clone();
        let written = store.store.write(vec![PointWrite { scope, points }]).await;
        assert!(matches!(written, Err(Error::NotFinite { .. })), "{written:?}");
    }
    assert_eq!(store.store.series(&scope).await.unwrap(), []);
}

pub(crate) async fn a_sum_beyond_what_a_number_holds_has_no_value(store: Store) {
    let points = |time: &str, value| {
        let other = Point {
            writer: 8,
            ..point("s", time, &[], value)
        };
        vec![point("s", time, &[], value), other]
    };
    // Without end in the one minute and in the other, and together not even that.
    store.write("acme", points("2026-03-01T10:00:00Z", 1e308)).await;
    store.write("acme", points("2026-03-01T10:01:00Z", -1e308)).await;
    // What is written afterwards is not held up by it.
    store
        .write("acme", vec![point("s", "2026-03-01T10:02:00Z", &[], 1.0)])
        .await;
    let by = |bin: &str, stat| query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", bin, stat);
    for (stat, value) in [(Stat::Min, -1e308), (Stat::Max, 1e308), (Stat::Count, 5.0)] {
        let items = store.items("acme", &by("1d", stat)).await;
        assert_eq!(items.iter().map(|item| item.value).collect::<Vec<_>>(), [Some(value)]);
    }
    for stat in [Stat::Sum, Stat::Avg] {
        let items = store.items("acme", &by("1m", stat)).await;
        let values: Vec<_> = items.iter().map(|item| item.value).collect();
        assert_eq!(values, [None, None, Some(1.0)], "{stat:?}");
        let filled = Query {
            fill: Fill::Zero,
            ..by("1d", stat)
        };
        // What one adapter adds up minute by minute, another may in an order in which it never gets so far, or in which the 1 is lost.
        let items = store.items("acme", &filled).await;
        let values: Vec<_> = items.iter().map(|item| item.value).collect();
        let exact = if stat == Stat::Sum { 1.0 } else { 0.2 };
        assert!(
            [None, Some(exact), Some(0.0)].contains(&values[0]) && values.len() == 1,
            "{stat:?} {values:?}"
        );
    }
}

pub(crate) async fn what_was_answered_is_there_after_opening_again(store: Store) {
    let day = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", Stat::Sum);
    store
        .write("acme", vec![point("s", "2026-03-01T01:10:00Z", &[], 3.0)])
        .await;
    let positions = serde_json::json!({ "catalog": { "shard": "5" } });
    store.store.commit(positions.clone()).await.unwrap();
    let again = Store {
        store: (store.reopen)(),
        ..store
    };
    again
        .write("acme", vec![point("s", "2026-03-01T01:10:00Z", &[], 3.0)])
        .await;
    assert_eq!(again.shown("acme", &day).await, ["2026-03-01T00:00:00Z=3"]);
    let kept = again.store.positions().await.unwrap();
    assert_eq!(kept, again.store.keeps_positions().then_some(positions));
}
