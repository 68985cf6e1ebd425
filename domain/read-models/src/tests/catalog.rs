//! Given what happened to a variant or a price list, this is read of it. What is stored of it is kept in `golden/` and read for ever; none is ever changed.

use super::{at, event, given, id, within};
use crate::{
    Fold, RowsFold,
    price_lists::{NoPrice, PriceListRow},
    variants::{VariantFold, VariantRow},
};
use headwater_catalog::{price_list, variant};
use headwater_dynamo_schema::Entity;
use headwater_kernel::Timestamp;
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

/// A list of summer with prices for P1, P2 and the variant V1, and then more.
fn summer(more: impl IntoIterator<Item = price_list::Event>) -> PriceListRow {
    let created = event(
        "PriceListCreated",
        json!({
            "name": "Summer", "currency": "EUR", "valid_from": "2026-06-01T00:00:00Z", "valid_until": "2026-09-01T00:00:00Z",
            "entries": [{ "product_id": "P2", "price_cents": 2 }, { "variant_id": "V1", "price_cents": 3 }]
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
    let removed = event("PriceListEntriesRemoved", json!({ "items": [{ "variant_id": "V1" }] }));
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
    let cents = |product: Option<&str>, variant: Option<&str>, at| {
        let (product, variant) = (product.map(id), variant.map(id));
        let entry = list.price(product.as_ref(), variant.as_ref(), at);
        entry.map(|entry| entry.price_cents)
    };
    assert_eq!(cents(Some("P1"), None, begin), Ok(1), "its first moment is within");
    assert_eq!(
        cents(Some("P2"), Some("V1"), begin),
        Ok(3),
        "a variant's own goes before"
    );
    assert_eq!(
        cents(Some("P2"), Some("V2"), begin),
        Ok(20),
        "its product's counts without one"
    );
    assert_eq!(cents(None, Some("V2"), begin), Err(NoPrice::NoEntry));
    assert_eq!(
        cents(Some("V1"), None, begin),
        Err(NoPrice::NoEntry),
        "a product is no variant"
    );
    assert_eq!(cents(None, Some("P1"), begin), Err(NoPrice::NoEntry));
    let just_before = |time: Timestamp| Timestamp::from_nanos(time.nanos() - 1);
    assert_eq!(cents(Some("P1"), None, just_before(begin)), Err(NoPrice::Before(begin)));
    assert_eq!(cents(Some("P1"), None, just_before(end)), Ok(1));
    assert_eq!(cents(Some("P1"), None, end), Err(NoPrice::After(end)), "its end is not");
    let retired = event("PriceListRetired", json!({}));
    for (list, why) in [
        (summer([]), NoPrice::Draft),
        (summer([activated(), retired]), NoPrice::Retired),
    ] {
        assert_eq!(list.price(Some(&id("P1")), None, begin), Err(why));
    }
}

#[test]
fn price_lists_that_were_stored_are_read_as_ever() {
    let row: PriceListRow = kept(include_str!("../../golden/price-list-row-v1.json"));
    assert_eq!(row.row_key().sort, "PRICE_LIST#L1");
    assert_eq!(row.price(Some(&id("P1")), None, at(1)).unwrap().price_cents, 1_000);
}
