//! The façade for cqrs-es: its test kit, its framework and its queries over the log on the embedded engine.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kit;
mod once;

use async_trait::async_trait;
use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventEnvelope, EventStore, Query};
use headwater_event_log::cqrs::{Cqrs, CqrsEvent, CqrsStore, metadata};
use headwater_kernel::{Id, Rejection, Timestamp};
use headwater_tenancy::Role;
use headwater_tests::{
    LogFixture,
    account::{Account, Command, Event},
    bytes, request,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

type Framework = CqrsFramework<Cqrs<Account>, CqrsStore<Account>>;
type Failure = AggregateError<Rejection>;

fn named(command_id: &str) -> HashMap<String, String> {
    HashMap::from([(metadata::COMMAND_ID.to_owned(), command_id.to_owned())])
}

fn deposited(cents: i64) -> CqrsEvent<Account> {
    CqrsEvent(Event::Deposited { cents })
}

fn code(result: Result<(), Failure>) -> &'static str {
    match result {
        Err(AggregateError::UserError(rejection)) => rejection.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// A query that keeps what it is given.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<EventEnvelope<Cqrs<Account>>>>>);

#[async_trait]
impl Query<Cqrs<Account>> for Seen {
    async fn dispatch(&self, aggregate_id: &str, events: &[EventEnvelope<Cqrs<Account>>]) {
        assert!(events.iter().all(|event| event.aggregate_id == aggregate_id));
        self.0.lock().unwrap().extend_from_slice(events);
    }
}

impl Seen {
    fn sequences(&self) -> Vec<usize> {
        self.0.lock().unwrap().iter().map(|event| event.sequence).collect()
    }
}

fn framework(fixture: &LogFixture) -> (Framework, Seen) {
    let seen = Seen::default();
    let store = fixture.log.cqrs::<Account>().scoped(&fixture.scope);
    (store.framework(vec![Box::new(seen.clone())]), seen)
}

async fn state(store: &CqrsStore<Account>, id: &str) -> (i64, u64) {
    let mut context = store.load_aggregate(id).await.unwrap();
    (context.aggregate().state().cents, context.version())
}

#[tokio::test]
async fn commands_are_executed_dispatched_and_reloaded() {
    let fixture = LogFixture::new().await;
    let (framework, seen) = framework(&fixture);
    framework
        .execute("A1", Command::DepositTimes { cents: 5, times: 2 })
        .await
        .unwrap();
    let mut given = named("c2");
    given.insert(metadata::CORRELATION_ID.into(), "r1".into());
    given.insert(metadata::CAUSATION_ID.into(), "e1".into());
    given.insert(metadata::ACTOR.into(), fixture.scope.actor().as_str().into());
    framework
        .execute_with_metadata("A1", Command::Withdraw { cents: 3 }, given)
        .await
        .unwrap();
    framework.execute("A1", Command::Deposit { cents: 0 }).await.unwrap();
    assert_eq!(seen.sequences(), [1, 2, 3], "an empty decision is not dispatched");

    // From another process: a cold store of the same log.
    let store = fixture.log.cqrs::<Account>().scoped(&fixture.scope);
    assert_eq!(state(&store, "A1").await, (7, 3));
    let events = store.load_events("A1").await.unwrap();
    let payloads: Vec<_> = events.iter().map(|event| event.payload.clone()).collect();
    let withdrawn = CqrsEvent(Event::Withdrawn { cents: 3 });
    assert_eq!(payloads, [deposited(5), deposited(5), withdrawn]);
    let dispatched = seen.0.lock().unwrap().clone();
    for (stored, dispatched) in events.iter().zip(&dispatched) {
        assert_eq!(stored.metadata, dispatched.metadata);
    }
    let of = |event: usize, key: &str| events[event].metadata.get(key).cloned();
    assert_eq!(
        of(0, metadata::COMMAND_ID),
        of(1, metadata::COMMAND_ID),
        "one command, one id"
    );
    assert_ne!(of(0, metadata::EVENT_ID), of(1, metadata::EVENT_ID));
    assert_eq!(of(0, metadata::COMMAND_ID).unwrap().len(), 36, "made up");
    assert_eq!(of(2, metadata::COMMAND_ID).unwrap(), "c2");
    assert_eq!(of(2, metadata::CORRELATION_ID).unwrap(), "r1");
    assert_eq!(of(2, metadata::CAUSATION_ID).unwrap(), "e1");
    assert_eq!(of(2, metadata::ACTOR).unwrap(), fixture.scope.actor().as_str());
    assert!(Timestamp::parse(&of(2, metadata::TIME).unwrap()).is_ok());
    assert!(store.load_events("nobody").await.unwrap().is_empty());
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let fixture = LogFixture::new().await;
    let stores = fixture.log.cqrs::<Account>();
    let ours = stores.scoped(&fixture.scope).framework(vec![]);
    let numbers = || Command::Number {
        numbers: vec!["7".into()],
    };
    ours.execute_with_metadata("A1", numbers(), named("c1")).await.unwrap();
    let other = headwater_tenancy::testing::scope("other").await;
    let theirs = stores.scoped(&other);
    assert!(theirs.load_events("A1").await.unwrap().is_empty());
    assert_eq!(state(&theirs, "A1").await, (0, 0));
    // Nor do ids, command ids or unique values compete, and a shared cache keeps them apart.
    theirs
        .clone()
        .framework(vec![])
        .execute_with_metadata("A1", numbers(), named("c1"))
        .await
        .unwrap();
    assert_eq!(state(&theirs, "A1").await.1, 1);
    assert_eq!(state(&stores.scoped(&fixture.scope), "A1").await.1, 1);
}

#[tokio::test]
async fn claims_change_hands_with_the_commit() {
    let fixture = LogFixture::new().await;
    let (framework, _) = framework(&fixture);
    let number = |id: &'static str, numbers: &[&str]| {
        let numbers = numbers.iter().map(|n| (*n).to_owned()).collect();
        framework.execute(id, Command::Number { numbers })
    };
    number("A1", &["1", "2"]).await.unwrap();
    assert_eq!(code(number("A2", &["2", "3"]).await), "already-taken");
    number("A3", &["3"]).await.unwrap();
    number("A1", &["1"]).await.unwrap();
    number("A2", &["2"]).await.unwrap();
    // The command bus meets the same claims.
    let (name, payload) = headwater_kernel::encode_command(&Command::Number {
        numbers: vec!["2".into()],
    })
    .unwrap();
    let refused = fixture
        .accounts()
        .execute(
            &fixture.scope,
            &Id::new("A4").unwrap(),
            request("c1", &name, &bytes(&payload)),
            || {
                Ok(Command::Number {
                    numbers: vec!["2".into()],
                })
            },
        )
        .await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn what_a_commit_cannot_keep_is_refused_before_it_is_sent() {
    let fixture = LogFixture::new().await;
    let (framework, seen) = framework(&fixture);
    for (key, value) in [
        ("uri", "/accounts"),
        (metadata::ACTOR, "user:mallory"),
        (metadata::TIME, "2026-11-23T08:30:00Z"),
        (metadata::COMMAND_ID, ""),
        (metadata::COMMAND_ID, "a b"),
    ] {
        let given = HashMap::from([(key.to_owned(), value.to_owned())]);
        let refused = framework
            .execute_with_metadata("A1", Command::Deposit { cents: 1 }, given)
            .await;
        assert_eq!(code(refused), "invalid-metadata", "{key}");
    }
    assert_eq!(
        code(framework.execute("", Command::Deposit { cents: 1 }).await),
        "invalid-id"
    );
    let large = Command::Number {
        numbers: vec!["x".repeat(400_000)],
    };
    assert_eq!(code(framework.execute("A1", large).await), "commit-too-large");
    assert!(seen.sequences().is_empty());
    let store = fixture.log.cqrs::<Account>().scoped(&fixture.scope);
    assert_eq!(state(&store, "A1").await, (0, 0));
}

#[tokio::test]
async fn costs_are_exact() {
    let fixture = LogFixture::new().await;
    let (framework, _) = framework(&fixture);
    let store = fixture.log.cqrs::<Account>().scoped(&fixture.scope);
    let units = || {
        let usage = fixture.databases.durable.accounting().snapshot();
        usage.iter().fold((0.0, 0.0), |(r, w), usage| {
            (r + usage.read_units, w + usage.write_units)
        })
    };
    let spent = |before: (f64, f64)| (units().0 - before.0, units().1 - before.1);
    let deposit = || Command::Deposit { cents: 1 };

    let before = units();
    framework.execute("A1", deposit()).await.unwrap();
    assert_eq!(
        spent(before),
        (3.0, 1.0),
        "cold: loaded for the decision and into the cache"
    );
    let before = units();
    framework.execute("A1", deposit()).await.unwrap();
    assert_eq!(spent(before), (1.5, 1.0), "warm: the load and one put");
    let before = units();
    framework
        .execute("A1", Command::DepositTimes { cents: 1, times: 10 })
        .await
        .unwrap();
    assert_eq!(spent(before), (1.5, 1.0), "ten events are one put");
    let before = units();
    state(&store, "A1").await;
    assert_eq!(spent(before), (1.5, 0.0), "a load: no snapshot, one page");
    let before = units();
    let rejected = framework.execute("A1", Command::Withdraw { cents: 99 }).await;
    assert_eq!((code(rejected), spent(before)), ("too-little", (1.5, 0.0)));
    let before = units();
    let withdraw = Command::Withdraw { cents: 99 };
    let rejected = framework.execute_with_metadata("A1", withdraw, named("c9")).await;
    assert_eq!((code(rejected), spent(before)), ("too-little", (2.5, 0.0)));
}

#[tokio::test]
async fn a_missing_table_is_neither_a_refusal_nor_worth_a_retry() {
    let fixture = LogFixture::new().await;
    let store = fixture.log.cqrs::<headwater_crm::lead::Lead>().scoped(&fixture.scope);
    let failed = store.load_aggregate("L1").await;
    assert!(matches!(failed, Err(AggregateError::UnexpectedError(_))), "{failed:?}");
}

#[tokio::test]
async fn who_may_not_send_commands_commits_nothing() {
    let fixture = LogFixture::new().await;
    let auditor = headwater_tenancy::testing::scope_as("acme", &[Role::Auditor]).await;
    let store = fixture.log.cqrs::<Account>().scoped(&auditor);
    let framework = store.clone().framework(vec![]);
    assert_eq!(
        code(framework.execute("A1", Command::Deposit { cents: 1 }).await),
        "forbidden"
    );
    assert_eq!(state(&store, "A1").await, (0, 0), "it may read");
}
