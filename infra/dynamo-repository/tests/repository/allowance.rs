//! Bulk writes of a caller whose time runs out: neither an attempt that the SDK makes of itself nor a late one reaches the store.

use crate::{
    rows::{Account, account},
    world::World,
};
use headwater_dynamo_repository::{BulkWrite, Error};
use headwater_dynamo_schema::RowItem;
use headwater_dynamodb::faults::{Fault, Rule};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

fn writes(world: &World) -> Vec<BulkWrite> {
    let bulk = world.repository.bulk(1);
    let row = RowItem::of(&account("late")).unwrap();
    vec![BulkWrite::Put(bulk.row(&world.acme, row, 1).unwrap())]
}

#[tokio::test]
async fn an_attempt_of_the_sdk_is_not_sent_when_the_time_is_over() {
    let world = World::new().await;
    // Each look takes a second away: one for the timeouts, one for the first attempt.
    let looks = AtomicU64::new(0);
    let left = move || Duration::from_secs(2_u64.saturating_sub(looks.fetch_add(1, Ordering::Relaxed)));
    let bulk = world.repository.bulk(1).while_allowed(left);
    let first = Rule::new(Fault::InternalError).operation("BatchWriteItem").times(1);
    world.faults.add(first);
    let written = bulk.write(&writes(&world)).await;
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
    assert_eq!(world.faults.injected(), 1);
    assert_eq!(world.all::<Account>(&Account::all()).await, []);
}

#[tokio::test]
async fn a_call_lasts_no_longer_than_the_time_that_is_left() {
    let world = World::new().await;
    let bulk = world.repository.bulk(1).while_allowed(|| Duration::from_millis(200));
    let late = Fault::Delay(Duration::from_secs(3));
    world.faults.add(Rule::new(late).operation("BatchWriteItem"));
    let written = bulk.write(&writes(&world)).await;
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
    headwater_runtime::Runtime::tokio().sleep(Duration::from_secs(4)).await;
    assert_eq!(world.all::<Account>(&Account::all()).await, []);
}

#[tokio::test]
async fn while_there_is_time_nothing_is_different() {
    let world = World::new().await;
    let bulk = world.repository.bulk(1).while_allowed(|| Duration::from_secs(100));
    let first = Rule::new(Fault::InternalError).operation("BatchWriteItem").times(1);
    world.faults.add(first);
    let written = bulk.write(&writes(&world)).await.unwrap();
    assert!(written.left.is_empty());
    assert_eq!(world.all::<Account>(&Account::all()).await, [account("late")]);
}
