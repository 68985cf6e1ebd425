//! Given what happened to an order, when something is asked of it, then this happens.

use super::*;
use headwater_kernel::{decode_command, testing::given};
use serde_json::{Value, json};

fn command(name: &str, payload: Value) -> Command {
    decode_command(name, payload).unwrap()
}

fn event(event_type: &str, data: Value) -> Event {
    serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
}

fn line(id: &str, quantity: u32, unit_price_cents: i64) -> Value {
    json!({
        "line_id": id, "product_id": "P1", "sku": "S-1", "title": "Kettle", "quantity": quantity,
        "unit_price_cents": unit_price_cents
    })
}

fn place(lines: Value) -> Command {
    command(
        "place",
        json!({ "customer_id": "C1", "currency": "EUR", "lines": lines }),
    )
}

/// Three of line a, two of line b.
fn lines() -> Value {
    json!([line("a", 3, 1_999), line("b", 2, 50)])
}

fn placed() -> Event {
    event(
        "OrderPlaced",
        json!({ "customer_id": "C1", "currency": "EUR", "lines": lines() }),
    )
}

fn confirmed() -> Vec<Event> {
    let assigned = event("OrderFulfilmentCentreAssigned", json!({ "fulfilment_centre": "LEJ1" }));
    vec![placed(), assigned, event("OrderConfirmed", json!({}))]
}

fn ship(id: &str, quantities: Value) -> Command {
    let tracking = format!("1Z-{id}");
    let mut payload = json!({ "shipment_id": id, "carrier": "DHL", "tracking_number": tracking });
    if !quantities.is_null() {
        payload["quantities"] = quantities;
    }
    command("ship", payload)
}

fn shipped(id: &str, quantities: Value) -> Event {
    event(
        "OrderShipped",
        json!({
            "shipment_id": id, "fulfilment_centre": "LEJ1", "carrier": "DHL", "tracking_number": format!("1Z-{id}"),
            "quantities": quantities
        }),
    )
}

fn after(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    confirmed().into_iter().chain(more).collect()
}

#[test]
fn is_placed_once_and_its_sum_is_exact() {
    let order = given::<Order>([]).when(place(lines())).then([placed()]);
    assert_eq!(order.total().unwrap().cents, 3 * 1_999 + 2 * 50);
    for history in [
        vec![placed()],
        vec![placed(), event("OrderCancelled", json!({}))],
        confirmed(),
    ] {
        given::<Order>(history)
            .when(place(lines()))
            .then_rejected("already-exists", "");
    }
}

#[test]
fn is_not_placed_with_what_cannot_be_ordered() {
    for (lines, code, pointer) in [
        (json!([]), "no-lines", "/lines"),
        (
            json!([line("a", 1, 1), line("a", 1, 1)]),
            "duplicate-line",
            "/lines/1/line_id",
        ),
        (json!([line("a", 0, 1)]), "quantity-out-of-range", "/lines/0/quantity"),
        (
            json!([line("a", 1_000_001, 1)]),
            "quantity-out-of-range",
            "/lines/0/quantity",
        ),
        (json!([line("a", 1, -1)]), "negative-price", "/lines/0/unit_price_cents"),
        (
            json!([line("a", 2, i64::MAX / 2), line("b", 1, 2)]),
            "amount-too-large",
            "/lines/1/unit_price_cents",
        ),
    ] {
        given::<Order>([]).when(place(lines)).then_rejected(code, pointer);
    }
    let most = |n: usize| (0..n).map(|n| line(&n.to_string(), 1, 1)).collect::<Value>();
    given::<Order>([])
        .when(place(most(MAX_LINES + 1)))
        .then_rejected("too-many", &format!("/lines/{MAX_LINES}"));
    let just = json!([line("a", 1, i64::MAX - 1), line("b", 1, 1)]);
    let order = given::<Order>([]).when(place(just.clone())).then([event(
        "OrderPlaced",
        json!({ "customer_id": "C1", "currency": "EUR", "lines": just }),
    )]);
    assert_eq!(order.total().unwrap().cents, i64::MAX);
}

#[test]
fn its_lines_change_until_it_is_confirmed() {
    let add = |id: &str, price| command("add-line", line(id, 1, price));
    let remove = |id: &str| command("remove-line", json!({ "line_id": id }));
    let removed = |id: &str| event("OrderLineRemoved", json!({ "line_id": id }));
    given::<Order>([placed()])
        .when(add("c", 7))
        .then([event("OrderLineAdded", line("c", 1, 7))]);
    given::<Order>([placed()])
        .when(add("a", 7))
        .then_rejected("duplicate-line", "/line_id");
    given::<Order>([placed()])
        .when(add("c", i64::MAX))
        .then_rejected("amount-too-large", "/unit_price_cents");
    given::<Order>([placed()]).when(remove("a")).then([removed("a")]);
    given::<Order>([placed()])
        .when(remove("c"))
        .then_rejected("no-such-line", "/line_id");
    given::<Order>([placed(), removed("a")])
        .when(remove("b"))
        .then_rejected("no-lines", "/line_id");
    for late in [add("c", 7), remove("a")] {
        given::<Order>(confirmed())
            .when(late)
            .then_rejected("order-confirmed", "");
    }
    given::<Order>(confirmed()).when(command("confirm", json!({}))).then([]);
}

#[test]
fn ships_in_parts_and_never_more_than_was_ordered() {
    let two = json!({ "a": 2 });
    given::<Order>(confirmed())
        .when(ship("s1", two.clone()))
        .then([shipped("s1", two.clone())]);
    let one = || shipped("s1", json!({ "a": 2 }));
    given::<Order>(after([one()]))
        .when(ship("s2", Value::Null))
        .then([shipped("s2", json!({ "a": 1, "b": 2 }))]);
    for (quantities, code, pointer) in [
        (two, "more-than-ordered", "/quantities/a"),
        (json!({ "b": 3 }), "more-than-ordered", "/quantities/b"),
        (json!({ "b": 0 }), "no-quantity", "/quantities/b"),
        (json!({ "x/y": 1 }), "no-such-line", "/quantities/x~1y"),
        (json!({}), "no-quantity", "/quantities"),
    ] {
        given::<Order>(after([one()]))
            .when(ship("s2", quantities))
            .then_rejected(code, pointer);
    }
    given::<Order>(after([one()]))
        .when(ship("s1", json!({ "b": 1 })))
        .then_rejected("duplicate-shipment", "/shipment_id");
    let same = json!({ "shipment_id": "s2", "carrier": "DHL", "tracking_number": "1Z-s1" });
    given::<Order>(after([one()]))
        .when(command("ship", same))
        .then_rejected("duplicate-shipment", "/tracking_number");
    let rest = shipped("s2", json!({ "a": 1, "b": 2 }));
    for late in [
        ship("s3", Value::Null),
        command("assign-fulfilment-centre", json!({ "fulfilment_centre": "BER2" })),
    ] {
        given::<Order>(after([one(), rest.clone()]))
            .when(late)
            .then_rejected("nothing-left", "");
    }
}

#[test]
fn ships_only_once_confirmed_and_from_somewhere() {
    let all = || ship("s1", Value::Null);
    given::<Order>([placed()])
        .when(all())
        .then_rejected("not-confirmed", "");
    given::<Order>([placed(), event("OrderConfirmed", json!({}))])
        .when(all())
        .then_rejected("no-fulfilment-centre", "");
    let elsewhere = command("assign-fulfilment-centre", json!({ "fulfilment_centre": "BER2" }));
    given::<Order>(after([shipped("s1", json!({ "a": 1 }))]))
        .when(elsewhere)
        .then([event(
            "OrderFulfilmentCentreAssigned",
            json!({ "fulfilment_centre": "BER2" }),
        )]);
    let same = command("assign-fulfilment-centre", json!({ "fulfilment_centre": "LEJ1" }));
    given::<Order>(confirmed()).when(same).then([]);
}

#[test]
fn only_what_was_delivered_comes_back() {
    let deliver = |id: &str| command("deliver", json!({ "shipment_id": id }));
    let back = |quantity: u32| command("return", json!({ "quantities": { "a": quantity } }));
    let returned = |quantity: u32| event("OrderItemsReturned", json!({ "quantities": { "a": quantity } }));
    let one = || shipped("s1", json!({ "a": 2 }));
    let delivered = || event("OrderDelivered", json!({ "shipment_id": "s1" }));
    given::<Order>(after([one()])).when(deliver("s1")).then([delivered()]);
    given::<Order>(after([one(), delivered()])).when(deliver("s1")).then([]);
    given::<Order>(after([one()]))
        .when(deliver("s2"))
        .then_rejected("no-such-shipment", "/shipment_id");
    given::<Order>(after([one()]))
        .when(back(1))
        .then_rejected("more-than-delivered", "/quantities/a");
    given::<Order>(after([one(), delivered()]))
        .when(back(2))
        .then([returned(2)]);
    given::<Order>(after([one(), delivered(), returned(1)]))
        .when(back(2))
        .then_rejected("more-than-delivered", "/quantities/a");
}

#[test]
fn is_cancelled_until_something_was_shipped() {
    let cancel = || command("cancel", json!({ "reason": "changed my mind" }));
    let cancelled = || event("OrderCancelled", json!({ "reason": "changed my mind" }));
    given::<Order>([placed()]).when(cancel()).then([cancelled()]);
    given::<Order>(confirmed()).when(cancel()).then([cancelled()]);
    given::<Order>(after([shipped("s1", json!({ "a": 1 }))]))
        .when(cancel())
        .then_rejected("order-shipped", "");
    for late in [cancel(), command("confirm", json!({})), ship("s1", Value::Null)] {
        given::<Order>(after([cancelled()]))
            .when(late)
            .then_rejected("order-cancelled", "");
    }
    given::<Order>([]).when(cancel()).then_rejected("not-found", "");
}

#[test]
fn to_whom_it_goes_is_the_customers_data_and_stays_correctable() {
    let personal = |value: &str| json!({ "$pd": { "v": 0, "subject": "C1", "value": value } });
    let payload =
        json!({ "customer_id": "C1", "lines": lines(), "ship_to_name": "Ada", "ship_to_address": "1 Main St\nLondon" });
    let placed = event(
        "OrderPlaced",
        json!({
            "customer_id": "C1", "currency": "USD", "lines": lines(), "ship_to_name": personal("Ada"),
            "ship_to_address": personal("1 Main St\nLondon")
        }),
    );
    given::<Order>([])
        .when(command("place", payload))
        .then([placed.clone()]);
    let correct = |payload| command("correct-ship-to", payload);
    let cancelled = || event("OrderCancelled", json!({}));
    given::<Order>([placed.clone(), cancelled()])
        .when(correct(
            json!({ "ship_to_name": "Ada L.", "ship_to_address": "1 Main St\nLondon" }),
        ))
        .then([event(
            "OrderShipToCorrected",
            json!({ "ship_to_name": personal("Ada L.") }),
        )]);
    given::<Order>([placed.clone()])
        .when(correct(json!({ "ship_to_name": "Ada" })))
        .then([]);
    for (payload, code, pointer) in [
        (json!({ "ship_to_name": "a\nb" }), "control-character", "/ship_to_name"),
        (json!({ "ship_to_address": "\n " }), "blank", "/ship_to_address"),
        (
            json!({ "ship_to_address": "x".repeat(501) }),
            "too-long",
            "/ship_to_address",
        ),
    ] {
        given::<Order>([placed.clone()])
            .when(correct(payload))
            .then_rejected(code, pointer);
    }
}

#[test]
fn the_largest_order_fits_a_commit_and_its_state_survives_a_snapshot() {
    let id = |n: usize| format!("{n:03}{}", "🦀".repeat(63));
    let lines: Vec<_> = (0..MAX_LINES)
        .map(|n| {
            json!({
                "line_id": id(n), "product_id": id(n), "variant_id": id(n), "sku": "🦀".repeat(255), "title": "🦀".repeat(200),
                "quantity": MAX_QUANTITY, "unit_price_cents": 1
            })
        })
        .collect();
    let data = json!({ "customer_id": id(0), "currency": "EUR", "lines": lines });
    let order = given::<Order>([])
        .when(command("place", data.clone()))
        .then([event("OrderPlaced", data.clone())]);
    assert!(data.to_string().len() < 300_000, "{}", data.to_string().len());
    let snapshot = serde_json::to_string(&order).unwrap();
    assert_eq!(serde_json::from_str::<Order>(&snapshot).unwrap(), order);
}
