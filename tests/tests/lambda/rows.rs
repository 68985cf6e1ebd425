//! What recorded events come to.

use super::{Function, done};
use headwater_tests::projections::{NUMBERS, NumberRow};

#[tokio::test]
async fn a_single_insert_is_applied_from_its_record_alone() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("single_insert.json"));
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.balance("A").await, Some((500, 1, 1)));
}

#[tokio::test]
async fn several_aggregates_are_applied_each_in_order() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("several_aggregates.json"));
    // The log is empty: nothing was read from it.
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.balance("A").await, Some((501, 2, 2)));
    assert_eq!(function.balance("B").await, Some((45, 3, 3)));
    function.seed(&event).await;
    assert_eq!(function.keeping.differences(&function.scope).await, [""; 0]);
    let numbers = function.keeping.repository(NUMBERS);
    let gone = NumberRow::key(&headwater_kernel::Id::new("C").unwrap(), "n-1");
    assert!(
        numbers
            .find::<NumberRow>(&function.scope, &gone)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn records_of_one_aggregate_may_come_out_of_order_and_with_gaps() {
    let mut function = Function::new().await;
    let event = function.recorded(include_str!("out_of_order.json"));
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.balance("A").await, Some((194, 4, 4)));

    // Only the last of them, the first of the batch: what lies before it is in the log.
    function = Function::new().await;
    function.seed(&event).await;
    let mut last = event.clone();
    last["Records"].as_array_mut().unwrap().truncate(1);
    let last = function.recorded(&last.to_string().replace(&table_of(&event), "bank-events"));
    assert_eq!(function.invoke(&last).await, done());
    assert_eq!(function.balance("A").await, Some((194, 4, 4)));
}

fn table_of(event: &serde_json::Value) -> String {
    let arn = event["Records"][0]["eventSourceARN"].as_str().unwrap();
    arn.split('/').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn what_is_delivered_twice_counts_once() {
    let mut function = Function::new().await;
    let event = function.recorded(include_str!("duplicate_delivery.json"));
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.invoke(&event).await, done());
    function.cold_start();
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.balance("A").await, Some((501, 2, 2)));
}

#[tokio::test]
async fn a_removal_has_no_effect() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("removal.json"));
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(
        (function.balance("A").await, function.balance("B").await),
        (None, Some((7, 1, 1)))
    );
}

#[tokio::test]
async fn a_stream_of_keys_alone_goes_by_the_log() {
    let function = Function::new().await;
    let full = function.recorded(include_str!("duplicate_delivery.json"));
    function.seed(&full).await;
    let event = function.recorded(include_str!("keys_only.json"));
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.balance("A").await, Some((501, 2, 2)));
}

#[tokio::test]
async fn what_others_put_into_the_table_is_left_out() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("foreign_item.json"));
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.balance("B").await, Some((7, 1, 1)));
}
