//! What Lambda is told when something fails, and what comes of the redelivery.

use super::{Function, LONG, done, from, redelivered};
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_projectors::lambda::{HandlerError, StreamEvent};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_store_that_fails_brings_the_batch_back_from_the_lowest_record_that_is_not_done() {
    let function = Function::new().await;
    let first = function.recorded(include_str!("single_insert.json"));
    assert_eq!(function.invoke(&first).await, done());

    // A's first commit is done, and so are those of nobody else.
    let mut event = function.recorded(include_str!("several_aggregates.json"));
    event["Records"].as_array_mut().unwrap().remove(4);
    function.seed(&event).await;
    let views = function.stores.databases.rebuildable.table("bank");
    function.faults().add(Rule::new(Fault::Throttle).table(&views));
    let answer = function.invoke(&event).await;
    assert_eq!(answer, from(&event["Records"][1]));

    function.faults().clear();
    let again = redelivered(&event, &answer);
    assert_eq!(again["Records"].as_array().unwrap().len(), 4);
    assert_eq!(function.invoke(&again).await, done());
    assert_eq!(function.keeping.differences(&function.scope).await, [""; 0]);
}

#[tokio::test]
async fn answers_that_are_lost_double_nothing() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("several_aggregates.json"));
    function.seed(&event).await;
    let views = function.stores.databases.rebuildable.table("bank");
    for fault in [Fault::TimeoutAfter, Fault::InternalErrorAfter, Fault::Throttle] {
        function.faults().add(Rule::new(fault).table(&views).probability(0.3));
    }
    let mut batch = event.clone();
    for _ in 0..50 {
        let answer = function.invoke(&batch).await;
        if answer == done() {
            break;
        }
        batch = redelivered(&batch, &answer);
    }
    assert!(function.faults().injected() > 0);
    function.faults().clear();
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.keeping.differences(&function.scope).await, [""; 0]);
}

#[tokio::test]
async fn it_answers_before_the_deadline_whatever_the_store_does() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("several_aggregates.json"));
    function.seed(&event).await;
    let views = function.stores.databases.rebuildable.table("bank");
    function
        .faults()
        .add(Rule::new(Fault::Delay(Duration::from_secs(5))).table(&views));
    let (time, runtime) = (Duration::from_millis(1_500), &function.keeping.runtime);
    let answer = runtime.timeout(time, function.invoke_within(&event, time)).await;
    assert_eq!(answer.expect("in time").unwrap(), from(&event["Records"][0]));
    function.faults().clear();
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.keeping.differences(&function.scope).await, [""; 0]);

    // No time at all: nothing is done, and nothing is said to be.
    let late = function.recorded(include_str!("removal.json"));
    let answer = function.invoke_within(&late, Duration::ZERO).await.unwrap();
    assert_eq!(answer, from(&late["Records"][1]));
}

#[tokio::test]
async fn the_stream_of_another_table_fails_the_invocation() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("single_insert.json")).to_string();
    let table = function.stores.databases.durable.table("bank-events");
    for other in ["bank-claims", "prod-bank-events", "crm-events", "-events"] {
        let event = serde_json::from_str(&event.replace(&table, other)).unwrap();
        let failed = function.invoke_within(&event, LONG).await;
        assert!(
            matches!(failed, Err(HandlerError::OtherStream { .. })),
            "{other}: {failed:?}"
        );
    }
    assert_eq!(function.balance("A").await, None);
}

#[test]
fn what_is_no_batch_of_a_dynamodb_stream_is_no_event() {
    for other in [
        json!({}),
        json!(null),
        json!({ "Records": null }),
        json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "1" } }] }),
        json!({ "Records": [{ "eventName": "INSERT", "eventSourceARN": "arn:x", "dynamodb": { "Keys": {} } }] }),
    ] {
        assert!(serde_json::from_value::<StreamEvent>(other).is_err());
    }
}
