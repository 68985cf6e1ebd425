//! Given what happened to a variant, this is read of it. What is stored of it is kept in `golden/` and read for ever; none is ever changed.

use super::{at, event, given, id, within};
use crate::{
    Fold, RowsFold,
    variants::{VariantFold, VariantRow},
};
use headwater_catalog::variant;
use headwater_dynamo_schema::Entity;
use serde_json::{Value, json};

fn variant_created(product: &str) -> variant::Event {
    event(
        "VariantCreated",
        json!({
            "product_id": product, "sku": "K-RED", "options": { "colour": "red" }, "gtin": ["0095205603217"],
            "price_cents": 4_490, "currency": "EUR"
        }),
    )
}

fn of_p1(event_type: &str, mut data: Value) -> variant::Event {
    data["product_id"] = json!("P1");
    event(event_type, data)
}

#[test]
fn a_variant_is_all_that_happened_to_it() {
    let state: VariantFold = given(
        "V1",
        [
            variant_created("P1"),
            of_p1("VariantSkuChanged", json!({ "sku": "K-R" })),
            of_p1("VariantOptionsReplaced", json!({ "options": { "size": "L" } })),
            of_p1("VariantGtinReplaced", json!({ "gtin": [] })),
            of_p1("VariantPriceChanged", json!({ "price_cents": 1, "currency": "USD" })),
            of_p1("VariantDiscontinued", json!({})),
        ],
    );
    let rows = state.rows().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        Value::from(rows[0].attributes.clone()),
        json!({
            "id": "V1", "product_id": "P1", "sku": "K-R", "options": { "size": "L" }, "gtin": [], "price_cents": 1, "currency": "USD",
            "discontinued": true, "created_at": at(1), "updated_at": at(6)
        })
    );
    let cleared: VariantFold = given("V1", [variant_created("P1"), of_p1("VariantPriceCleared", json!({}))]);
    let row = &cleared.rows().unwrap()[0].attributes;
    assert_eq!((row.get("price_cents"), row.get("currency")), (None, None));
}

#[test]
fn the_variants_of_a_product_are_one_range_and_nobody_elses() {
    let mut rows = Vec::new();
    for (of, product) in [
        ("V2", "P1"),
        ("V1", "P1"),
        ("V3", "P10"),
        ("V4", "P"),
        ("P1", "P2"),
        ("V5", "P1#VARIANT"),
    ] {
        rows.extend(given::<VariantFold>(of, [variant_created(product)]).rows().unwrap());
    }
    let range = VariantRow::in_product(&id("P1"));
    let mut found: Vec<_> = rows.iter().filter(|row| within(&range, row)).collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let keys: Vec<_> = found.iter().map(|row| row.key.sort.as_str()).collect();
    assert_eq!(keys, ["PRODUCT#P1#VARIANT#V1", "PRODUCT#P1#VARIANT#V2"]);
}

/// What was stored is read, and what is stored now is the same.
fn kept<T: serde::de::DeserializeOwned + serde::Serialize>(stored: &str) -> T {
    let stored: Value = serde_json::from_str(stored).unwrap();
    let read: T = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), stored);
    read
}

#[test]
fn variants_that_were_stored_are_read_as_ever() {
    let row: VariantRow = kept(include_str!("../../golden/variant-row-v1.json"));
    assert_eq!(row.row_key().sort, "PRODUCT#P1#VARIANT#V1");
    let head: VariantFold = kept(include_str!("../../golden/variant-head-v1.json"));
    assert_eq!(
        head.rows().unwrap()[0],
        headwater_dynamo_schema::RowItem::of(&row).unwrap()
    );
    assert!(VariantFold::empty(&id("V1")).rows().unwrap().is_empty());
}
