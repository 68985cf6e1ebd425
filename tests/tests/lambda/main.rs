//! Projections kept by AWS Lambda: recorded events of DynamoDB streams, as an event source mapping hands them over, against the embedded
//! engine. Rows have to be right, and answers exact: what Lambda does not understand it takes for success.
#![allow(clippy::unwrap_used, reason = "a test")]

mod answers;
mod beside_a_worker;
mod rows;
mod runtime_api;
mod trouble;

use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::faults::Faults;
use headwater_event_log::{EventLog, Options};
use headwater_kernel::{Id, Timestamp};
use headwater_projectors::{
    RunnerOptions, Sources,
    lambda::{Handler, HandlerError},
};
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use headwater_tests::{
    account::CONTEXT,
    projections::{BALANCES, Balance, Keeping},
    sealing_key,
    stores::TestStores,
};
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};

/// Tables, and a function that is mapped to the stream of the events.
struct Function {
    stores: TestStores,
    keeping: Keeping,
    scope: TenantScope,
    handler: Handler,
}

/// The right to work for a minute.
const LONG: Duration = Duration::from_secs(60);

fn sources(keeping: &Keeping) -> Sources {
    Sources {
        log: keeping.log.clone(),
        views: keeping.views.clone(),
        authority: keeping.authority.clone(),
        contexts: vec![CONTEXT.to_owned()],
    }
}

impl Function {
    async fn new() -> Self {
        Self::on(TestStores::open(&Runtime::tokio(), 5).await).await
    }

    async fn on(stores: TestStores) -> Self {
        let runtime = Runtime::tokio();
        let durable = stores.databases.durable.clone();
        let log = EventLog::new(durable, sealing_key(), Options::default(), runtime.clone());
        log.ensure_tables(CONTEXT).await.unwrap();
        let keeping = Keeping::new(log, stores.databases.rebuildable.clone(), runtime).await;
        Self {
            handler: handler(&keeping),
            scope: headwater_tenancy::testing::scope("acme").await,
            stores,
            keeping,
        }
    }

    /// What a new environment of the function knows: nothing.
    fn cold_start(&mut self) {
        self.handler = handler(&self.keeping);
    }

    fn faults(&self) -> &Faults {
        &self.stores.faults
    }

    /// A recorded event, as it would have been recorded here.
    fn recorded(&self, event: &str) -> Value {
        let table = self.stores.databases.durable.table("bank-events");
        serde_json::from_str(&event.replace("table/bank-events/", &format!("table/{table}/"))).unwrap()
    }

    /// Puts the items of an event where they came from.
    async fn seed(&self, event: &Value) {
        let durable = &self.stores.databases.durable;
        for record in event["Records"].as_array().unwrap() {
            let Some(image) = record["dynamodb"]["NewImage"].as_object() else {
                continue;
            };
            let item: HashMap<String, AttributeValue> = image
                .iter()
                .filter_map(|(name, value)| {
                    let text = value["S"].as_str().map(|text| AttributeValue::S(text.into()));
                    let digits = value["N"].as_str().map(|digits| AttributeValue::N(digits.into()));
                    Some((name.clone(), text.or(digits)?))
                })
                .collect();
            let put = durable.client().put_item().table_name(durable.table("bank-events"));
            put.set_item(Some(item)).send().await.unwrap();
        }
    }

    async fn invoke_within(&self, event: &Value, time: Duration) -> Result<Value, HandlerError> {
        let event = serde_json::from_value(event.clone()).unwrap();
        let now = self.keeping.runtime.now().nanos();
        let deadline = Timestamp::from_nanos(now + i64::try_from(time.as_nanos()).unwrap());
        let answer = self.handler.handle(event, deadline).await?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    async fn invoke(&self, event: &Value) -> Value {
        self.invoke_within(event, LONG).await.unwrap()
    }

    /// Cents, events and version of an account's row.
    async fn balance(&self, id: &str) -> Option<(i64, u64, u64)> {
        let rows = self.keeping.repository(BALANCES);
        let key = Balance::key(&Id::new(id).unwrap());
        let row = rows.find::<Balance>(&self.scope, &key).await.unwrap();
        row.map(|row| (row.entity.cents, row.entity.events, row.version))
    }
}

fn handler(keeping: &Keeping) -> Handler {
    let (consumers, runtime) = (keeping.consumers(), keeping.runtime.clone());
    Handler::of(sources(keeping), consumers, RunnerOptions::default(), runtime)
}

/// All of it is done.
fn done() -> Value {
    json!({ "batchItemFailures": [] })
}

/// It has to come again from this record on.
fn from(record: &Value) -> Value {
    json!({ "batchItemFailures": [{ "itemIdentifier": record["dynamodb"]["SequenceNumber"] }] })
}

/// What Lambda delivers after such an answer.
fn redelivered(event: &Value, answer: &Value) -> Value {
    let failed = answer["batchItemFailures"][0]["itemIdentifier"].as_str().unwrap();
    let records = event["Records"].as_array().unwrap().iter();
    let again = records.skip_while(|record| record["dynamodb"]["SequenceNumber"] != failed);
    json!({ "Records": again.collect::<Vec<_>>() })
}
