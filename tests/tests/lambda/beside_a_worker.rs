//! A function beside workers: what the one leaves to the others.

use super::{Function, LONG, sources};
use headwater_event_log::AggregateStore;
use headwater_kernel::{Id, Rejection};
use headwater_projectors::{
    Budget, Catalogue, Indexes, Metrics, ReplayOptions, Replays, Runner, RunnerOptions, Stores, lambda::Handler,
};
use headwater_tests::{
    account::{Account, Command},
    bytes,
    projections::{BALANCES, Balance, register},
    request,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

impl Function {
    async fn deposit(&self, id: &str, n: u64) {
        let accounts = AggregateStore::<Account>::new(self.keeping.log.clone());
        let payload = bytes(&json!({ "cents": n }));
        let decide = || Ok::<_, Rejection>(Command::Deposit { cents: 10 });
        let (id, key) = (Id::new(id).unwrap(), format!("{id}-{n}"));
        let sent = accounts.execute(&self.scope, &id, request(&key, "deposit", &payload), decide);
        sent.await.unwrap();
    }

    /// The events table's items as an event, in no order between aggregates.
    async fn event_of_the_table(&self) -> Value {
        let durable = &self.stores.databases.durable;
        let table = durable.table("bank-events");
        let scanned = durable.client().scan().table_name(&table).send().await.unwrap();
        let record = |(n, item): (usize, &std::collections::HashMap<String, _>)| {
            let image: serde_json::Map<String, Value> = item
                .iter()
                .map(|(name, value): (&String, &aws_sdk_dynamodb::types::AttributeValue)| {
                    let value = match value.as_n() {
                        Ok(digits) => json!({ "N": digits }),
                        Err(_) => json!({ "S": value.as_s().unwrap() }),
                    };
                    (name.clone(), value)
                })
                .collect();
            json!({
                "eventName": "INSERT",
                "eventSourceARN": format!("arn:aws:dynamodb:us-east-1:123456789012:table/{table}/stream/1"),
                "dynamodb": { "Keys": { "PK": image["PK"], "SK": image["SK"] }, "NewImage": image, "SequenceNumber": n.to_string() },
            })
        };
        json!({ "Records": scanned.items().iter().enumerate().map(record).collect::<Vec<_>>() })
    }

    fn replays(&self) -> Replays {
        let keeping = self.keeping.clone();
        let mut catalogue = Catalogue::new(Stores {
            log: self.keeping.log.clone(),
            views: self.keeping.views.clone(),
            repository: Arc::new(move |projection| keeping.repository(projection)),
            indexes: Indexes::none(),
            metrics: Metrics::none(),
        });
        register(&mut catalogue);
        let runtime = self.keeping.runtime.clone();
        Replays::new(sources(&self.keeping), catalogue, ReplayOptions::default(), runtime)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_consumers_keeps_the_feed_and_the_function_the_rows() {
    let function = Function::new().await;
    let options = RunnerOptions {
        idle_pace: Duration::from_millis(20),
        ..RunnerOptions::default()
    };
    let runtime = function.keeping.runtime.clone();
    let runner = Runner::start(sources(&function.keeping), Vec::new(), options, &runtime);
    for n in 1..=3 {
        for id in ["A", "B", "C"] {
            function.deposit(id, n).await;
        }
    }
    let until = runtime.monotonic() + LONG;
    while !function.keeping.feed_differences(&function.scope).await.is_empty() {
        assert!(runtime.monotonic() < until, "the feed was not written");
        runtime.sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(function.balance("A").await, None, "nobody has kept the rows");
    let event = function.event_of_the_table().await;
    assert_eq!(function.invoke(&event).await, super::done());
    assert_eq!(function.keeping.differences(&function.scope).await, [""; 0]);
    runner.shut_down().await;
}

#[tokio::test]
async fn a_function_keeps_what_is_registered_and_nothing_that_is_being_filled() {
    let mut function = Function::new().await;
    let replays = function.replays();
    function.handler = Handler::new(&replays, RunnerOptions::default());
    let event = function.recorded(include_str!("single_insert.json"));
    function.seed(&event).await;
    assert_eq!(function.invoke(&event).await, super::done());
    assert_eq!(function.balance("A").await, Some((500, 1, 1)));

    // Nobody fills it yet, but whoever does has to be alone.
    let begun = replays.start(BALANCES, None, Budget::default()).await.unwrap();
    assert_eq!(begun.generation, 2);
    function.handler = Handler::new(&replays, RunnerOptions::default());
    let event = function.recorded(include_str!("duplicate_delivery.json"));
    assert_eq!(function.invoke(&event).await, super::done());
    assert_eq!(function.balance("A").await, Some((501, 2, 2)));
    let second = function.keeping.repository(BALANCES).at_generation(2);
    let key = Balance::key(&Id::new("A").unwrap());
    assert!(second.find::<Balance>(&function.scope, &key).await.unwrap().is_none());
}

#[tokio::test]
async fn without_the_register_the_invocation_fails() {
    use headwater_dynamodb::faults::{Fault, Rule};
    let mut function = Function::new().await;
    function.handler = Handler::new(&function.replays(), RunnerOptions::default());
    let event = function.recorded(include_str!("single_insert.json"));
    function.faults().add(Rule::new(Fault::Throttle));
    assert!(function.invoke_within(&event, LONG).await.is_err());
    function.faults().clear();
    assert_eq!(function.invoke(&event).await, super::done());
}
