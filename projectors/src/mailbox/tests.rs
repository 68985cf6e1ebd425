use super::*;
use headwater_kernel::{Actor, Id};

const ROOM: Room = Room {
    commits: 100,
    per_tenant: 10,
    bytes: 1 << 20,
    bytes_per_tenant: 1 << 19,
    aggregates: 8,
    aggregates_per_tenant: 5,
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
            client: None,
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
async fn what_the_stream_has_lost_holds_every_position_until_the_log_was_read() {
    let mut mailbox = mailbox();
    mailbox.push(&commit("a", "L1", 1).await);
    mailbox.end_batch(at(16));
    mailbox.lose();
    assert!(mailbox.is_lost() && mailbox.is_all_lost());
    assert_eq!(sequence(&mut mailbox), None, "a lost position is not written down");
    mailbox.begin_pass();
    mailbox.push(&commit("a", "L99", 1).await);
    mailbox.end_batch(at(17));
    assert_eq!(sequence(&mut mailbox), None);
    let failing = commit("b", "L1", 1).await;
    let news = crate::SourceCommits {
        scope: failing.scope,
        id: failing.commit.id.clone(),
        commits: vec![failing.commit.clone()],
        up_to: 0,
        from: 0,
        discard: None,
    };
    let work = mailbox.of_pass(key_of(&failing.commit), news);
    mailbox.again(work, NOW);
    mailbox.end_pass();
    assert_eq!(sequence(&mut mailbox), None, "a part of the log has no effect yet");
    let round = mailbox.take(NOW, 10);
    assert_eq!((round.len(), round[1].attempts()), (2, 1));
    mailbox.done(&round[1]);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("16"));
    mailbox.done(&round[0]);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("17"));
    assert!(mailbox.is_drained());
}

#[tokio::test]
async fn a_tenant_that_floods_is_lost_alone_and_holds_the_position_where_it_was_lost() {
    let mut mailbox = mailbox();
    mailbox.push(&commit("calm", "L1", 1).await);
    mailbox.end_batch(at(1));
    for n in 0..60 {
        mailbox.push(&commit("flood", &format!("F{n}"), 1).await);
    }
    mailbox.end_batch(at(61));
    mailbox.push(&commit("calm", "L2", 1).await);
    mailbox.end_batch(at(62));
    assert!(mailbox.is_lost() && !mailbox.is_all_lost());
    let backlog = mailbox.backlog();
    assert_eq!(
        backlog[&TenantId::new("flood").unwrap()].records,
        60,
        "the lag shows it"
    );
    assert_eq!(backlog[&TenantId::new("calm").unwrap()].records, 2);
    let round = mailbox.take(NOW, 4);
    assert_eq!(round.len(), 2);
    for work in &round {
        assert_eq!(work.key.tenant.as_str(), "calm");
        mailbox.done(work);
    }
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("1"));
    let whose = mailbox.begin_pass();
    assert!(whose.covers(&TenantId::new("flood").unwrap()) && !whose.covers(&TenantId::new("calm").unwrap()));
    // It floods on: what waits is a bound, and the pass goes to its end all the same.
    for n in 0..60 {
        mailbox.push(&commit("flood", &format!("F{n}"), 2).await);
    }
    mailbox.end_batch(at(122));
    assert!(mailbox.is_lost() && !mailbox.is_all_lost());
    mailbox.end_pass();
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("62"));
    mailbox.begin_pass();
    mailbox.end_pass();
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("122"));
    assert!(mailbox.is_drained());
}

#[tokio::test]
async fn of_all_tenants_together_whoever_has_most_is_lost() {
    let mut room = ROOM;
    room.commits = 0;
    let mut mailbox = Mailbox::new(room, at(0));
    for (tenant, aggregates) in [("a", 2), ("b", 4), ("c", 3)] {
        for n in 0..aggregates {
            mailbox.push(&commit(tenant, &format!("L{n}"), 1).await);
        }
    }
    let whose = mailbox.begin_pass();
    let lost: Vec<_> = whose.tenants().map(|(tenant, _)| tenant.as_str()).collect();
    assert_eq!(lost, ["b"]);
    assert_eq!(mailbox.take(NOW, 100).len(), 5);
}

#[tokio::test]
async fn too_many_lost_tenants_are_all() {
    let mut mailbox = mailbox();
    for n in 0..=1_000 {
        let one = commit(&format!("t{n:04}"), "L", 1).await;
        let hold = Hold {
            mark: n + 1,
            records: 1,
            oldest: one.commit.time,
        };
        assert!(!mailbox.is_all_lost());
        mailbox.lose_tenant(&one.commit.tenant, Some(hold));
    }
    assert!(mailbox.is_all_lost());
    assert_eq!(sequence(&mut mailbox), None);
}

#[tokio::test]
async fn work_under_way_while_its_tenant_is_lost_is_not_tried_again_and_holds_the_position() {
    let mut mailbox = mailbox();
    mailbox.push(&commit("flood", "F", 1).await);
    mailbox.end_batch(at(1));
    let work = mailbox.take(NOW, 1).remove(0);
    for n in 0..60 {
        mailbox.push(&commit("flood", &format!("F{n}"), 1).await);
    }
    mailbox.end_batch(at(61));
    mailbox.again(work, NOW);
    assert!(mailbox.take(NOW * 2, 10).is_empty(), "the log has it");
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("0"));
    mailbox.begin_pass();
    mailbox.abandon_pass();
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("0"));
    mailbox.begin_pass();
    mailbox.end_pass();
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("61"));
}

#[tokio::test]
async fn large_commits_are_weighed() {
    let mut room = ROOM;
    room.bytes_per_tenant = 4_096;
    let mut mailbox = Mailbox::new(room, at(0));
    let mut large = commit("a", "L1", 1).await;
    large.commit.events[0].data =
        serde_json::value::RawValue::from_string(format!("\"{}\"", "x".repeat(3_000))).unwrap();
    mailbox.push(&large);
    large.commit.id = Id::new("L2").unwrap();
    mailbox.push(&large);
    let round = mailbox.take(NOW, 10);
    let commits: usize = round.iter().map(|work| work.news.commits.len()).sum();
    assert_eq!(
        (round.len(), commits),
        (2, 1),
        "the second is remembered without its commit"
    );
    mailbox.push(&large);
    assert_eq!(
        mailbox.take(NOW, 10)[0].news.commits.len(),
        1,
        "what was taken leaves room"
    );
}

#[tokio::test]
async fn the_positions_of_batches_that_wait_are_bounded() {
    let mut mailbox = mailbox();
    mailbox.push(&commit("a", "L1", 1).await);
    let held = mailbox.take(NOW, 1).remove(0);
    for n in 1..=100_000 {
        mailbox.end_batch(at(n));
    }
    assert!(mailbox.marks.batches() <= 1_024);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("0"));
    mailbox.done(&held);
    assert_eq!(sequence(&mut mailbox).as_deref(), Some("100000"));
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
