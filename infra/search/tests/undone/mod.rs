//! Writes that the embedded adapter had answered and had to undo: whoever wrote them is told, whenever that is.

use super::{Embedded, contract::*};
use headwater_runtime::Runtime;
use headwater_search::{Error, Query, WriteOutcome};
use serde_json::json;
use std::time::Duration;

/// A document whose body takes a MiB.
fn large(scope: &headwater_tenancy::TenantScope, n: usize) -> headwater_search::DocumentWrite {
    put(scope, &format!("large-{n}"), 1, json!({"photo": "x".repeat(1 << 20)}))
}

/// So many uncommitted bytes are committed by a write itself; when that fails, writes of earlier calls are undone too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_cannot_commit_says_that_earlier_ones_are_undone() {
    let (engine, a) = (Embedded::start().await, scope("a").await);
    let index = engine.open().await;
    index.commit(json!({"catalog": 1})).await.unwrap();
    index.write(vec![put(&a, "early", 1, json!({}))]).await.unwrap();
    engine.fail_commits(true).await;
    let writes = || (0..65).map(|n| large(&a, n)).collect::<Vec<_>>();
    let error = index.write(writes()).await.unwrap_err();
    assert!(matches!(error, Error::RolledBack { .. }), "{error}");
    assert_eq!(index.stored(&a, &[id("early")]).await.unwrap(), [None]);
    // Now only the call's own are undone, of which its error tells.
    let error = index.write(writes()).await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error}");
    engine.fail_commits(false).await;
    let early = index.write(vec![put(&a, "early", 1, json!({}))]).await.unwrap();
    assert_eq!(early, [WriteOutcome::Applied]);
    index.write(writes()).await.unwrap();
    index.commit(json!({"catalog": 2})).await.unwrap();
    assert_eq!(search(&index, &a, Query::default()).await.total, 66);
}

/// A caller that stopped waiting for its commit is told by its next call, whether that writes or commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_listening_is_told_by_the_next_call() {
    for by_write in [true, false] {
        let (engine, a) = (Embedded::start().await, scope("a").await);
        let index = engine.open().await;
        index.commit(json!({"catalog": 1})).await.unwrap();
        index.write(vec![put(&a, "p", 1, json!({}))]).await.unwrap();
        engine.fail_commits(true).await;
        let given_up = Runtime::tokio()
            .timeout(Duration::ZERO, index.commit(json!({"catalog": 2})))
            .await;
        assert!(given_up.is_err());
        while index.stored(&a, &[id("p")]).await.unwrap() != [None] {
            tokio::task::yield_now().await;
        }
        engine.fail_commits(false).await;
        let error = if by_write {
            index.write(vec![put(&a, "q", 1, json!({}))]).await.map(drop)
        } else {
            index.commit(json!({"catalog": 2})).await
        };
        assert!(matches!(error, Err(Error::RolledBack { .. })), "{error:?}");
        assert_eq!(index.positions().await.unwrap(), Some(json!({"catalog": 1})));
        // Once told, it goes on.
        index
            .write(vec![put(&a, "p", 1, json!({})), put(&a, "q", 1, json!({}))])
            .await
            .unwrap();
        index.commit(json!({"catalog": 2})).await.unwrap();
        assert_eq!(found(&search(&index, &a, Query::default()).await), ["p", "q"]);
    }
}
