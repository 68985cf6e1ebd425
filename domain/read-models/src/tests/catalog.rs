//! Given what happened to a product's variants or a price list, this is read of it. What is stored of it is kept in `golden/` and read for ever; none is ever changed.

use super::{at, event, given, id, within};
use crate::{
    Fold, RowsFold,
    price_lists::{NoPrice, PriceListRow},
    variants::{VariantRow, VariantsFold},
};
use headwater_catalog::{price_list, product};
use headwater_dynamo_schema::Entity;
use headwater_kernel::Timestamp;
use serde_json::{Value, json};

fn added(variant: &str) -> product::Event {
    event(
        "ProductVariantAdded",
        json!({
            "variant_id": variant, "sku": "K-RED", "options": { "colour": "red" }, "gtin": ["0095205603217"],
            "price_cents": 4_490, "currency": "EUR"
        }),
    )
}

fn changed(variant: &str, mut data: Value) -> product::Event {
    data["variant_id"] = json!(variant);
    event("ProductVariantChanged", data)
}

fn created() -> product::Event {
    let data = json!({ "sku": "K", "title": "Kettle", "brand": "B", "price_cents": 1, "currency": "EUR" });
    event("ProductCreated", data)
}

fn rows(state: &VariantsFold) -> Vec<Value> {
    let rows = state.rows().unwrap().into_iter();
    rows.map(|row| Value::from(row.attributes)).collect()
}

#[test]
fn a_variant_is_all_that_happened_to_it() {
    let state: VariantsFold = given(
        "P1",
        [
            created(),
            added("V1"),
            changed("V1", json!({ "sku": "K-R", "options": { "size": "L" } })),
            changed("V1", json!({ "gtin": [], "price_cents": 1, "currency": "EUR" })),
            event("ProductVariantDiscontinued", json!({ "variant_id": "V1" })),
            added("V2"),
            changed("V2", json!({ "price_cents": null })),
        ],
    );
    let second = json!({
        "id": "V2", "product_id": "P1", "sku": "K-RED", "options": { "colour": "red" }, "gtin": ["0095205603217"],
        "discontinued": false, "created_at": at(6), "updated_at": at(7)
    });
    assert_eq!(
        rows(&state),
        [
            json!({
                "id": "V1", "product_id": "P1", "sku": "K-R", "options": { "size": "L" }, "gtin": [], "price_cents": 1, "currency": "EUR",
                "discontinued": true, "created_at": at(2), "updated_at": at(5)
            }),
            second,
        ]
    );
}

#[test]
fn the_variants_go_off_sale_with_their_product() {
    let end = || event("ProductDiscontinued", json!({}));
    let gone = || event("ProductVariantDiscontinued", json!({ "variant_id": "V1" }));
    let state: VariantsFold = given("P1", [created(), added("V1"), added("V2"), gone(), end()]);
    let ended: Vec<_> = rows(&state)
        .into_iter()
        .map(|row| (row["discontinued"].clone(), row["updated_at"].clone()))
        .collect();
    assert_eq!(ended, [(json!(true), json!(at(4))), (json!(true), json!(at(5)))]);
    let none: VariantsFold = given("P1", [created(), end()]);
    assert_eq!(rows(&none), [Value::Null; 0]);
    assert_eq!(serde_json::to_value(&none).unwrap(), json!({ "id": "P1" }));
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
        rows.extend(given::<VariantsFold>(product, [added(of)]).rows().unwrap());
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
    let head: VariantsFold = kept(include_str!("../../golden/variants-head-v2.json"));
    assert_eq!(
        head.rows().unwrap()[0],
        headwater_dynamo_schema::RowItem::of(&row).unwrap()
    );
    assert!(VariantsFold::empty(&id("P1")).rows().unwrap().is_empty());
}

/// A list of summer with prices for P1, P2 and the variant V1, and then more.
fn summer(more: impl IntoIterator<Item = price_list::Event>) -> PriceListRow {
    let created = event(
        "PriceListCreated",
        json!({
            "name": "Summer", "currency": "EUR", "valid_from": "2026-06-01T00:00:00Z", "valid_until": "2026-09-01T00:00:00Z",
            "entries": [{ "product_id": "P2", "price_cents": 2 }, { "product_id": "P2", "variant_id": "V1", "price_cents": 3 }]
        }),
    );
    let set = event(
        "PriceListEntriesSet",
        json!({ "entries": [{ "product_id": "P1", "price_cents": 1 }, { "product_id": "P2", "price_cents": 20 }] }),
    );
    given("L1", [created, set].into_iter().chain(more))
}

fn activated() -> price_list::Event {
    event("PriceListActivated", json!({}))
}

#[test]
fn a_price_list_is_all_that_happened_to_it() {
    let removed = event(
        "PriceListEntriesRemoved",
        json!({ "items": [{ "product_id": "P2", "variant_id": "V1" }] }),
    );
    let renamed = event("PriceListRenamed", json!({ "name": "Autumn" }));
    let validity = event(
        "PriceListValidityChanged",
        json!({ "valid_from": "2026-09-01T00:00:00Z" }),
    );
    let row = summer([
        activated(),
        removed,
        renamed,
        validity,
        event("PriceListRetired", json!({})),
    ]);
    assert_eq!(
        serde_json::to_value(&row).unwrap(),
        json!({
            "id": "L1", "name": "Autumn", "currency": "EUR", "status": "retired", "valid_from": "2026-09-01T00:00:00Z",
            "entries": [{ "product_id": "P1", "price_cents": 1 }, { "product_id": "P2", "price_cents": 20 }],
            "created_at": at(1), "updated_at": at(7)
        })
    );
}

#[test]
fn a_price_holds_while_its_list_does() {
    let list = summer([activated()]);
    let when = |text: &str| Timestamp::parse(text).unwrap();
    let (begin, end) = (when("2026-06-01T00:00:00Z"), when("2026-09-01T00:00:00Z"));
    let cents = |product: &str, variant: Option<&str>, at| {
        let entry = list.price(&id(product), variant.map(id).as_ref(), at);
        entry.map(|entry| entry.price_cents)
    };
    assert_eq!(cents("P1", None, begin), Ok(1), "its first moment is within");
    assert_eq!(cents("P2", Some("V1"), begin), Ok(3), "a variant's own goes before");
    assert_eq!(
        cents("P2", Some("V2"), begin),
        Ok(20),
        "its product's counts without one"
    );
    assert_eq!(
        cents("P1", Some("V1"), begin),
        Ok(1),
        "another product's variant of the same id is another one"
    );
    assert_eq!(cents("P3", Some("V1"), begin), Err(NoPrice::NoEntry));
    assert_eq!(
        cents("V1", None, begin),
        Err(NoPrice::NoEntry),
        "a product is no variant"
    );
    let just_before = |time: Timestamp| Timestamp::from_nanos(time.nanos() - 1);
    assert_eq!(cents("P1", None, just_before(begin)), Err(NoPrice::Before(begin)));
    assert_eq!(cents("P1", None, just_before(end)), Ok(1));
    assert_eq!(cents("P1", None, end), Err(NoPrice::After(end)), "its end is not");
    let retired = event("PriceListRetired", json!({}));
    for (list, why) in [
        (summer([]), NoPrice::Draft),
        (summer([activated(), retired]), NoPrice::Retired),
    ] {
        assert_eq!(list.price(&id("P1"), None, begin), Err(why));
    }
}

#[test]
fn price_lists_that_were_stored_are_read_as_ever() {
    let row: PriceListRow = kept(include_str!("../../golden/price-list-row-v2.json"));
    assert_eq!(row.row_key().sort, "PRICE_LIST#L1");
    assert_eq!(row.price(&id("P1"), None, at(1)).unwrap().price_cents, 1_000);
    // Rows of the first version are read until those of the second have taken over.
    let stored = include_str!("../../golden/price-list-row-v1.json");
    let row: PriceListRow = serde_json::from_str(stored).unwrap();
    assert_eq!(row.row_key().sort, "PRICE_LIST#L1");
    assert_eq!(row.entries.len(), 1);
    assert_eq!(row.price(&id("P1"), Some(&id("V1")), at(1)).unwrap().price_cents, 1_000);
}
