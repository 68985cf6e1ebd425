//! Repair after a lost position: whole, nothing twice, whoever else writes meanwhile and however little memory there is.

use crate::given::{Given, Record, assert_whole, at, pump, scope};
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_event_log::{FeedOptions, Shard};
use headwater_runtime::{ManualClock, Runtime};
use std::{collections::BTreeMap, time::Duration};

async fn deposits(given: &Given, tenant: &str, accounts: usize, versions: usize) {
    let scope = scope(tenant).await;
    for _ in 0..versions {
        for account in 0..accounts {
            given.deposit(&scope, &format!("A{account}"), 1).await;
        }
    }
}

/// Every commit once; after a hole was filled, no longer in order.
#[track_caller]
fn assert_once(feed: &[(String, u64)], aggregates: usize, versions: u64) {
    let mut by_id: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (id, sequence) in feed {
        by_id.entry(id).or_default().push(*sequence);
    }
    assert_eq!(by_id.len(), aggregates);
    for (id, mut sequences) in by_id {
        sequences.sort_unstable();
        assert_eq!(sequences, (1..=versions).collect::<Vec<_>>(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_trimmed_unread_comes_from_the_log() {
    let given = Given::new().await;
    for tenant in ["acme", "other"] {
        deposits(&given, tenant, 5, 4).await;
    }
    let records = given.records().await;
    // Read up to a quarter; then the next half was trimmed, and the rest is still to come.
    let (first, last) = (&records[..10], &records[30..]);
    let stale = given.writer();
    pump(&stale, "s1", 1, first, 4).await.unwrap();
    let writer = given.writer();
    assert_eq!(writer.repaired_for().await.unwrap(), None);
    let repaired = writer.repair(&given.authority, "arn:made-up").await.unwrap();
    assert_eq!((repaired.commits, repaired.appended, repaired.passes), (40, 30, 1));
    assert_eq!(writer.repaired_for().await.unwrap().as_deref(), Some("arn:made-up"));
    // Once more finds nothing to do.
    assert_eq!(
        given
            .writer()
            .repair(&given.authority, "arn:made-up")
            .await
            .unwrap()
            .appended,
        0
    );
    // The rest is delivered, to a writer that remembers the feed from before the repair; new commits go on behind it.
    pump(&stale, "s1", 2, last, 3).await.unwrap();
    for tenant in ["acme", "other"] {
        deposits(&given, tenant, 5, 1).await;
    }
    let records = given.records().await;
    pump(&given.writer(), "s1", 2, &records[35..], 3).await.unwrap();
    for tenant in ["acme", "other"] {
        assert_whole(&given.feed(&scope(tenant).await).await, 5, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_made_again_delivers_nothing_twice() {
    let given = Given::new().await;
    deposits(&given, "acme", 3, 4).await;
    let records = given.records().await;
    pump(&given.writer(), "s1", 1, &records[..6], 6).await.unwrap();
    given.writer().repair(&given.authority, "arn:again").await.unwrap();
    // The new stream's shard has the old one's name and numbers of its own.
    let renumbered: Vec<Record> = records[3..]
        .iter()
        .cloned()
        .zip(1..)
        .map(|((_, logged), n): (_, u64)| (n.to_string(), logged))
        .collect();
    let before = given.writer().position("s1").await.unwrap().unwrap().position;
    let mut after = at("s1", "9");
    after.stream = "arn:again".into();
    // What the old shard had read by itself is not among a repair's, so here the reader has to begin behind it.
    let appended = given
        .writer()
        .append(Some(&before), &after, 1, &renumbered[3..])
        .await
        .unwrap();
    assert_eq!((appended.references, &appended.position), (0, &after));
    assert_whole(&given.feed(&scope("acme").await).await, 3, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn repair_and_two_shards_run_at_once_with_little_memory_and_many_failures() {
    let given = Given::new().await;
    deposits(&given, "acme", 30, 6).await;
    deposits(&given, "other", 20, 3).await;
    let records = given.records().await;
    let (mut even, odd): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .partition(|(_, logged)| logged.commit.id.as_str().len() % 2 == 0);
    // The last ones are trimmed unread: whoever wins the races for the others, these come from a repair.
    even.truncate(even.len() - 20);
    for fault in [Fault::TimeoutAfter, Fault::InternalErrorAfter, Fault::Throttle] {
        given
            .faults
            .add(Rule::new(fault).table(&given.table("feed")).probability(0.05));
    }
    let repair = async || {
        let options = FeedOptions {
            repair_aggregates: 12,
            ..FeedOptions::default()
        };
        loop {
            match given
                .writer_with(options.clone())
                .repair(&given.authority, "arn:made-up")
                .await
            {
                Ok(repaired) => return repaired,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    };
    let (one, two) = (given.writer(), given.writer());
    let (a, b, c, _) = tokio::join!(
        pump(&one, "s1", 1, &even, 2),
        pump(&two, "s2", 1, &odd, 5),
        repair(),
        repair()
    );
    a.unwrap();
    b.unwrap();
    assert!(c.passes > 2, "{c:?}");
    given.faults.clear();
    assert_whole(&given.feed(&scope("acme").await).await, 30, 6);
    assert_whole(&given.feed(&scope("other").await).await, 20, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn holes_are_filled_even_after_later_commits_were_appended() {
    let given = Given::new().await;
    deposits(&given, "acme", 4, 5).await;
    let records = given.records().await;
    let (first, last) = (&records[..6], &records[14..]);
    pump(&given.writer(), "s1", 1, first, 3).await.unwrap();
    pump(&given.writer(), "s1", 1, last, 3).await.unwrap();
    let repaired = given.writer().repair(&given.authority, "arn:made-up").await.unwrap();
    assert_eq!(repaired.appended, 8);
    assert_once(&given.feed(&scope("acme").await).await, 4, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_leaves_the_feed_in_doubt() {
    let given = Given::new().await;
    deposits(&given, "acme", 2, 2).await;
    let writer = given.writer();
    writer.repair(&given.authority, "arn:made-up").await.unwrap();
    writer.distrust().await.unwrap();
    assert_eq!(writer.repaired_for().await.unwrap(), None);
    // As a newer build would have written it.
    given.set_layout("acme", "A0", 2, "2").await;
    let repaired = writer.repair(&given.authority, "arn:made-up").await.unwrap();
    assert_eq!((repaired.unreadable, writer.repaired_for().await.unwrap()), (1, None));
    given.set_layout("acme", "A0", 2, "1").await;
    given.deposit(&scope("acme").await, "A0", 1).await;
    let repaired = writer.repair(&given.authority, "arn:made-up").await.unwrap();
    assert_eq!((repaired.unreadable, repaired.appended), (0, 1));
    assert_eq!(writer.repaired_for().await.unwrap().as_deref(), Some("arn:made-up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_of_shards_that_are_gone_are_forgotten_after_days() {
    let given = Given::new().await;
    deposits(&given, "acme", 1, 2).await;
    pump(&given.writer(), "s1", 1, &given.records().await, 3).await.unwrap();
    // Young ones stay, whatever the stream has.
    assert_eq!(given.writer().forget_all_but(&[]).await.unwrap(), 0);
    assert!(given.writer().position("s1").await.unwrap().is_some());
    let later = ManualClock::at(given.runtime.now().plus(Duration::from_secs(3 * 24 * 60 * 60)));
    let later = given.other_process(Runtime::new(later));
    let known = given.writer().position("s1").await.unwrap().unwrap().position;
    let shard = |stream: &str| Shard {
        stream: stream.into(),
        id: "s1".into(),
        parent: None,
        starts_at: None,
    };
    assert_eq!(later.forget_all_but(&[shard(&known.stream)]).await.unwrap(), 0);
    assert_eq!(later.forget_all_but(&[shard("arn:another")]).await.unwrap(), 1);
    assert!(given.writer().position("s1").await.unwrap().is_none());
}
