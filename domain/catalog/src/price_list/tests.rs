//! Given what happened to a price list, when something is asked of it, then this happens.

use super::*;
use headwater_kernel::{decode_command, testing::given};
use serde_json::{Value, json};

fn command(name: &str, payload: Value) -> Command {
    decode_command(name, payload).unwrap()
}

fn event(event_type: &str, data: Value) -> Event {
    serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
}

fn summer() -> Value {
    json!({
        "name": "Summer", "currency": "EUR", "valid_from": "2026-06-01T00:00:00Z", "valid_until": "2026-09-01T00:00:00Z",
        "entries": [{ "product_id": "P1", "price_cents": 1_000 }, { "product_id": "P1", "variant_id": "P1", "price_cents": 0 }]
    })
}

fn created() -> Event {
    event("PriceListCreated", summer())
}

fn activated() -> Event {
    Event::PriceListActivated {}
}

fn retired() -> Event {
    Event::PriceListRetired { reason: None }
}

/// Entries for the products from 0 to `count`.
fn many(count: usize) -> Value {
    let entry = |n| json!({ "product_id": format!("N{n}"), "price_cents": n });
    (0..count).map(entry).collect::<Vec<_>>().into()
}

#[test]
fn is_created_once_under_a_name_of_its_own() {
    let list = given::<PriceList>([])
        .when(command("create", summer()))
        .then([created()]);
    let claims = list.claims();
    assert_eq!(
        (claims[0].name, claims[0].value.as_str()),
        ("price-list-name", "summer")
    );
    for events in [vec![created()], vec![created(), retired()]] {
        given::<PriceList>(events)
            .when(command("create", summer()))
            .then_rejected("already-exists", "");
    }
    given::<PriceList>([])
        .when(command("create", json!({ "name": "All" })))
        .then([event("PriceListCreated", json!({ "name": "All", "currency": "USD" }))]);
}

#[test]
fn no_list_breaks_a_rule() {
    for (member, value, code, pointer) in [
        ("name", json!(" "), "blank", "/name"),
        (
            "valid_until",
            json!("2026-06-01T00:00:00Z"),
            "ends-before-it-begins",
            "/valid_until",
        ),
        (
            "entries",
            json!([
                { "product_id": "P1", "variant_id": "V1", "price_cents": 1 },
                { "product_id": "P1", "variant_id": "V1", "price_cents": 1 }
            ]),
            "duplicate-entry",
            "/entries/1",
        ),
        (
            "entries",
            json!([{ "product_id": "P1", "price_cents": 1 }, { "product_id": "P1", "price_cents": 2 }]),
            "duplicate-entry",
            "/entries/1",
        ),
        (
            "entries",
            json!([{ "product_id": "P1", "price_cents": -1 }]),
            "negative-price",
            "/entries/0/price_cents",
        ),
        ("entries", many(501), "too-many", "/entries"),
    ] {
        let mut payload = summer();
        payload[member] = value;
        given::<PriceList>([])
            .when(command("create", payload))
            .then_rejected(code, pointer);
    }
}

#[test]
fn entries_are_set_and_removed_within_the_bound() {
    let set = |entries: Value| command("set-entries", json!({ "entries": entries }));
    let change = json!([
        { "product_id": "P1", "price_cents": 1_000 }, { "product_id": "P1", "variant_id": "P1", "price_cents": 5 }, { "product_id": "P2", "price_cents": 7 }
    ]);
    given::<PriceList>([created()]).when(set(change)).then([event(
        "PriceListEntriesSet",
        json!({ "entries": [{ "product_id": "P1", "variant_id": "P1", "price_cents": 5 }, { "product_id": "P2", "price_cents": 7 }] }),
    )]);
    given::<PriceList>([created()])
        .when(set(json!([{ "product_id": "P1", "price_cents": 1_000 }])))
        .then([]);
    let filled = || event("PriceListEntriesSet", json!({ "entries": many(498) }));
    given::<PriceList>([created()]).when(set(many(498))).then([filled()]);
    given::<PriceList>([created(), filled()])
        .when(set(json!([{ "product_id": "P2", "price_cents": 7 }])))
        .then_rejected("too-many", "/entries");
    // Another price for what is there is no further entry.
    let again = json!([{ "product_id": "P1", "price_cents": 8 }]);
    given::<PriceList>([created(), filled()])
        .when(set(again.clone()))
        .then([event("PriceListEntriesSet", json!({ "entries": again }))]);

    let remove = |items: Value| command("remove-entries", json!({ "items": items }));
    let removed = || {
        event(
            "PriceListEntriesRemoved",
            json!({ "items": [{ "product_id": "P1", "variant_id": "P1" }] }),
        )
    };
    given::<PriceList>([created()])
        .when(remove(json!([{ "product_id": "P1", "variant_id": "P1" }])))
        .then([removed()]);
    // What was removed makes room.
    given::<PriceList>([created(), filled(), removed()])
        .when(set(json!([{ "product_id": "P2", "price_cents": 7 }])))
        .then([event(
            "PriceListEntriesSet",
            json!({ "entries": [{ "product_id": "P2", "price_cents": 7 }] }),
        )]);
    given::<PriceList>([created(), removed()])
        .when(remove(
            json!([{ "product_id": "P1" }, { "product_id": "P1", "variant_id": "P1" }]),
        ))
        .then_rejected("no-such-entry", "/items/1");
    given::<PriceList>([created()])
        .when(remove(json!([])))
        .then_rejected("no-items", "/items");
    // The same id under another product is another variant.
    given::<PriceList>([created()])
        .when(remove(json!([{ "product_id": "P2", "variant_id": "P1" }])))
        .then_rejected("no-such-entry", "/items/0");
    let nameless = json!({ "items": [{ "variant_id": "P1" }] });
    assert!(decode_command::<Command>("remove-entries", nameless).is_err());
}

#[test]
fn is_activated_with_entries_before_it_ends() {
    let activate = || command("activate", json!({}));
    let list = |member: &str, value: Value| {
        let mut data = summer();
        data[member] = value;
        event("PriceListCreated", data)
    };
    given::<PriceList>([created()]).when(activate()).then([activated()]);
    given::<PriceList>([created(), activated()]).when(activate()).then([]);
    given::<PriceList>([list("entries", json!([]))])
        .when(activate())
        .then_rejected("no-entries", "");
    // The tests' present is in 2023.
    let mut ended = summer();
    ended["valid_from"] = json!("2020-01-01T00:00:00Z");
    ended["valid_until"] = json!("2021-01-01T00:00:00Z");
    given::<PriceList>([event("PriceListCreated", ended)])
        .when(activate())
        .then_rejected("ended", "");
}

#[test]
fn its_validity_and_name_change_to_what_differs() {
    let set = |from: Value, until: Value| command("set-validity", json!({ "valid_from": from, "valid_until": until }));
    let (from, until) = (json!("2026-06-01T00:00:00Z"), json!("2026-09-01T00:00:00Z"));
    given::<PriceList>([created()])
        .when(set(from.clone(), until.clone()))
        .then([]);
    given::<PriceList>([created(), activated()])
        .when(set(Value::Null, until.clone()))
        .then([event(
            "PriceListValidityChanged",
            json!({ "valid_until": until.clone() }),
        )]);
    given::<PriceList>([created()])
        .when(set(until, from))
        .then_rejected("ends-before-it-begins", "/valid_until");
    let rename = |name: &str| command("rename", json!({ "name": name }));
    given::<PriceList>([created()]).when(rename("Summer")).then([]);
    let list = given::<PriceList>([created()])
        .when(rename("Autumn"))
        .then([Event::PriceListRenamed { name: "Autumn".into() }]);
    assert_eq!(list.claims()[0].value, "autumn");
}

#[test]
fn once_retired_nothing_of_it_changes_and_its_name_is_free() {
    let list = given::<PriceList>([created(), activated()])
        .when(command("retire", json!({})))
        .then([retired()]);
    assert_eq!(list.claims(), []);
    for (name, payload) in [
        ("rename", json!({ "name": "X" })),
        ("set-validity", json!({})),
        ("set-entries", json!({ "entries": [] })),
        ("remove-entries", json!({ "items": [{ "product_id": "P1" }] })),
        ("activate", json!({})),
        ("retire", json!({})),
    ] {
        given::<PriceList>([created(), retired()])
            .when(command(name, payload.clone()))
            .then_rejected("retired", "");
        given::<PriceList>([])
            .when(command(name, payload))
            .then_rejected("not-found", "");
    }
}

/// A commit of the log has at most 300 KB, and a snapshot and a row 400 KB.
#[test]
fn the_largest_list_there_is_is_one_commit() {
    // The JSON of a backslash is the longest of a character that takes one byte in a key.
    let longest = |n: usize| format!("{n:03}{}", "\\".repeat(headwater_kernel::MAX_ID_BYTES - 3));
    let entry = |n| json!({ "product_id": longest(n), "variant_id": longest(n), "price_cents": i64::MAX });
    let list_of = |count| {
        let mut payload = summer();
        payload["entries"] = (0..count).map(entry).collect();
        payload
    };
    let payload = list_of(240);
    let bytes = payload.to_string().len();
    assert!((250_000..300_000).contains(&bytes), "{bytes} bytes");
    let list = given::<PriceList>([])
        .when(command("create", payload.clone()))
        .then([event("PriceListCreated", payload)]);
    assert!(serde_json::to_string(&list).unwrap().len() < bytes);
    given::<PriceList>([])
        .when(command("create", list_of(250)))
        .then_rejected("too-large", "/entries");
    assert!(
        many(MAX_ENTRIES).to_string().len() < 50_000,
        "usual ids have room for all"
    );
}
