//! Each fault, seen from above the SDK with its retries.

use crate::{
    Fixture, item, put_new,
    streams::{horizon, read},
    text, transact_new,
};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::{
    Class, Databases, classify,
    faults::{Fault, Faults, Rule},
    tables, transaction_reasons,
};
use headwater_runtime::Runtime;
use std::time::Duration;

async fn faulty() -> (Fixture, Faults) {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::seeded(11);
    let databases = Databases::embedded_with_faults(dir.path(), Runtime::tokio(), faults.clone()).unwrap();
    databases.ensure_table(&tables::event_table("crm")).await.unwrap();
    databases.ensure_table(&tables::snapshots_table("crm")).await.unwrap();
    (Fixture { databases, _dir: dir }, faults)
}

async fn count(fixture: &Fixture) -> i32 {
    fixture
        .durable()
        .client()
        .scan()
        .table_name("crm-events")
        .send()
        .await
        .unwrap()
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_call_is_sent_again_and_counted() {
    let (fixture, faults) = faulty().await;
    faults.add(Rule::new(Fault::Throttle).operation("PutItem").times(2));
    put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    assert_eq!(faults.injected(), 2);
    let rows = fixture.durable().accounting().snapshot();
    let puts = rows.iter().find(|row| row.operation == "PutItem").unwrap();
    assert_eq!((puts.calls, puts.throttled, puts.write_units), (3, 2, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_without_end_is_told_after_bounded_attempts() {
    let (fixture, faults) = faulty().await;
    faults.add(Rule::new(Fault::Throttle).table("crm-events"));
    let refused = put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap_err();
    assert_eq!(classify(&refused), Class::Throttled);
    assert_eq!(faults.injected(), 5);
    put_new(fixture.durable(), "crm-snapshots", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    faults.clear();
    assert_eq!(count(&fixture).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_before_the_effect_is_healed_by_a_retry() {
    let (fixture, faults) = faulty().await;
    faults.add(Rule::new(Fault::TimeoutBefore).operation("PutItem").nth(1));
    put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    assert_eq!(count(&fixture).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_after_the_effect_comes_back_as_a_conflict_with_itself() {
    let (fixture, faults) = faulty().await;
    faults.add(Rule::new(Fault::TimeoutAfter).operation("PutItem").nth(1));
    let conflict = put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap_err();
    assert_eq!(classify(&conflict), Class::Conflict);
    assert_eq!(count(&fixture).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_store_are_retried_and_then_told_as_unavailable() {
    let (fixture, faults) = faulty().await;
    faults.add(Rule::new(Fault::InternalError).operation("PutItem").times(1));
    put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    faults.clear();
    faults.add(Rule::new(Fault::InternalError).operation("PutItem"));
    let failed = put_new(fixture.durable(), "crm-events", item("TENANT#demo", 2, 10))
        .send()
        .await
        .unwrap_err();
    assert_eq!(classify(&failed), Class::Unavailable);
    faults.clear();
    faults.add(Rule::new(Fault::InternalErrorAfter).operation("PutItem").nth(1));
    let conflict = put_new(fixture.durable(), "crm-events", item("TENANT#demo", 3, 10))
        .send()
        .await
        .unwrap_err();
    assert_eq!(classify(&conflict), Class::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_call_takes_at_least_so_long() {
    let (fixture, faults) = faulty().await;
    let runtime = Runtime::tokio();
    faults.add(Rule::new(Fault::Delay(Duration::from_millis(80))).operation("PutItem"));
    let started = runtime.monotonic();
    put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    assert!(runtime.monotonic() - started >= Duration::from_millis(80));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_condition_is_not_retried_and_names_the_item() {
    let (fixture, faults) = faulty().await;
    // Would be counted if a second attempt were made.
    faults.add(Rule::new(Fault::Delay(Duration::ZERO)).operation("TransactWriteItems"));
    put_new(fixture.durable(), "crm-events", item("TENANT#demo", 2, 10))
        .send()
        .await
        .unwrap();
    let call = fixture.durable().client().transact_write_items();
    let call = call.transact_items(transact_new("crm-events", item("TENANT#demo", 1, 10)));
    let cancelled = call
        .transact_items(transact_new("crm-events", item("TENANT#demo", 2, 10)))
        .send()
        .await
        .unwrap_err();
    assert_eq!(classify(&cancelled), Class::Conflict);
    assert_eq!(
        transaction_reasons(&cancelled),
        Some(vec![None, Some("ConditionalCheckFailed".to_owned())])
    );
    assert_eq!(faults.injected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_reordered_across_items_only_and_twice() {
    let (fixture, faults) = faulty().await;
    for step in 0..60_u64 {
        let update = fixture
            .durable()
            .client()
            .update_item()
            .table_name("crm-events")
            .key("PK", text(format!("TENANT#demo#{}", step % 6)));
        let update = update.key("SK", text("0")).update_expression("SET step = :step");
        update
            .expression_attribute_values(":step", AttributeValue::N(step.to_string()))
            .send()
            .await
            .unwrap();
    }
    let log = fixture.durable();
    let steps = async || {
        let records = read(log, horizon(log, "crm-events").await).await;
        let step = |record: &aws_sdk_dynamodbstreams::types::Record| {
            record.dynamodb().unwrap().new_image().unwrap()["step"]
                .as_n()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        records.iter().map(step).collect::<Vec<_>>()
    };
    faults.add(Rule::new(Fault::ReorderRecords));
    let reordered = steps().await;
    assert!(!reordered.is_sorted());
    for of_item in 0..6 {
        let own: Vec<u64> = reordered.iter().copied().filter(|step| step % 6 == of_item).collect();
        assert!(own.is_sorted() && own.len() == 10);
    }
    faults.clear();
    faults.add(Rule::new(Fault::DuplicateRecords));
    let mut doubled = steps().await;
    assert!(doubled.len() > 60);
    doubled.dedup();
    assert_eq!(doubled, (0..60).collect::<Vec<_>>());
}
