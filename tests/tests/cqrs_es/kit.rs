//! Decisions without a store, and where the facts come from with one.

use super::*;
use cqrs_es::{DomainEvent, test::TestFramework};
use headwater_crm::lead::{self, Lead};
use headwater_kernel::{Actor, Facts, Personal, TenantId};

fn facts() -> Facts {
    Facts {
        tenant: TenantId::new("test").unwrap(),
        id: Id::new("L1").unwrap(),
        actor: Actor::new("user:tester"),
        now: Timestamp::from_nanos(1_700_000_000_000_000_000),
    }
}

#[test]
fn decisions_are_tested_with_the_kit_of_cqrs_es() {
    let personal = |value: &str| Personal::about(&Id::new("L1").unwrap(), value.to_owned());
    let capture = || lead::Command::Capture {
        name: "Ada".into(),
        email: None,
        phone: None,
        company: None,
        source: None,
        owner_id: None,
    };
    let captured = || {
        CqrsEvent::<Lead>(lead::Event::LeadCaptured {
            name: personal("Ada"),
            email: None,
            phone: None,
            company: None,
            source: None,
            owner_id: None,
        })
    };
    TestFramework::<Cqrs<Lead>>::with(facts())
        .given_no_previous_events()
        .when(capture())
        .then_expect_events(vec![captured()]);
    TestFramework::<Cqrs<Lead>>::with(facts())
        .given(vec![captured()])
        .and(vec![CqrsEvent(lead::Event::LeadQualified {})])
        .when(capture())
        .then_expect_error(Rejection::already_exists());
    TestFramework::<Cqrs<Account>>::with(facts())
        .given(vec![deposited(2)])
        .when(Command::Withdraw { cents: 3 })
        .then_expect_error_message("too little");
    TestFramework::<Cqrs<Account>>::with(facts())
        .given(vec![deposited(2)])
        .when(Command::DepositTimes { cents: 1, times: 2 })
        .then_expect_events(vec![deposited(1), deposited(1)]);
}

#[test]
fn events_have_the_type_and_version_that_the_log_stores() {
    let event = deposited(1);
    assert_eq!(
        (event.event_type().as_str(), event.event_version().as_str()),
        ("Deposited", "3")
    );
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(json, r#"{"type":"Deposited","data":{"cents":1}}"#);
    assert_eq!(serde_json::from_str::<CqrsEvent<Account>>(&json).unwrap(), event);
}

#[tokio::test]
async fn facts_are_those_of_the_store() {
    let fixture = LogFixture::new().await;
    fixture.log.ensure_tables(headwater_crm::CONTEXT).await.unwrap();
    let store = fixture.log.cqrs::<Lead>().scoped(&fixture.scope);
    // The services speak of another tenant, actor and id; nobody asks them.
    let framework = CqrsFramework::new(store.clone(), vec![], facts());
    let capture = lead::Command::Capture {
        name: "Ada".into(),
        email: None,
        phone: None,
        company: None,
        source: None,
        owner_id: None,
    };
    framework.execute("L9", capture).await.unwrap();
    let events = store.load_events("L9").await.unwrap();
    let lead::Event::LeadCaptured { name, .. } = &events[0].payload.0 else {
        panic!("{events:?}")
    };
    assert_eq!(*name, Personal::about(&Id::new("L9").unwrap(), "Ada".to_owned()));
    assert_eq!(events[0].metadata[metadata::ACTOR], fixture.scope.actor().as_str());
}
