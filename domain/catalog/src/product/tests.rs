//! Given what happened to a product, when something is asked of it, then this happens.

use super::*;
use headwater_kernel::{decode_command, encode_command, testing::given};
use serde_json::{Value, json};

fn toner() -> Value {
    json!({
        "sku": "006R90321", "title": "Xerox 006R90321 toner", "brand": "Xerox", "price_cents": 4995,
        "gtin": ["0095205603217"], "description": "6 per box", "attributes": { "n_quantity": 6, "b_refill": false },
        "released_at": "2009-12-10T00:00:00Z"
    })
}

/// The payload of [`toner`] with some members changed; null leaves one out.
fn toner_but(changes: Value) -> Value {
    let mut payload = toner();
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    payload
}

fn command(name: &str, payload: Value) -> Command {
    decode_command(name, payload).unwrap()
}

fn event(event_type: &str, data: Value) -> Event {
    serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
}

fn created() -> Event {
    event("ProductCreated", toner_but(json!({ "currency": "USD" })))
}

fn discontinued() -> Event {
    event("ProductDiscontinued", json!({}))
}

#[test]
fn is_created_once() {
    let product = given::<Product>([]).when(command("create", toner())).then([created()]);
    assert_eq!(
        product.claims(),
        [Claim {
            name: "gtin",
            value: "00095205603217".into(),
            pointer: "/gtin"
        }]
    );
    given::<Product>([created()])
        .when(command("create", toner()))
        .then_rejected("already-exists", "");
    given::<Product>([created(), discontinued()])
        .when(command("create", toner()))
        .then_rejected("already-exists", "");
}

#[test]
fn is_not_created_from_what_breaks_a_rule() {
    for (change, code, pointer) in [
        (json!({ "price_cents": -1 }), "negative-price", "/price_cents"),
        (json!({ "title": "  " }), "blank", "/title"),
        (json!({ "title": "x".repeat(1_001) }), "too-long", "/title"),
        (json!({ "sku": "" }), "blank", "/sku"),
        (json!({ "sku": "a\nb" }), "control-character", "/sku"),
        (json!({ "brand": "x".repeat(201) }), "too-long", "/brand"),
        (json!({ "category": "" }), "blank", "/category"),
        (json!({ "description": "x".repeat(20_001) }), "too-long", "/description"),
        (
            json!({ "gtin": ["0095205603217", "0095205603218"] }),
            "not-a-gtin",
            "/gtin/1",
        ),
        (
            json!({ "attributes": { "$pd": 1 } }),
            "reserved-name",
            "/attributes/$pd",
        ),
    ] {
        given::<Product>([])
            .when(command("create", toner_but(change.clone())))
            .then_rejected(code, pointer);
        given::<Product>([created()])
            .when(command("import", toner_but(change)))
            .then_rejected(code, pointer);
    }
}

#[test]
fn an_import_writes_only_what_differs() {
    given::<Product>([]).when(command("import", toner())).then([created()]);
    given::<Product>([created()]).when(command("import", toner())).then([]);
    let repeated = toner_but(json!({ "gtin": ["0095205603217", "095205603217"] }));
    given::<Product>([created()]).when(command("import", repeated)).then([]);
    given::<Product>([created()])
        .when(command("import", toner_but(json!({ "price_cents": 1 }))))
        .then([event(
            "ProductPriceChanged",
            json!({ "price_cents": 1, "currency": "USD" }),
        )]);
    let other =
        json!({ "sku": "S", "title": "T", "brand": "B", "price_cents": 4995, "currency": "EUR", "category": "Toner" });
    let product = given::<Product>([created()]).when(command("import", other.clone())).then([
        event("ProductPriceChanged", json!({ "price_cents": 4995, "currency": "EUR" })),
        event(
            "ProductRevised",
            json!({ "sku": "S", "title": "T", "brand": "B", "category": "Toner", "description": null, "released_at": null }),
        ),
        event("ProductGtinReplaced", json!({ "gtin": [] })),
        event("ProductAttributesReplaced", json!({ "attributes": {} })),
    ]);
    assert_eq!(
        product,
        given::<Product>([])
            .when(command("import", other.clone()))
            .then([event("ProductCreated", other)])
    );
    given::<Product>([created(), discontinued()])
        .when(command("import", toner()))
        .then_rejected("discontinued", "");
}

#[test]
fn its_price_is_never_negative() {
    let change = |price: i64| command("change-price", json!({ "price_cents": price }));
    let changed = |price: i64| {
        event(
            "ProductPriceChanged",
            json!({ "price_cents": price, "currency": "USD" }),
        )
    };
    given::<Product>([created()]).when(change(0)).then([changed(0)]);
    given::<Product>([created()]).when(change(4995)).then([]);
    given::<Product>([created(), changed(1)])
        .when(change(4995))
        .then([changed(4995)]);
    given::<Product>([created()])
        .when(change(-1))
        .then_rejected("negative-price", "/price_cents");
    given::<Product>([]).when(change(1)).then_rejected("not-found", "");
    given::<Product>([created(), discontinued()])
        .when(change(1))
        .then_rejected("discontinued", "");
}

#[test]
fn is_revised_member_by_member() {
    let revise = |payload| command("revise", payload);
    given::<Product>([created()]).when(revise(json!({}))).then([]);
    given::<Product>([created()])
        .when(revise(
            json!({ "title": "Toner", "brand": "Xerox", "description": null }),
        ))
        .then([event(
            "ProductRevised",
            json!({ "title": "Toner", "description": null }),
        )]);
    given::<Product>([created()])
        .when(revise(json!({ "title": "" })))
        .then_rejected("blank", "/title");
    assert!(decode_command::<Command>("revise", json!({ "title": 1 })).is_err());
    assert_eq!(
        decode_command::<Command>("revise", json!({ "colour": 1 }))
            .unwrap_err()
            .pointer,
        "/colour"
    );
}

#[test]
fn keeps_its_gtins_when_it_is_discontinued() {
    let set = |gtin: &[&str]| command("set-gtin", json!({ "gtin": gtin }));
    given::<Product>([created()])
        .when(set(&["96385074", "96385074"]))
        .then([event("ProductGtinReplaced", json!({ "gtin": ["96385074"] }))]);
    given::<Product>([created()]).when(set(&["0095205603217"])).then([]);
    given::<Product>([created()])
        .when(set(&["1"]))
        .then_rejected("not-a-gtin", "/gtin/0");
    let product = given::<Product>([created()])
        .when(command("discontinue", json!({})))
        .then([discontinued()]);
    assert_eq!(product.claims().len(), 1);
    given::<Product>([created(), discontinued()])
        .when(command("discontinue", json!({})))
        .then_rejected("discontinued", "");
}

#[test]
fn its_attributes_are_replaced_as_a_whole() {
    let set = |attributes: Value| command("set-attributes", json!({ "attributes": attributes }));
    given::<Product>([created()])
        .when(set(json!({ "n_quantity": 7 })))
        .then([event(
            "ProductAttributesReplaced",
            json!({ "attributes": { "n_quantity": 7 } }),
        )]);
    given::<Product>([created()])
        .when(set(json!({ "n_quantity": 6, "b_refill": false })))
        .then([]);
}

#[test]
fn what_is_stored_stays_readable() {
    let data = json!({ "sku": "S", "title": "T", "brand": "B", "price_cents": 1, "currency": "USD" });
    let stored = json!({ "type": "ProductCreated", "data": data });
    let least: Event = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(serde_json::to_value(&least).unwrap(), stored);
    let product = given::<Product>([created()])
        .when(command("revise", json!({})))
        .then([]);
    let snapshot = serde_json::to_string(&product).unwrap();
    assert_eq!(serde_json::from_str::<Product>(&snapshot).unwrap(), product);
    assert_eq!(encode_command(&command("import", toner())).unwrap().0, "import");
}

#[test]
fn a_payload_says_what_is_wrong_where() {
    let wrong = |change| decode_command::<Command>("create", toner_but(change)).unwrap_err();
    assert_eq!(wrong(json!({ "price_cents": 1.5 })).pointer, "/price_cents");
    assert_eq!(wrong(json!({ "colour": "red" })).pointer, "/colour");
    assert_eq!(
        wrong(json!({ "attributes": { "a/b": [1] } })).pointer,
        "/attributes/a~1b"
    );
    assert_eq!(wrong(json!({ "released_at": "soon" })).pointer, "/released_at");
}

/// The largest content there can be stays below what one commit may take.
#[test]
fn the_largest_product_fits_a_commit() {
    let attributes: serde_json::Map<_, _> = (0..12).map(|n| (n.to_string(), json!("🦀".repeat(2_700)))).collect();
    let gtin: Vec<_> = (0..200)
        .map(|n| format!("{n:08}"))
        .filter(|gtin| gtin::normalized(gtin).is_some())
        .collect();
    let largest = toner_but(json!({
        "title": "🦀".repeat(1_000), "sku": "🦀".repeat(255), "brand": "🦀".repeat(200), "category": "🦀".repeat(200),
        "description": "\u{1}".repeat(20_000), "attributes": attributes, "gtin": gtin, "currency": "USD"
    }));
    given::<Product>([])
        .when(command("create", largest.clone()))
        .then([event("ProductCreated", largest.clone())]);
    assert!(serde_json::to_string(&largest).unwrap().len() < 290_000);
}
