//! Given what happened to an aggregate, this is read of it.

mod catalog;
mod search_settings;
mod selling;

use crate::{
    DocumentFold, EventContext, Fold, ProjectionRegistry, RowFold, RowsFold,
    account_tree::{AccountFold, AccountRow, AccountTree, CapsuleAccountRow, OpportunityFold, OpportunityStatus},
    leads::{LeadRow, LeadStatus},
    metrics::MetricFold,
    product_search::ProductDocument,
    product_view::ProductRow,
    register,
    search::SearchDocument,
};
use headwater_crm::{account, lead, opportunity};
use headwater_dynamo_schema::{Entity, FromRow, KeyPart, Range, RowItem};
use headwater_kernel::{Actor, Aggregate, Id, Personal, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn id(id: &str) -> Id {
    Id::new(id).unwrap()
}

/// When the event with this sequence was recorded.
fn at(sequence: u64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + i64::try_from(sequence).unwrap())
}

fn event<E: DeserializeOwned>(event_type: &str, data: Value) -> E {
    serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
}

/// The state after these events, stored and read again before each, as heads and rows are.
fn given<F: Fold>(of: &str, events: impl IntoIterator<Item = <F::Source as Aggregate>::Event>) -> F {
    let (id, actor) = (id(of), Actor::new("user:tester"));
    let mut state = F::empty(&id);
    for (sequence, event) in (1..).zip(events) {
        state = stored_and_read(&state);
        state.apply(
            &EventContext {
                id: &id,
                sequence,
                time: at(sequence),
                actor: &actor,
                writer: 7,
                begins_commit: true,
            },
            &event,
        );
    }
    stored_and_read(&state)
}

fn stored_and_read<F: Fold>(state: &F) -> F {
    let stored = serde_json::to_string(state).unwrap();
    let read = serde_json::from_str(&stored).unwrap();
    assert!(read == *state, "{stored}");
    read
}

fn within(range: &Range, row: &RowItem) -> bool {
    row.key.partition == range.partition() && (range.from()..=range.to()).contains(&row.key.sort.as_str())
}

fn product_created<E: DeserializeOwned>() -> E {
    event(
        "ProductCreated",
        json!({
            "sku": "006R90321", "title": "Toner", "brand": "Xerox", "price_cents": 4995, "currency": "USD",
            "description": "6 per box", "gtin": ["0095205603217"], "attributes": { "n_pages": 23000, "n_width": 1.5 }
        }),
    )
}

#[test]
fn a_product_is_all_that_happened_to_it() {
    let row: ProductRow = given(
        "P1",
        [
            product_created(),
            event("ProductPriceChanged", json!({ "price_cents": 1, "currency": "EUR" })),
            event(
                "ProductRevised",
                json!({ "title": "Black toner", "description": null, "category": "Toner" }),
            ),
            event("ProductGtinReplaced", json!({ "gtin": [] })),
            event("ProductAttributesReplaced", json!({ "attributes": { "b_new": true } })),
            event("ProductDiscontinued", json!({ "reason": "sold out" })),
        ],
    );
    assert_eq!(
        serde_json::to_value(&row).unwrap(),
        json!({
            "id": "P1", "sku": "006R90321", "title": "Black toner", "brand": "Xerox", "price_cents": 1, "currency": "EUR",
            "category": "Toner", "gtin": [], "attributes": { "b_new": true }, "discontinued": true,
            "created_at": at(1), "updated_at": at(6)
        })
    );
    assert_eq!(row.row_key(), ProductRow::key_of(&id("P1")));
}

#[test]
fn a_discontinued_product_leaves_search() {
    let everything = event(
        "ProductRevised",
        json!({ "category": "Toner", "released_at": "2009-12-10T00:00:00Z" }),
    );
    let on_sale = given::<ProductDocument>("P1", [product_created(), everything]);
    assert!(on_sale.is_live());
    let document = serde_json::to_value(&on_sale).unwrap();
    for field in ProductDocument::mapping().fields {
        assert!(
            document.get(field.name).is_some(),
            "{} is mapped and not in {document}",
            field.name
        );
    }
    let discontinued = event("ProductDiscontinued", json!({}));
    assert!(!given::<ProductDocument>("P1", [product_created(), discontinued]).is_live());
}

#[test]
fn a_product_is_searched_with_its_variants_on_sale() {
    let added = |id: &str| {
        let variant =
            json!({ "variant_id": id, "sku": id, "options": { "colour": id }, "price_cents": 1, "currency": "EUR" });
        event("ProductVariantAdded", variant)
    };
    let changed = json!({ "variant_id": "b", "sku": "B", "gtin": ["4006381333931"], "price_cents": null });
    let gone = json!({ "variant_id": "a" });
    let document = given::<ProductDocument>(
        "P1",
        [
            product_created(),
            added("b"),
            added("a"),
            added("c"),
            event("ProductVariantChanged", changed),
            event("ProductVariantDiscontinued", gone),
        ],
    );
    assert_eq!(
        serde_json::to_value(&document).unwrap()["variants"],
        json!([
            { "id": "b", "sku": "B", "options": { "colour": "b" }, "gtin": ["4006381333931"] },
            { "id": "c", "sku": "c", "options": { "colour": "c" }, "price_cents": 1 },
        ])
    );
}

fn account_opened() -> account::Event {
    let name = Personal::about(&id("A1"), "Acme".to_owned());
    account::Event::AccountOpened {
        capsule_id: id("C1"),
        name,
        owner_id: None,
    }
}

fn sort_keys(rows: &[RowItem]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.key.sort.as_str()).collect()
}

#[test]
fn a_moved_account_changes_its_place_in_a_capsule_and_no_other_key() {
    let before = given::<AccountFold>("A1", [account_opened()]).rows().unwrap();
    assert_eq!(
        sort_keys(&before),
        BTreeSet::from(["ACCOUNT#A1", "CAPSULE#C1#ACCOUNT#A1"])
    );
    let moved = account::Event::AccountMoved { capsule_id: id("C10") };
    let after = given::<AccountFold>("A1", [account_opened(), moved]).rows().unwrap();
    assert_eq!(
        sort_keys(&after),
        BTreeSet::from(["ACCOUNT#A1", "CAPSULE#C10#ACCOUNT#A1"])
    );
    let page = CapsuleAccountRow::in_capsule(&id("C1"));
    assert_eq!(before.iter().filter(|row| within(&page, row)).count(), 1);
    assert_eq!(
        after.iter().filter(|row| within(&page, row)).count(),
        0,
        "C1 shows nothing of C10"
    );
}

fn opportunity(of: &str, account: &str) -> Vec<RowItem> {
    let opened = event(
        "OpportunityOpened",
        json!({ "account_id": account, "name": "Toner", "currency": "USD" }),
    );
    let added = |item: &str| {
        event(
            "LineItemAdded",
            json!({ "line_item_id": item, "product_id": "P1", "quantity": 2, "price_cents": 3 }),
        )
    };
    let removed = event("LineItemRemoved", json!({ "line_item_id": "c" }));
    given::<OpportunityFold>(of, [opened, added("b"), added("c"), added("a"), removed])
        .rows()
        .unwrap()
}

#[test]
fn the_tree_of_an_account_is_one_range_in_the_order_of_the_tree() {
    let mut rows = given::<AccountFold>("A1", [account_opened()]).rows().unwrap();
    for (of, account) in [("O2", "A1"), ("O1", "A1"), ("O3", "A10"), ("O4", "A"), ("O10", "A1")] {
        rows.extend(opportunity(of, account));
    }
    let tree = AccountRow::tree_of_account(&id("A1"));
    rows.retain(|row| within(&tree, row));
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    let read: Vec<_> = rows
        .into_iter()
        .map(|row| match AccountTree::from_row(row.entity, row.attributes).unwrap() {
            AccountTree::Account(row) => row.id.to_string(),
            AccountTree::Opportunity(row) => row.id.to_string(),
            AccountTree::LineItem(row) => format!("{} {}", row.opportunity_id, row.id),
        })
        .collect();
    assert_eq!(
        read,
        [
            "A1", "O1", "O1 a", "O1 b", "O10", "O10 a", "O10 b", "O2", "O2 a", "O2 b"
        ]
    );
}

#[test]
fn an_opportunity_says_how_it_stands() {
    let opened = || {
        event(
            "OpportunityOpened",
            json!({ "account_id": "A1", "name": "Toner", "currency": "USD" }),
        )
    };
    let status = |events: Vec<opportunity::Event>| {
        let mut rows = given::<OpportunityFold>("O1", events).rows().unwrap();
        match AccountTree::from_row("OPPORTUNITY", rows.remove(0).attributes).unwrap() {
            AccountTree::Opportunity(row) => (row.status, row.amount_cents),
            other => panic!("{other:?}"),
        }
    };
    let changed = event("OpportunityAmountChanged", json!({ "amount_cents": 7 }));
    assert_eq!(status(vec![opened(), changed]), (OpportunityStatus::Open, Some(7)));
    assert_eq!(
        status(vec![opened(), event("OpportunityWon", json!({}))]),
        (OpportunityStatus::Won, None)
    );
    assert_eq!(
        status(vec![opened(), event("OpportunityLost", json!({}))]),
        (OpportunityStatus::Lost, None)
    );
}

#[test]
fn a_lead_is_found_by_date_and_once_assigned_by_owner() {
    let personal = |value: &str| Personal::about(&id("L1"), value.to_owned());
    let captured = || lead::Event::LeadCaptured {
        name: personal("Ada"),
        email: Some(personal("ada@example.com")),
        phone: None,
        company: Some("Engines".into()),
        source: None,
        owner_id: None,
    };
    let new = given::<LeadRow>("L1", [captured()]).index_keys();
    assert_eq!(new[0].key, None, "nobody owns it");
    let corrected = lead::Event::LeadCorrected {
        name: None,
        email: Some(None),
        phone: Some(Some(personal("112"))),
        company: None,
    };
    let assigned = lead::Event::LeadAssigned { owner_id: id("u#1") };
    let row = given::<LeadRow>("L1", [captured(), assigned, corrected, lead::Event::LeadQualified {}]);
    assert_eq!(
        (&row.name, &row.email, &row.phone),
        (&Some(personal("Ada")), &None, &Some(personal("112")))
    );
    assert_eq!(
        (row.status, row.company.as_deref()),
        (LeadStatus::Qualified, Some("Engines"))
    );
    let keys = row.index_keys();
    assert_eq!(keys[1], new[1], "its place by date stays");
    let by_owner = keys[0].key.clone().unwrap();
    assert_eq!(by_owner.partition, "#OWNER#u%231");
    assert_eq!(by_owner.sort, format!("CAPTURED#{}#L1", at(1).key_part().unwrap()));
}

#[derive(Default)]
struct Followed(Vec<(&'static str, &'static str)>);

impl ProjectionRegistry for Followed {
    fn row<F: RowFold>(&mut self, projection: &'static str) {
        assert_eq!(
            F::empty(&id("X")).row_key(),
            F::key_of(&id("X")),
            "{projection} is found by its id"
        );
        assert_eq!(
            F::SCHEMA.table,
            F::Source::CONTEXT,
            "{projection} is in the table of its context"
        );
        stored_and_read(&F::empty(&id("X")));
        self.0.push((projection, F::Source::NAME));
    }

    fn rows<F: RowsFold>(&mut self, projection: &'static str) {
        assert_eq!(
            F::empty(&id("X")).rows().unwrap(),
            [],
            "{projection} shows nothing before the first event"
        );
        assert_eq!(
            F::TABLE,
            F::Source::CONTEXT,
            "{projection} is in the table of its context"
        );
        stored_and_read(&F::empty(&id("X")));
        self.0.push((projection, F::Source::NAME));
    }

    fn document<F: DocumentFold>(&mut self, projection: &'static str) {
        assert_eq!(F::KIND, F::mapping().kind);
        stored_and_read(&F::empty(&id("X")));
        self.0.push((projection, F::Source::NAME));
    }

    fn metric<F: MetricFold>(&mut self, projection: &'static str) {
        stored_and_read(&F::empty(&id("X")));
        self.0.push((projection, F::Source::NAME));
    }
}

#[test]
fn each_projection_follows_an_aggregate_once() {
    let mut followed = Followed::default();
    register(&mut followed);
    let once: BTreeSet<_> = followed.0.iter().collect();
    assert_eq!(once.len(), followed.0.len());
    for projection in [
        "product-view",
        "product-search",
        "account-tree",
        "leads",
        "order-search",
        "invoice-search",
    ] {
        assert!(followed.0.iter().any(|(name, _)| *name == projection), "{projection}");
    }
}

#[test]
fn a_state_that_cannot_be_read_is_an_error_and_never_an_empty_one() {
    let mut stored = serde_json::to_value(given::<AccountFold>("A1", [account_opened()])).unwrap();
    stored["row"]["name"] = json!({ "$pd": { "v": 1, "subject": "A1", "c": "…" } });
    assert!(serde_json::from_value::<AccountFold>(stored).is_err());
}
