use super::*;
use headwater_kernel::testing::given;
use serde_json::{Value, json};

/// A time before [`given`]'s.
const TIME: &str = "2023-11-14T22:00:00Z";

fn record(points: Value) -> Command {
    serde_json::from_value(json!({ "record": { "points": points } })).unwrap()
}

fn point(time: &str, dimensions: Value) -> Value {
    json!({ "time": time, "value": 1.5, "dimensions": dimensions })
}

#[test]
fn what_is_recorded_is_as_it_was_sent() {
    let points = json!([point(TIME, json!({ "plan": "pro" })), { "time": TIME, "value": -3 }]);
    let Command::Record { points: expected } = record(points.clone());
    given::<Meter>([])
        .when(record(points))
        .then([Event::PointsRecorded { points: expected }]);
}

#[test]
fn a_point_that_cannot_be_kept_is_refused_where_it_stands() {
    let dimensions = |count: usize| -> Value {
        (0..count)
            .map(|n| (format!("d{n}"), json!("x")))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    for (bad, code, pointer) in [
        (
            point("2023-11-14T22:29:00Z", json!({})),
            "in-the-future",
            "/points/1/time",
        ),
        (point("2023-08-16T22:00:00Z", json!({})), "too-old", "/points/1/time"),
        (point(TIME, dimensions(9)), "too-many", "/points/1/dimensions"),
        (
            point(TIME, json!({ "Plan": "x" })),
            "dimension-name",
            "/points/1/dimensions",
        ),
        (
            point(TIME, json!({ "": "x" })),
            "dimension-name",
            "/points/1/dimensions",
        ),
        (
            point(TIME, json!({ "a".repeat(65): "x" })),
            "dimension-name",
            "/points/1/dimensions",
        ),
        (
            point(TIME, json!({ "plan": " " })),
            "blank",
            "/points/1/dimensions/plan",
        ),
        (
            point(TIME, json!({ "plan": "a\nb" })),
            "control-character",
            "/points/1/dimensions/plan",
        ),
        (point(TIME, json!({ "plan": "first" })), "duplicate-point", "/points/1"),
    ] {
        let points = json!([point(TIME, json!({ "plan": "first" })), bad]);
        given::<Meter>([]).when(record(points)).then_rejected(code, pointer);
    }
    for (time, taken) in [("2023-11-14T22:28:00Z", true), ("2023-08-16T22:14:00Z", true)] {
        let points = json!([point(time, dimensions(8))]);
        let decision = Meter::default().decide(record(points), &facts("calls"));
        assert_eq!(decision.is_ok(), taken, "{time}: {decision:?}");
    }
}

#[test]
fn a_command_records_one_to_a_thousand_points() {
    let many = |count: usize| -> Value { (0..count).map(|n| point(TIME, json!({ "n": n.to_string() }))).collect() };
    for (count, code) in [(0, "no-points"), (1_001, "too-many")] {
        given::<Meter>([])
            .when(record(many(count)))
            .then_rejected(code, "/points");
    }
    assert!(Meter::default().decide(record(many(1_000)), &facts("calls")).is_ok());
}

#[test]
fn numbers_that_are_none_are_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let time = Timestamp::parse(TIME).unwrap();
        let dimensions = BTreeMap::new();
        let points = vec![Point {
            time,
            value,
            dimensions,
        }];
        given::<Meter>([])
            .when(Command::Record { points })
            .then_rejected("not-finite", "/points/0/value");
    }
}

#[test]
fn series_that_are_made_from_events_cannot_be_recorded() {
    let decide = |id: &str| Meter::default().decide(record(json!([point(TIME, json!({}))])), &facts(id));
    for id in ["orders.placed", "platform.commands", "crm."] {
        assert_eq!(decide(id).unwrap_err().code, "reserved-name", "{id}");
    }
    for id in ["orders", "my.orders.placed", "Orders.placed"] {
        assert!(decide(id).is_ok(), "{id}");
    }
}

fn facts(id: &str) -> Facts {
    use headwater_kernel::{Actor, Id, TenantId};
    Facts {
        tenant: TenantId::new("test").unwrap(),
        id: Id::new(id).unwrap(),
        actor: Actor::new("user:tester"),
        now: Timestamp::from_nanos(1_700_000_000_000_000_000),
    }
}
