//! What is measured, event by event.

use super::*;
use crate::{DocumentFold, RowFold, RowsFold};
use headwater_kernel::{Actor, AggregateRegistry, Id};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The points of these events, one a second, each in a commit of its own.
fn measured<F: MetricFold>(of: &str, events: &[(&str, Value)]) -> Vec<Point> {
    let (id, actor) = (Id::new(of).unwrap(), Actor::new("user:tester"));
    let mut state = F::empty(&id);
    for (sequence, (event_type, data)) in (1..).zip(events) {
        let event = serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap();
        let at = EventContext {
            id: &id,
            sequence,
            time: Timestamp::from_nanos(sequence as i64),
            actor: &actor,
            writer: 7,
            begins_commit: true,
        };
        state.apply(&at, &event);
    }
    state.measured().take()
}

/// The points of a series as `time dimensions=value`.
fn shown(points: &[Point], series: &str) -> Vec<String> {
    let of_series = points.iter().filter(|point| point.series == series);
    of_series
        .map(|point| {
            assert_eq!((point.writer, point.version), (7, 1));
            let by: Vec<&str> = point.dimensions.values().map(String::as_str).collect();
            format!("{} {}={}", point.time.nanos(), by.join(","), point.value)
        })
        .collect()
}

fn line(id: &str, quantity: u32, cents: i64) -> Value {
    json!({ "line_id": id, "product_id": "P", "sku": "S", "title": "T", "quantity": quantity, "unit_price_cents": cents })
}

#[test]
fn an_order_is_worth_what_is_left_of_it() {
    let placed = json!({ "customer_id": "C", "currency": "EUR", "lines": [line("1", 2, 500), line("2", 1, 99)] });
    let kept = measured::<orders::OrderMeasures>(
        "O1",
        &[
            ("OrderPlaced", placed.clone()),
            ("OrderLineAdded", line("3", 1, 1)),
            ("OrderLineRemoved", json!({ "line_id": "2" })),
            ("OrderConfirmed", json!({})),
            ("OrderItemsReturned", json!({ "quantities": { "1": 1 } })),
        ],
    );
    assert_eq!(shown(&kept, "orders.placed"), ["1 EUR=1"]);
    assert_eq!(
        shown(&kept, "orders.revenue"),
        ["1 EUR=1099", "2 EUR=1", "3 EUR=-99", "5 EUR=-500"]
    );
    assert_eq!(shown(&kept, "platform.commands").len(), 5);
    let cancelled = measured::<orders::OrderMeasures>("O2", &[("OrderPlaced", placed), ("OrderCancelled", json!({}))]);
    assert_eq!(shown(&cancelled, "orders.revenue"), ["1 EUR=1099", "2 EUR=-1099"]);
}

#[test]
fn an_invoice_counts_when_it_is_issued() {
    let time = "2026-11-01T00:00:00Z";
    let points = measured::<invoices::InvoiceMeasures>(
        "I1",
        &[
            ("InvoiceDrafted", json!({ "customer_id": "C", "currency": "CHF" })),
            (
                "InvoiceIssued",
                json!({ "number": "1", "issued_at": time, "due_at": time, "net_cents": 100, "tax_cents": 8, "total_cents": 108 }),
            ),
            (
                "InvoiceCredited",
                json!({ "credit_note_id": "N", "number": "2", "amount_cents": 8, "reason": "r", "issued_at": time }),
            ),
            (
                "InvoicePaymentRecorded",
                json!({ "payment_id": "P", "amount_cents": 100, "paid_at": time }),
            ),
            (
                "InvoiceRefundRecorded",
                json!({ "refund_id": "R", "amount_cents": 40, "refunded_at": time }),
            ),
            ("InvoiceVoided", json!({})),
        ],
    );
    assert_eq!(
        shown(&points, "billing.invoiced"),
        ["2 CHF=108", "3 CHF=-8", "6 CHF=-100"]
    );
    assert_eq!(shown(&points, "billing.paid"), ["4 CHF=100", "5 CHF=-40"]);
}

#[test]
fn the_pipeline_moves_from_stage_to_stage() {
    let opened = json!({ "account_id": "A", "name": "N", "amount_cents": 500, "currency": "USD" });
    let points = measured::<opportunities::OpportunityMeasures>(
        "D1",
        &[
            ("OpportunityOpened", opened),
            ("OpportunityAmountChanged", json!({ "amount_cents": 700 })),
            ("OpportunityWon", json!({})),
        ],
    );
    // Dimensions are shown in order of their names: currency, stage.
    assert_eq!(
        shown(&points, "crm.pipeline-value"),
        ["1 USD,open=500", "2 USD,open=200", "3 USD,open=-700", "3 USD,won=700"]
    );
}

#[test]
fn prices_and_commands_are_counted() {
    let changed = || ("ProductPriceChanged", json!({ "price_cents": 1, "currency": "USD" }));
    let points =
        measured::<products::ProductMeasures>("P1", &[changed(), ("ProductDiscontinued", json!({})), changed()]);
    assert_eq!(shown(&points, "catalog.price-changes"), ["1 USD=1", "3 USD=1"]);
    assert_eq!(
        shown(&points, "platform.commands"),
        ["1 products,catalog=1", "2 products,catalog=1", "3 products,catalog=1"]
    );
}

#[test]
fn a_recorded_point_is_its_callers_and_a_later_one_corrects_it() {
    let record = |value: f64| {
        let point = json!({ "time": "2026-11-01T00:00:00Z", "value": value, "dimensions": { "plan": "pro" } });
        ("PointsRecorded", json!({ "points": [point] }))
    };
    let points = measured::<meters::MeterMeasures>("calls", &[record(1.5), record(2.5)]);
    let of_meter: Vec<_> = points.iter().filter(|point| point.series == "calls").collect();
    let [first, second] = of_meter[..] else {
        panic!("{points:?}")
    };
    let identity = |point: &Point| (point.time, point.writer, point.dimensions.clone());
    assert_eq!(identity(first), identity(second));
    assert_eq!(first.writer, 0);
    assert_eq!(
        [(first.version, first.value), (second.version, second.value)],
        [(1, 1.5), (2, 2.5)]
    );
}

/// Sources of metric folds, and all aggregates.
#[derive(Default)]
struct Sources {
    folds: Vec<(&'static str, &'static str)>,
    all: BTreeSet<(&'static str, &'static str)>,
}

impl ProjectionRegistry for Sources {
    fn row<F: RowFold>(&mut self, _: &'static str) {}
    fn rows<F: RowsFold>(&mut self, _: &'static str) {}
    fn document<F: DocumentFold>(&mut self, _: &'static str) {}
    fn metric<F: MetricFold>(&mut self, projection: &'static str) {
        assert_eq!(projection, PROJECTION);
        self.folds.push((F::Source::CONTEXT, F::Source::NAME));
    }
}

impl AggregateRegistry for Sources {
    fn aggregate<A: Aggregate>(&mut self) {
        self.all.insert((A::CONTEXT, A::NAME));
    }
}

#[test]
fn every_aggregate_is_measured_once() {
    let mut sources = Sources::default();
    crate::register(&mut sources);
    headwater_catalog::register(&mut sources);
    headwater_crm::register(&mut sources);
    headwater_orders::register(&mut sources);
    headwater_billing::register(&mut sources);
    headwater_analytics::register(&mut sources);
    assert_eq!(
        sources.folds.len(),
        sources.all.len(),
        "one has two folds: {:?}",
        sources.folds
    );
    assert_eq!(sources.folds.iter().copied().collect::<BTreeSet<_>>(), sources.all);
}

#[test]
fn derived_series_have_names_that_no_caller_can_record() {
    for series in SERIES {
        let context = series.name.split('.').next().unwrap();
        assert!(
            [
                "analytics",
                "billing",
                "catalog",
                "crm",
                "integration",
                "orders",
                "platform"
            ]
            .contains(&context),
            "{}",
            series.name
        );
        assert_eq!(derived(series.name), Some(series));
        assert!(!series.dimensions.is_empty() && !series.description.is_empty() && !series.unit.is_empty());
    }
    assert_eq!(derived("orders"), None);
}
