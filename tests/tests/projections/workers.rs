//! Several workers on one set of tables.

use super::{Bank, quick};
use headwater_event_log::consumer::{Lease, LeaseTable};
use std::{collections::BTreeMap, time::Duration};

async fn leases(bank: &Bank) -> Vec<Lease> {
    let table = LeaseTable::new(
        bank.databases.rebuildable.clone(),
        "observer",
        bank.keeping.runtime.clone(),
    );
    let mut leases = table.list().await.unwrap();
    // Not that of the feed's repair.
    leases.retain(|lease| lease.key.starts_with("bank#"));
    leases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_has_one_holder_and_goes_to_another_worker_when_that_one_leaves() {
    let bank = Bank::new().await;
    let first = bank.keeping.start(quick());
    bank.deposit(10, 1, 1).await;
    bank.keeping.settled(&bank.scope).await;
    let second = bank.keeping.start(quick());
    bank.deposit(10, 1, 2).await;
    bank.keeping.settled(&bank.scope).await;
    let held = leases(&bank).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].owner.as_deref(), Some(first.worker()));
    first.shut_down().await;
    bank.deposit(10, 1, 3).await;
    bank.keeping.settled(&bank.scope).await;
    let after = leases(&bank).await;
    assert_eq!(after[0].owner.as_deref(), Some(second.worker()));
    assert!(after[0].fence > held[0].fence);
    second.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_worker_that_vanished_is_taken_over() {
    let bank = Bank::new().await;
    let table = LeaseTable::new(bank.databases.rebuildable.clone(), "dead", bank.keeping.runtime.clone());
    let runner = bank.keeping.start(quick());
    bank.deposit(5, 1, 1).await;
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
    // It takes the lease and is never heard of again.
    let free = &leases(&bank).await[0];
    let (context, shard) = free.key.split_once('#').unwrap();
    let shard = headwater_event_log::Shard {
        stream: free.stream.clone(),
        id: shard.to_owned(),
        parent: None,
        starts_at: None,
    };
    let held = table.take(context, &shard, Some(free)).await.unwrap().unwrap();
    bank.deposit(5, 1, 2).await;
    let runner = bank.keeping.start(quick());
    bank.keeping.settled(&bank.scope).await;
    let mut late = held.clone();
    assert!(
        !table.renew(&mut late).await.unwrap(),
        "the dead one is told when it wakes"
    );
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_come_and_go_under_load_and_nothing_is_lost() {
    let bank = Bank::new().await;
    let mut workers = BTreeMap::new();
    for round in 0..12_u64 {
        workers.insert(round, bank.keeping.start(quick()));
        bank.deposit(15, 1, round).await;
        if round >= 2 {
            workers.remove(&(round - 2)).unwrap().shut_down().await;
        }
    }
    bank.keeping.settled(&bank.scope).await;
    for (_, worker) in workers {
        worker.shut_down().await;
    }
}

#[tokio::test]
async fn of_many_that_want_a_lease_one_gets_it() {
    let bank = Bank::new().await;
    let shard = headwater_event_log::Shard {
        stream: "s".into(),
        id: "a".into(),
        parent: None,
        starts_at: None,
    };
    let tables: Vec<_> = (0..16)
        .map(|n| {
            LeaseTable::new(
                bank.databases.rebuildable.clone(),
                format!("w{n}"),
                bank.keeping.runtime.clone(),
            )
        })
        .collect();
    let mut seen: Option<Lease> = None;
    for _ in 0..5 {
        let taken =
            futures::future::join_all(tables.iter().map(|table| table.take("bank", &shard, seen.as_ref()))).await;
        let held: Vec<_> = taken.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(held.len(), 1);
        let now = leases(&bank).await.remove(0);
        assert!(seen.is_none_or(|before| now.fence > before.fence), "fences only grow");
        assert_eq!(now.fence, held[0].fence);
        seen = Some(now);
        bank.keeping.runtime.sleep(Duration::from_millis(2)).await;
    }
}
