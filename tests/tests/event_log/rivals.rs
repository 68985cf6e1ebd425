//! Unique values for which aggregates of two types compete, as products and variants do for GTINs.

use crate::{committed, id};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_catalog::{product::Product, variant::Variant};
use headwater_event_log::{AggregateStore, Executed, Refusal};
use headwater_kernel::{Aggregate, decode_command};
use headwater_tenancy::{TenantScope, testing::scope};
use headwater_tests::{LogFixture, bytes, request};
use serde_json::{Value, json};

const GTIN: &str = "0095205603217";

async fn catalog() -> LogFixture {
    let fixture = LogFixture::new().await;
    fixture.log.ensure_tables("catalog").await.unwrap();
    fixture
}

async fn send<A: Aggregate>(
    fixture: &LogFixture,
    scope: &TenantScope,
    to: &str,
    name: &str,
    payload: Value,
) -> Result<Executed, Refusal> {
    let text = bytes(&payload);
    let command_id = fixture.runtime.uuid().to_string();
    let decode = || Ok(decode_command::<A::Command>(name, payload.clone()).unwrap());
    AggregateStore::<A>::new(fixture.log.clone())
        .execute(scope, &id(to), request(&command_id, name, &text), decode)
        .await
}

async fn product(fixture: &LogFixture, scope: &TenantScope, to: &str) -> Result<Executed, Refusal> {
    let payload = json!({ "sku": "K", "title": "Kettle", "brand": "B", "price_cents": 1, "gtin": [GTIN] });
    send::<Product>(fixture, scope, to, "create", payload).await
}

async fn variant(fixture: &LogFixture, scope: &TenantScope, to: &str) -> Result<Executed, Refusal> {
    let payload = json!({ "product_id": "P1", "sku": "K", "options": { "colour": "red" }, "gtin": [GTIN] });
    send::<Variant>(fixture, scope, to, "create", payload).await
}

#[track_caller]
fn taken(result: Result<Executed, Refusal>, by: &str) {
    match result {
        Err(Refusal::Rejected(rejection)) => {
            assert_eq!((rejection.code, rejection.pointer.as_str()), ("already-taken", "/gtin"));
            assert!(rejection.detail.contains(&format!("belongs to {by};")), "{rejection}");
        }
        other => panic!("{other:?}"),
    }
}

/// The ids are the same, and still these are two owners.
#[tokio::test]
async fn a_number_is_one_products_or_one_variants() {
    let fixture = catalog().await;
    let scope_of_acme = &fixture.scope;
    let no_number = json!({ "gtin": [] });
    committed(product(&fixture, scope_of_acme, "X").await.unwrap());
    taken(variant(&fixture, scope_of_acme, "X").await, "products/X");
    taken(variant(&fixture, scope_of_acme, "Y").await, "products/X");
    let freed = send::<Product>(&fixture, scope_of_acme, "X", "set-gtin", no_number.clone()).await;
    committed(freed.unwrap());
    committed(variant(&fixture, scope_of_acme, "X").await.unwrap());
    taken(variant(&fixture, scope_of_acme, "Y").await, "X");
    let numbered = json!({ "gtin": [GTIN] });
    let again = send::<Product>(&fixture, scope_of_acme, "X", "set-gtin", numbered.clone()).await;
    taken(again, "variants/X");
    let freed = send::<Variant>(&fixture, scope_of_acme, "X", "set-gtin", no_number).await;
    committed(freed.unwrap());
    let again = send::<Product>(&fixture, scope_of_acme, "X", "set-gtin", numbered).await;
    committed(again.unwrap());
    // Another tenant never competes.
    committed(variant(&fixture, &scope("other").await, "X").await.unwrap());
}

/// Puts a claim as of 1970, as a commit that never came has left it, or one that did come and was long ago.
async fn claimed_long_ago(fixture: &LogFixture, of_type: Option<&str>) {
    let database = &fixture.databases.durable;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let number = |value: &str| AttributeValue::N(value.to_owned());
    let mut put = database
        .client()
        .put_item()
        .table_name(database.table("catalog-claims"))
        .item("PK", text(&format!("TENANT#acme#products#gtin#0{GTIN}")))
        .item("v", number(of_type.map_or("1", |_| "2")))
        .item("owner", text("Z"))
        .item("at", number("1"));
    if let Some(name) = of_type {
        put = put.item("aggregate", text(name));
    }
    put.send().await.unwrap();
}

#[tokio::test]
async fn a_rival_takes_what_no_history_bears_out_and_nothing_else() {
    let fixture = catalog().await;
    claimed_long_ago(&fixture, None).await;
    committed(variant(&fixture, &fixture.scope, "V1").await.unwrap());

    let fixture = catalog().await;
    claimed_long_ago(&fixture, Some("variants")).await;
    committed(product(&fixture, &fixture.scope, "P1").await.unwrap());

    // Here the owners' histories do bear it out, so the age of the claim says nothing.
    let fixture = catalog().await;
    committed(product(&fixture, &fixture.scope, "Z").await.unwrap());
    claimed_long_ago(&fixture, None).await;
    taken(variant(&fixture, &fixture.scope, "V1").await, "products/Z");

    let fixture = catalog().await;
    committed(variant(&fixture, &fixture.scope, "Z").await.unwrap());
    claimed_long_ago(&fixture, Some("variants")).await;
    taken(product(&fixture, &fixture.scope, "P1").await, "variants/Z");

    // A type that this build does not know, as a newer one may have written it, is believed.
    let fixture = catalog().await;
    claimed_long_ago(&fixture, Some("bundles")).await;
    taken(variant(&fixture, &fixture.scope, "V1").await, "bundles/Z");
}
