//! Exact units. They are DynamoDB's documented ones: 1 write unit per KB, twice in a transaction, 1 read unit per 4 KB, half if eventually
//! consistent.

use crate::{Fixture, item, put_new, text, transact_new};
use aws_sdk_dynamodb::types::{Get, KeysAndAttributes, PutRequest, TransactGetItem, WriteRequest};
use headwater_dynamodb::{AccessPattern, Database, Usage, tables};
use headwater_kernel::TenantId;
use std::collections::HashMap;

/// What one call consumed.
struct Cost {
    read: f64,
    write: f64,
    rows: Vec<Usage>,
}

async fn cost<T>(database: &Database, call: impl Future<Output = T>) -> Cost {
    let before = database.accounting().snapshot();
    call.await;
    let rows = database.accounting().since(&before);
    Cost {
        read: rows.iter().map(|row| row.read_units).sum(),
        write: rows.iter().map(|row| row.write_units).sum(),
        rows,
    }
}

async fn fixture() -> Fixture {
    let fixture = Fixture::open();
    for table in [
        tables::event_table("crm"),
        tables::claims_table("crm"),
        tables::views_table("crm"),
    ] {
        fixture.databases.ensure_table(&table).await.unwrap();
    }
    fixture
}

fn key(sort: u64) -> HashMap<String, aws_sdk_dynamodb::types::AttributeValue> {
    HashMap::from([
        ("PK".to_owned(), text("TENANT#demo")),
        ("SK".to_owned(), text(format!("{sort:010}"))),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_costs_one_unit_per_started_kilobyte() {
    let fixture = fixture().await;
    let log = fixture.durable();
    let cost_of = |sort, bytes| {
        cost(log, async move {
            put_new(log, "crm-events", item("TENANT#demo", sort, bytes))
                .send()
                .await
                .unwrap()
        })
    };
    assert_eq!(cost_of(1, 100).await.write, 1.0);
    assert_eq!(cost_of(2, 900).await.write, 1.0);
    assert_eq!(cost_of(3, 1_100).await.write, 2.0);
    assert_eq!(cost_of(4, 7_900).await.write, 8.0);
    assert_eq!(cost_of(5, 100).await.read, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_costs_twice() {
    let fixture = fixture().await;
    let log = fixture.durable();
    let spent = cost(log, async {
        let claim = HashMap::from([("PK".to_owned(), text("TENANT#demo#GTIN#1"))]);
        let call = log
            .client()
            .transact_write_items()
            .transact_items(transact_new("crm-events", item("TENANT#demo", 1, 1_500)));
        call.transact_items(transact_new("crm-claims", claim))
            .send()
            .await
            .unwrap();
    });
    let spent = spent.await;
    let row = |table: &str| spent.rows.iter().find(|row| row.table == table).unwrap();
    assert_eq!(
        (row("crm-events").write_units, row("crm-claims").write_units),
        (4.0, 2.0)
    );
    assert_eq!(row("crm-events").operation, "TransactWriteItems");

    let spent = cost(log, async {
        let get = Get::builder()
            .table_name("crm-events")
            .set_key(Some(key(1)))
            .build()
            .unwrap();
        log.client()
            .transact_get_items()
            .transact_items(TransactGetItem::builder().get(get).build())
            .send()
            .await
            .unwrap()
    });
    assert_eq!(spent.await.read, 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_cost_by_four_kilobytes_and_half_when_eventually_consistent() {
    let fixture = fixture().await;
    let log = fixture.durable();
    for sort in 0..10 {
        put_new(log, "crm-events", item("TENANT#demo", sort, 900))
            .send()
            .await
            .unwrap();
    }
    let get = |consistent| {
        cost(log, async move {
            log.client()
                .get_item()
                .table_name("crm-events")
                .set_key(Some(key(1)))
                .consistent_read(consistent)
                .send()
                .await
                .unwrap()
        })
    };
    assert_eq!(get(true).await.read, 1.0);
    assert_eq!(get(false).await.read, 0.5);

    // Ten items of 0.94 KB are summed before they are rounded: 9.4 KB, 3 units of 4 KB.
    let query = |consistent| {
        cost(log, async move {
            let query = log
                .client()
                .query()
                .table_name("crm-events")
                .key_condition_expression("PK = :pk")
                .consistent_read(consistent);
            assert_eq!(
                query
                    .expression_attribute_values(":pk", text("TENANT#demo"))
                    .send()
                    .await
                    .unwrap()
                    .count(),
                10
            );
        })
    };
    assert_eq!(query(true).await.read, 3.0);
    assert_eq!(query(false).await.read, 1.5);

    let scan = cost(log, async {
        log.client().scan().table_name("crm-events").send().await.unwrap()
    });
    assert_eq!(scan.await.read, 1.5);

    let batch = cost(log, async {
        let keys = KeysAndAttributes::builder()
            .keys(key(1))
            .keys(key(2))
            .consistent_read(true)
            .build()
            .unwrap();
        log.client()
            .batch_get_item()
            .request_items("crm-events", keys)
            .send()
            .await
            .unwrap()
    });
    assert_eq!(batch.await.read, 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_adds_its_own_write() {
    let fixture = fixture().await;
    let views = &fixture.databases.rebuildable;
    let mut row = item("TENANT#demo", 1, 100);
    row.insert("GSI1PK".to_owned(), text("TENANT#demo#OWNER#o"));
    row.insert("GSI1SK".to_owned(), text("CREATED#1"));
    let spent = cost(views, async { put_new(views, "crm", row).send().await.unwrap() });
    assert_eq!(spent.await.write, 2.0);
    let spent = cost(views, async {
        let write = WriteRequest::builder().put_request(
            PutRequest::builder()
                .set_item(Some(item("TENANT#demo", 2, 100)))
                .build()
                .unwrap(),
        );
        views
            .client()
            .batch_write_item()
            .request_items("crm", vec![write.build()])
            .send()
            .await
            .unwrap()
    });
    assert_eq!(spent.await.write, 1.0);
    let spent = cost(views, async {
        views
            .client()
            .delete_item()
            .table_name("crm")
            .set_key(Some(key(2)))
            .send()
            .await
            .unwrap()
    });
    assert_eq!(spent.await.write, 1.0);
    let spent = cost(views, async {
        let update = views
            .client()
            .update_item()
            .table_name("crm")
            .set_key(Some(key(1)))
            .update_expression("SET seen = :seen");
        update
            .expression_attribute_values(":seen", text("yes"))
            .send()
            .await
            .unwrap()
    });
    assert_eq!(spent.await.write, 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_told_apart_by_tenant_and_pattern() {
    let fixture = fixture().await;
    let log = fixture.durable();
    let (one, two) = (TenantId::new("one").unwrap(), TenantId::new("two").unwrap());
    for (sort, tenant) in [&one, &one, &two].into_iter().enumerate() {
        let put = put_new(log, "crm-events", item(&format!("TENANT#{tenant}"), sort as u64, 10));
        put.customize()
            .interceptor(AccessPattern::of("event-log.append", tenant))
            .send()
            .await
            .unwrap();
    }
    put_new(log, "crm-events", item("TENANT#three", 1, 10))
        .send()
        .await
        .unwrap();
    let rows = log.accounting().snapshot();
    let calls = |tenant: Option<&TenantId>, pattern: &str| {
        rows.iter()
            .find(|row| row.tenant.as_ref() == tenant && row.pattern == pattern)
            .map(|row| (row.calls, row.write_units))
    };
    assert_eq!(calls(Some(&one), "event-log.append"), Some((2, 2.0)));
    assert_eq!(calls(Some(&two), "event-log.append"), Some((1, 1.0)));
    assert_eq!(calls(None, "untagged"), Some((1, 1.0)));
}
