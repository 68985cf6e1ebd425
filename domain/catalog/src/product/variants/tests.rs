//! Given what happened to a product, when something is asked of its variants, then this happens.

use super::*;
use crate::product::Command;
use headwater_kernel::{Aggregate, decode_command, encode_command, testing::given};
use serde_json::{Value, json};

fn but(mut payload: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    payload
}

/// A payload of `add-variant` with some members changed; null leaves one out.
fn red_but(changes: Value) -> Value {
    let red = json!({
        "variant_id": "red", "sku": "K-RED", "options": { "colour": "red", "size": "1.7 l" }, "gtin": ["0095205603217"],
        "price_cents": 4_490, "currency": "EUR"
    });
    but(red, changes)
}

fn blue_but(changes: Value) -> Value {
    let blue = json!({ "variant_id": "blue", "sku": "K-BLUE", "options": { "colour": "blue" } });
    but(blue, changes)
}

fn command(name: &str, payload: Value) -> Command {
    decode_command(name, payload).unwrap()
}

fn event(event_type: &str, data: Value) -> Event {
    serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
}

fn kettle() -> Event {
    let data = json!({
        "sku": "K", "title": "Kettle", "brand": "B", "price_cents": 4_000, "currency": "EUR", "gtin": ["96385074"]
    });
    event("ProductCreated", data)
}

fn red() -> Event {
    event("ProductVariantAdded", red_but(json!({})))
}

fn blue() -> Event {
    event("ProductVariantAdded", blue_but(json!({})))
}

fn no_more(variant: &str) -> Event {
    event("ProductVariantDiscontinued", json!({ "variant_id": variant }))
}

fn add(payload: Value) -> Command {
    command("add-variant", payload)
}

fn change(variant: &str, changes: Value) -> Command {
    let mut payload = changes;
    payload["variant_id"] = json!(variant);
    command("change-variant", payload)
}

#[test]
fn is_added_once_to_a_product_that_is_on_sale() {
    let product = given::<Product>([kettle()]).when(add(red_but(json!({})))).then([red()]);
    let claims = product.claims();
    let values: Vec<_> = claims.iter().map(|claim| claim.value.as_str()).collect();
    assert_eq!(values, ["00000096385074", "00095205603217"]);
    given::<Product>([])
        .when(add(red_but(json!({}))))
        .then_rejected("not-found", "");
    let ended = event("ProductDiscontinued", json!({}));
    given::<Product>([kettle(), red(), ended])
        .when(add(blue_but(json!({}))))
        .then_rejected("discontinued", "");
    for events in [vec![kettle(), red()], vec![kettle(), red(), no_more("red")]] {
        given::<Product>(events)
            .when(add(blue_but(json!({ "variant_id": "red" }))))
            .then_rejected("duplicate-variant", "/variant_id");
    }
}

#[test]
fn its_price_is_in_the_products_currency() {
    let unnamed = red_but(json!({ "currency": null }));
    given::<Product>([kettle()]).when(add(unnamed)).then([red()]);
    let unpriced = red_but(json!({ "price_cents": null, "currency": null }));
    given::<Product>([kettle()])
        .when(add(unpriced.clone()))
        .then([event("ProductVariantAdded", unpriced)]);
    let dollars = json!({ "price_cents": 1, "currency": "USD" });
    given::<Product>([kettle()])
        .when(add(red_but(dollars.clone())))
        .then_rejected("other-currency", "/currency");
    given::<Product>([kettle(), red()])
        .when(change("red", dollars.clone()))
        .then_rejected("other-currency", "/currency");
    // Nor does the product's change under a price of its own.
    given::<Product>([kettle(), red()])
        .when(command("change-price", dollars.clone()))
        .then_rejected("priced-variants", "/currency");
    let imported = json!({ "sku": "K", "title": "Kettle", "brand": "B", "price_cents": 4_000, "currency": "USD" });
    given::<Product>([kettle(), red()])
        .when(command("import", imported))
        .then_rejected("priced-variants", "/currency");
    for events in [vec![kettle(), blue()], vec![kettle(), red(), no_more("red")]] {
        given::<Product>(events)
            .when(command("change-price", dollars.clone()))
            .then([event("ProductPriceChanged", dollars.clone())]);
    }
}

#[test]
fn no_two_on_sale_have_the_same_options() {
    let crimson = json!({ "variant_id": "crimson", "gtin": null, "options": { "Size": "1.7  L", "Colour": "RED" } });
    given::<Product>([kettle(), red()])
        .when(add(red_but(crimson.clone())))
        .then_rejected("same-options", "/options");
    given::<Product>([kettle(), red(), no_more("red")])
        .when(add(red_but(crimson.clone())))
        .then([event("ProductVariantAdded", red_but(crimson))]);
    given::<Product>([kettle(), red(), blue()])
        .when(change("red", json!({ "options": { "colour": "blue" } })))
        .then_rejected("same-options", "/options");
    let spelled = json!({ "options": { "colour": "Red", "size": "1.7 l" } });
    given::<Product>([kettle(), red()])
        .when(change("red", spelled.clone()))
        .then([event(
            "ProductVariantChanged",
            but(spelled, json!({ "variant_id": "red" })),
        )]);
}

#[test]
fn a_number_is_the_products_or_one_variants() {
    for number in ["96385074", "0095205603217"] {
        let numbered = json!({ "gtin": [number] });
        given::<Product>([kettle(), red()])
            .when(add(blue_but(numbered.clone())))
            .then_rejected("already-taken", "/gtin");
        given::<Product>([kettle(), red(), blue()])
            .when(change("blue", numbered))
            .then_rejected("already-taken", "/gtin");
    }
    // In another spelling, and after the variant was discontinued.
    let numbered = json!({ "gtin": ["095205603217"] });
    given::<Product>([kettle(), red(), no_more("red")])
        .when(command("set-gtin", numbered.clone()))
        .then_rejected("already-taken", "/gtin");
    let imported = json!({ "sku": "K", "title": "T", "brand": "B", "price_cents": 1, "currency": "EUR", "gtin": ["095205603217"] });
    given::<Product>([kettle(), red()])
        .when(command("import", imported))
        .then_rejected("already-taken", "/gtin");
    let unnumbered = event("ProductVariantChanged", json!({ "variant_id": "red", "gtin": [] }));
    given::<Product>([kettle(), red(), unnumbered])
        .when(command("set-gtin", numbered.clone()))
        .then([event("ProductGtinReplaced", numbered)]);
}

#[test]
fn a_change_writes_only_what_differs() {
    let same = json!({
        "sku": "K-RED", "options": { "size": "1.7 l", "colour": "red" }, "gtin": ["0095205603217", "095205603217"],
        "price_cents": 4_490
    });
    given::<Product>([kettle(), red()]).when(change("red", same)).then([]);
    given::<Product>([kettle(), red()])
        .when(change("red", json!({})))
        .then([]);
    given::<Product>([kettle(), blue()])
        .when(change("blue", json!({ "price_cents": null })))
        .then([]);
    for (asked, data) in [
        (json!({ "sku": "X", "gtin": ["0095205603217"] }), json!({ "sku": "X" })),
        (
            json!({ "options": { "size": "1 l" } }),
            json!({ "options": { "size": "1 l" } }),
        ),
        (json!({ "gtin": [] }), json!({ "gtin": [] })),
        (
            json!({ "price_cents": 0 }),
            json!({ "price_cents": 0, "currency": "EUR" }),
        ),
        (json!({ "price_cents": null }), json!({ "price_cents": null })),
    ] {
        let mut data = data;
        data["variant_id"] = json!("red");
        let changed = event("ProductVariantChanged", data.clone());
        assert_eq!(serde_json::to_value(&changed).unwrap()["data"], data);
        given::<Product>([kettle(), red()])
            .when(change("red", asked))
            .then([changed]);
    }
}

#[test]
fn once_discontinued_nothing_of_it_changes_and_its_numbers_stay_its_own() {
    let end = |variant: &str| command("discontinue-variant", json!({ "variant_id": variant, "reason": "old" }));
    let ended = event(
        "ProductVariantDiscontinued",
        json!({ "variant_id": "red", "reason": "old" }),
    );
    let product = given::<Product>([kettle(), red()]).when(end("red")).then([ended]);
    assert_eq!(product.claims().len(), 2);
    for asked in [end("red"), change("red", json!({ "sku": "X" }))] {
        given::<Product>([kettle(), red(), no_more("red")])
            .when(asked.clone())
            .then_rejected("variant-discontinued", "/variant_id");
        given::<Product>([kettle(), blue()])
            .when(asked)
            .then_rejected("no-such-variant", "/variant_id");
    }
}

#[test]
fn an_import_keeps_them() {
    let imported = json!({ "sku": "K", "title": "Jug", "brand": "B", "price_cents": 4_000, "currency": "EUR", "gtin": ["96385074"] });
    let product = given::<Product>([kettle(), red(), blue()])
        .when(command("import", imported))
        .then([event("ProductRevised", json!({ "title": "Jug" }))]);
    assert_eq!(product.variants.on_sale().count(), 2);
}

#[test]
fn is_not_added_from_what_breaks_a_rule() {
    let many: Value = (0..=MAX_OPTIONS)
        .map(|n| (n.to_string(), json!("x")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let long = "n".repeat(101);
    for (changes, code, pointer) in [
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
        (
            json!({ "options": { long.clone(): "x" } }),
            "too-long",
            &format!("/options/{}", &long[..100]),
        ),
    ] {
        given::<Product>([kettle()])
            .when(add(red_but(changes.clone())))
            .then_rejected(code, pointer);
        let mut changes = red_but(changes);
        changes["variant_id"] = json!("red");
        given::<Product>([kettle(), red()])
            .when(command("change-variant", changes))
            .then_rejected(code, pointer);
    }
}

#[test]
fn there_are_only_so_many() {
    let numbered = |n: usize| blue_but(json!({ "variant_id": n.to_string(), "options": { "n": n.to_string() } }));
    let added = |n| event("ProductVariantAdded", numbered(n));
    let mut events = vec![kettle()];
    events.extend((0..MAX_VARIANTS - 1).map(added));
    given::<Product>(events.clone())
        .when(add(numbered(MAX_VARIANTS)))
        .then([added(MAX_VARIANTS)]);
    // Those that are off sale count too: their ids and numbers are kept.
    events.extend([added(MAX_VARIANTS), no_more("0")]);
    given::<Product>(events)
        .when(add(numbered(MAX_VARIANTS + 1)))
        .then_rejected("too-many", "");
}

/// With the largest content that a product can have, below 290 KB, its snapshot stays below the 350 KB up to which there is one.
#[test]
fn the_largest_variants_leave_room_for_the_product() {
    let wide = |n: usize| {
        let options: serde_json::Map<_, _> = (0..MAX_OPTIONS)
            .map(|o| {
                (
                    format!("{o}{}", "\u{1F980}".repeat(99)),
                    json!(format!("{n}{}", "\u{1F980}".repeat(190))),
                )
            })
            .collect();
        blue_but(json!({ "variant_id": n.to_string(), "options": options }))
    };
    let added = |n| event("ProductVariantAdded", wide(n));
    let mut events = vec![kettle()];
    events.extend((0..10).map(added));
    let product = given::<Product>(events.clone()).when(add(wide(10))).then([added(10)]);
    let bytes = serde_json::to_string(&product.variants).unwrap().len();
    assert!((60_000..=MAX_JSON_BYTES).contains(&bytes), "{bytes} bytes");
    events.push(added(10));
    given::<Product>(events.clone())
        .when(add(wide(11)))
        .then_rejected("too-large", "");
    // Nor by a change of a small one.
    events.push(blue());
    given::<Product>(events)
        .when(change("blue", json!({ "options": wide(11)["options"] })))
        .then_rejected("too-large", "");
}

fn events_state(events: &[Event]) -> Product {
    let mut product = Product::default();
    events.iter().for_each(|event| product.apply(event));
    product
}

#[test]
fn what_is_stored_stays_readable() {
    let product = given::<Product>([kettle(), red(), blue(), no_more("blue")])
        .when(change("red", json!({})))
        .then([]);
    let snapshot = serde_json::to_value(&product).unwrap();
    assert_eq!(
        snapshot["variants"],
        json!({
            "blue": { "discontinued": true },
            "red": {
                "sku": "K-RED", "options": { "colour": "red", "size": "1.7 l" }, "gtin": ["0095205603217"], "price_cents": 4_490
            }
        })
    );
    assert_eq!(serde_json::from_value::<Product>(snapshot).unwrap(), product);
    // A product without variants has the snapshot that it had before there were any.
    assert!(
        serde_json::to_value(events_state(&[kettle()]))
            .unwrap()
            .get("variants")
            .is_none()
    );
    for (name, payload) in [
        ("add-variant", red_but(json!({}))),
        ("change-variant", json!({ "variant_id": "red", "price_cents": null })),
        ("discontinue-variant", json!({ "variant_id": "red" })),
    ] {
        let (again, encoded) = encode_command(&command(name, payload.clone())).unwrap();
        assert_eq!((again.as_str(), encoded), (name, payload));
    }
}
