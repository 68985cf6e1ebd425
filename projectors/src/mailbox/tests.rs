use super::*;
use headwater_kernel::{Actor, Id};

const ROOM: Room = Room {
    commits: 100,
    per_tenant: 10,
    aggregates: 5,
};
const NOW: Duration = Duration::from_secs(1);

async fn commit(tenant: &str, id: &str, sequence: u64) -> LoggedCommit {
    LoggedCommit {
        scope: headwater_tenancy::testing::scope(tenant).await,
        commit: Commit {
            tenant: TenantId::new(tenant).unwrap(),
            context: "crm".into(),
            aggregate: "leads".into(),
            id: Id::new(id).unwrap(),
            first_sequence: sequence,
            events: vec![headwater_kernel::StoredEvent {
                event_type: "LeadCaptured".into(),
                schema_version: 1,
                data: serde_json::value::RawValue::from_string("{}".into()).unwrap(),
            }],
            command_id: "c".into(),
            actor: Actor::new("user:a"),
            correlation_id: None,
            causation_id: None,
            time: Timestamp::from_nanos(i64::try_from(sequence).unwrap()),
            writer: 1,
        },
    }
}

fn at(sequence: u64) -> Position {
    Position {
        stream: "s".into(),
        shard: "a".into(),
        sequence: Some(sequence.to_string()),
    }
}

fn sequence(mailbox: &mut Mailbox) -> Option<String> {
    mailbox.passed().and_then(|position| position.sequence.clone())
}

fn mailbox() -> Mailbox {
    Mailbox::new(ROOM, at(0))
}

#[tokio::test]
async fn the_position_waits_for_the_first_record_without_effect() {
    let mut mailbox = mailbox();
    for n in 1..=3 {
        mailbox.push(&commit("a", &format!("L{n}"), 1).await);
        mailbox.end_batch(at(n));
    }
    let mut round = mailbox.take(NOW, 10);
    assert_eq!(round.len(), 3);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("0"));
    let first = round.remove(0);
    for work in &round {
        mailbox.done(work);
    }
    assert_eq!(
        sequence(&mut mailbox).as_deref(),
        Some("0"),
        "the first is still under way"
    );
    mailbox.again(first, NOW * 2);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("0"));
    assert!(mailbox.take(NOW, 10).is_empty(), "it is not due yet");
    assert_eq!(mailbox.next_due(), Some(NOW * 2));
    let again = mailbox.take(NOW * 2, 10);
    assert_eq!((again[0].attempts(), again[0].up_to()), (1, 1));
    mailbox.done(&again[0]);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("3"));
    assert!(mailbox.is_drained());
}

#[tokio::test]
async fn a_flooding_tenant_gets_its_share_of_a_round_and_no_more() {
    let mut mailbox = mailbox();
    for n in 0..10 {
        mailbox.push(&commit("flood", &format!("F{n}"), 1).await);
    }
    for tenant in ["calm", "quiet"] {
        mailbox.push(&commit(tenant, "L1", 1).await);
    }
    let round = mailbox.take(NOW, 6);
    let of = |tenant: &str| round.iter().filter(|work| work.key.tenant.as_str() == tenant).count();
    assert_eq!((of("calm"), of("quiet"), of("flood")), (1, 1, 4));
}

#[tokio::test]
async fn what_finds_no_room_is_remembered_by_aggregate_and_merged_with_what_follows() {
    let mut mailbox = mailbox();
    for n in 1..=10 {
        mailbox.push(&commit("a", "busy", n).await);
    }
    for n in 11..=20 {
        mailbox.push(&commit("a", "busy", n).await);
    }
    mailbox.end_batch(at(20));
    assert_eq!(mailbox.backlog()[&TenantId::new("a").unwrap()].records, 20);
    let round = mailbox.take(NOW, 100);
    assert_eq!(round.len(), 1, "an aggregate is in a round once");
    assert_eq!((round[0].news.commits.len(), round[0].up_to()), (10, 20));
    mailbox.done(&round[0]);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("20"));
}

#[tokio::test]
async fn too_many_aggregates_lose_the_position_until_the_log_was_read() {
    let mut mailbox = mailbox();
    for n in 0..16 {
        mailbox.push(&commit("a", &format!("L{n}"), 1).await);
    }
    mailbox.end_batch(at(16));
    assert!(mailbox.is_lost());
    assert_eq!(sequence(&mut mailbox), None, "a lost position is not written down");
    mailbox.begin_recovery();
    mailbox.push(&commit("a", "L99", 1).await);
    mailbox.end_batch(at(17));
    assert_eq!(sequence(&mut mailbox), None);
    mailbox.end_recovery();
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("16"));
    let round = mailbox.take(NOW, 10);
    mailbox.done(&round[0]);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("17"));
}

#[tokio::test]
async fn commits_that_arrive_out_of_order_leave_in_order() {
    let mut mailbox = mailbox();
    for n in [3, 1, 2, 1] {
        mailbox.push(&commit("a", "L1", n).await);
    }
    let round = mailbox.take(NOW, 10);
    let sequences: Vec<_> = round[0]
        .news
        .commits
        .iter()
        .map(|commit| commit.first_sequence)
        .collect();
    assert_eq!(sequences, [1, 1, 2, 3]);
}
