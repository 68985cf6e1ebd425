//! Given what happened to a variant, when something is asked of it, then this happens.

use super::*;
use headwater_kernel::{decode_command, encode_command, testing::given};
use serde_json::{Value, json};

/// A payload of `create` with some members changed; null leaves one out.
fn red_but(changes: Value) -> Value {
    let mut payload = json!({
        "product_id": "P1", "sku": "K-RED", "options": { "colour": "red", "size": "1.7 l" }, "gtin": ["0095205603217"],
        "price_cents": 4_490, "currency": "EUR"
    });
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    payload
}

fn command(name: &str, payload: Value) -> Command {
    decode_command(name, payload).unwrap()
}

/// An event of a variant of P1.
fn event(event_type: &str, mut data: Value) -> Event {
    data["product_id"] = json!("P1");
    serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
}

fn created() -> Event {
    event("VariantCreated", red_but(json!({})))
}

fn discontinued() -> Event {
    event("VariantDiscontinued", json!({}))
}

#[test]
fn is_created_once_and_of_one_product_for_ever() {
    let variant = given::<Variant>([])
        .when(command("create", red_but(json!({}))))
        .then([created()]);
    let claims = variant.claims();
    assert_eq!((claims[0].name, claims[0].value.as_str()), ("gtin", "00095205603217"));
    for (product, events) in [
        ("P1", vec![created()]),
        ("P2", vec![created()]),
        ("P2", vec![created(), discontinued()]),
    ] {
        given::<Variant>(events)
            .when(command("create", red_but(json!({ "product_id": product }))))
            .then_rejected("already-exists", "");
    }
}

#[test]
fn without_a_price_it_has_no_currency_either() {
    let unpriced = || red_but(json!({ "price_cents": null, "currency": null }));
    given::<Variant>([])
        .when(command("create", unpriced()))
        .then([event("VariantCreated", unpriced())]);
    let in_dollars = red_but(json!({ "currency": null }));
    given::<Variant>([])
        .when(command("create", in_dollars))
        .then([event("VariantCreated", red_but(json!({ "currency": "USD" })))]);
}

#[test]
fn is_not_created_from_what_breaks_a_rule() {
    let many: Value = (0..21)
        .map(|n| (n.to_string(), json!("x")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for (change, code, pointer) in [
        (json!({ "price_cents": -1 }), "negative-price", "/price_cents"),
        (json!({ "price_cents": null }), "currency-without-price", "/currency"),
        (json!({ "sku": " " }), "blank", "/sku"),
        (json!({ "sku": "x".repeat(256) }), "too-long", "/sku"),
        (json!({ "gtin": ["0095205603218"] }), "not-a-gtin", "/gtin/0"),
        (json!({ "options": {} }), "no-options", "/options"),
        (json!({ "options": many }), "too-many", "/options"),
        (json!({ "options": { "size": "" } }), "blank", "/options/size"),
        (json!({ "options": { "": "L" } }), "blank", "/options/"),
        (
            json!({ "options": { "a/b": "x\u{7}" } }),
            "control-character",
            "/options/a~1b",
        ),
        (
            json!({ "options": { "size": "x".repeat(201) } }),
            "too-long",
            "/options/size",
        ),
        (json!({ "options": { "$pd": "x" } }), "reserved-name", "/options/$pd"),
        (
            json!({ "options": { "Size": "L", "size": "M" } }),
            "duplicate-option",
            "/options/size",
        ),
    ] {
        given::<Variant>([])
            .when(command("create", red_but(change)))
            .then_rejected(code, pointer);
    }
    let long = "n".repeat(101);
    let named = red_but(json!({ "options": { long.clone(): "x" } }));
    given::<Variant>([])
        .when(command("create", named))
        .then_rejected("too-long", &format!("/options/{}", &long[..100]));
    assert!(decode_command::<Command>("change-sku", json!({ "sku": "x", "product_id": "P2" })).is_err());
}

#[test]
fn writes_only_what_differs() {
    for (name, same, other, event_type, data) in [
        (
            "change-sku",
            json!({ "sku": "K-RED" }),
            json!({ "sku": "X" }),
            "VariantSkuChanged",
            json!({ "sku": "X" }),
        ),
        (
            "set-options",
            json!({ "options": { "size": "1.7 l", "colour": "red" } }),
            json!({ "options": { "size": "1 l" } }),
            "VariantOptionsReplaced",
            json!({ "options": { "size": "1 l" } }),
        ),
        (
            "set-gtin",
            json!({ "gtin": ["0095205603217", "095205603217"] }),
            json!({ "gtin": [] }),
            "VariantGtinReplaced",
            json!({ "gtin": [] }),
        ),
        (
            "change-price",
            json!({ "price_cents": 4_490 }),
            json!({ "price_cents": 4_490, "currency": "USD" }),
            "VariantPriceChanged",
            json!({ "price_cents": 4_490, "currency": "USD" }),
        ),
    ] {
        given::<Variant>([created()]).when(command(name, same)).then([]);
        given::<Variant>([created()])
            .when(command(name, other))
            .then([event(event_type, data)]);
    }
    given::<Variant>([created()])
        .when(command("change-price", json!({ "price_cents": -1 })))
        .then_rejected("negative-price", "/price_cents");
}

#[test]
fn a_price_that_was_taken_away_is_the_products() {
    let cleared = || event("VariantPriceCleared", json!({}));
    let clear = || command("clear-price", json!({}));
    let variant = given::<Variant>([created()]).when(clear()).then([cleared()]);
    assert_eq!(variant.price, None);
    given::<Variant>([created(), cleared()]).when(clear()).then([]);
    let again = event("VariantPriceChanged", json!({ "price_cents": 0, "currency": "USD" }));
    given::<Variant>([created(), cleared()])
        .when(command("change-price", json!({ "price_cents": 0 })))
        .then([again]);
}

#[test]
fn once_discontinued_nothing_of_it_changes() {
    let variant = given::<Variant>([created()])
        .when(command("discontinue", json!({})))
        .then([discontinued()]);
    assert_eq!(variant.claims().len(), 1, "its number stays its own");
    for (name, payload) in [
        ("change-sku", json!({ "sku": "X" })),
        ("set-options", json!({ "options": { "a": "b" } })),
        ("set-gtin", json!({ "gtin": [] })),
        ("change-price", json!({ "price_cents": 1 })),
        ("clear-price", json!({})),
        ("discontinue", json!({})),
    ] {
        given::<Variant>([created(), discontinued()])
            .when(command(name, payload.clone()))
            .then_rejected("discontinued", "");
        given::<Variant>([])
            .when(command(name, payload))
            .then_rejected("not-found", "");
    }
}

#[test]
fn commands_come_back_as_they_went() {
    for (name, payload) in [("create", red_but(json!({}))), ("clear-price", json!({}))] {
        let (again, encoded) = encode_command(&command(name, payload.clone())).unwrap();
        assert_eq!((again.as_str(), encoded), (name, payload));
    }
}

#[test]
fn competes_with_products_for_numbers() {
    let names = |rivals: Vec<AggregateType>| rivals.iter().map(|of| of.name).collect::<Vec<_>>();
    let both = names(Variant::rivals("gtin"));
    assert_eq!(both, ["products", "variants"], "the first is part of keys");
    assert_eq!(names(crate::product::Product::rivals("gtin")), both);
}
