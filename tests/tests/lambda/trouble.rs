//! Commits that cannot be applied are parked, count as done, and hold nobody up.

use super::{Function, done};
use headwater_kernel::Id;
use headwater_projectors::{Parked, Parking, Retried, SourceKey};
use headwater_tests::{
    account::CONTEXT,
    projections::{BALANCES, poison},
};
use serde_json::{Value, json};
use std::time::Duration;

impl Function {
    fn parking(&self) -> Parking {
        Parking::new(self.stores.databases.rebuildable.clone())
    }

    async fn parked(&self) -> Vec<Parked> {
        self.parking().list("balances.1", None).await.unwrap()
    }

    async fn retry(&self, id: &str) -> Retried {
        let consumers = self.keeping.consumers();
        let consumer = consumers.iter().find(|one| one.projection == BALANCES).unwrap();
        let source = SourceKey {
            tenant: self.scope.tenant().clone(),
            aggregate: "accounts".into(),
            id: Id::new(id).unwrap(),
        };
        let parking = self.parking();
        let retried = parking.retry(consumer, &self.scope, CONTEXT, &source, false);
        retried.await.unwrap()
    }
}

/// The recorded poison, with another amount: folds that panic are shared by all tests of the process.
fn poisonous(function: &Function, cents: i64) -> Value {
    function.recorded(&include_str!("poison.json").replace("7007", &cents.to_string()))
}

fn only(event: &Value, record: usize) -> Value {
    json!({ "Records": [event["Records"][record]] })
}

#[tokio::test]
async fn a_commit_that_cannot_be_applied_parks_its_aggregate_and_nothing_else() {
    let mut function = Function::new().await;
    let event = poisonous(&function, 7_001);
    function.seed(&event).await;
    poison(7_001, true);
    let mut early = event.clone();
    let last = early["Records"].as_array_mut().unwrap().remove(2);
    assert_eq!(function.invoke(&early).await, done());
    let parked = function.parked().await;
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (parked[0].source.id.as_str(), parked[0].first_sequence, parked[0].up_to),
        ("A", 2, 2)
    );
    assert_eq!(parked[0].reason, "the fold panicked");
    assert_eq!(
        function.balance("A").await,
        Some((9_000, 1, 1)),
        "it is applied up to the bad commit"
    );
    assert_eq!(function.balance("B").await, Some((7, 1, 1)));

    // What follows waits behind it, also after a mended build has started, until an operator says so.
    poison(7_001, false);
    function.cold_start();
    assert_eq!(function.invoke(&json!({ "Records": [last] })).await, done());
    assert_eq!(function.parked().await[0].up_to, 3);
    assert_eq!(function.balance("A").await, Some((9_000, 1, 1)));
    assert_eq!(function.retry("A").await, Retried::Applied);
    assert_eq!(function.balance("A").await, Some((2_000, 3, 3)));
    // This environment believed it parked.
    assert_eq!(function.invoke(&event).await, done());
    assert_eq!(function.keeping.differences(&function.scope).await, [""; 0]);
}

#[tokio::test]
async fn it_is_parked_within_the_time_there_is_and_once_by_all_environments() {
    let mut function = Function::new().await;
    let event = poisonous(&function, 7_002);
    function.seed(&event).await;
    poison(7_002, true);
    // Another environment has read that nothing is parked.
    assert_eq!(function.invoke(&only(&event, 3)).await, done());
    let other = function.handler.clone();
    function.cold_start();
    let time = Duration::from_millis(400);
    let answer = function
        .keeping
        .runtime
        .timeout(time, function.invoke_within(&event, time))
        .await;
    assert_eq!(answer.expect("in time").unwrap(), done());
    let since = function.parked().await[0].since;
    function.handler = other;
    assert_eq!(function.invoke(&only(&event, 2)).await, done());
    let parked = function.parked().await;
    assert_eq!(
        (parked[0].first_sequence, parked[0].up_to, parked[0].since),
        (2, 3, since)
    );
    poison(7_002, false);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_parks_the_aggregate_that_its_key_names() {
    let function = Function::new().await;
    let event = function.recorded(include_str!("unreadable_layout.json"));
    function.seed(&event).await;
    assert_eq!(function.invoke(&event).await, done());
    let parked = function.parked().await;
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].source.id.as_str(), parked[0].first_sequence), ("A", 1));
    assert!(parked[0].reason.contains("layout"), "{}", parked[0].reason);
    assert_eq!(
        (function.balance("A").await, function.balance("B").await),
        (None, Some((7, 1, 1)))
    );
}
