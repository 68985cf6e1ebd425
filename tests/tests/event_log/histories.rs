//! Reading back what was appended.

use crate::{committed, id, send};
use headwater_event_log::Options;
use headwater_kernel::AggregateType;
use headwater_tests::{
    LogFixture,
    account::{Account, Command},
};

#[tokio::test]
async fn a_long_history_is_never_truncated() {
    let fixture = LogFixture::with(Options {
        snapshot_every: u64::MAX,
        ..Options::default()
    })
    .await;
    let store = fixture.accounts();
    for n in 0..1_203 {
        committed(
            send(
                &store,
                &fixture.scope,
                "A1",
                &format!("c{n}"),
                Command::Deposit { cents: 1 },
            )
            .await
            .unwrap(),
        );
    }
    assert_eq!(
        fixture
            .accounts()
            .read(&fixture.scope, &id("A1"))
            .await
            .unwrap()
            .0
            .cents,
        1_203
    );
    let account = AggregateType::of::<Account>();
    assert_eq!(
        fixture
            .log
            .commits(&fixture.scope, &account, &id("A1"), 1)
            .await
            .unwrap()
            .len(),
        1_203
    );
    assert_eq!(
        fixture
            .log
            .commits(&fixture.scope, &account, &id("A1"), 1_000)
            .await
            .unwrap()[0]
            .first_sequence,
        1_000
    );
}
