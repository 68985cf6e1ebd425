//! Versions, tombstones, commits.

use super::{Engine, fill, found, id, put, scope, search, tombstone};
use headwater_search::{DocumentBody, DocumentWrite, Error, Query, WriteOutcome};
use serde_json::json;
use std::time::Duration;

pub async fn an_older_version_never_overwrites(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(&index, vec![put(&a, "p", 5, json!({"title": "fifth"}))]).await;
    for version in [1, 4, 5] {
        let outcome = index
            .write(vec![put(&a, "p", version, json!({"title": "late"}))])
            .await
            .unwrap();
        assert_eq!(outcome, [WriteOutcome::Superseded { current: 5 }]);
    }
    // Neither does it overwrite what is not committed yet.
    let outcome = index
        .write(vec![
            put(&a, "p", 7, json!({"title": "seventh"})),
            put(&a, "p", 6, json!({"title": "sixth"})),
        ])
        .await
        .unwrap();
    assert_eq!(
        outcome,
        [WriteOutcome::Applied, WriteOutcome::Superseded { current: 7 }]
    );
    assert_eq!(search(&index, &a, Query::text("fifth")).await.total, 1);
    index.commit(json!({})).await.unwrap();
    let hits = search(&index, &a, Query::default()).await;
    assert_eq!((hits.total, &hits.hits[0].source["title"]), (1, &json!("seventh")));
    assert_eq!(search(&index, &a, Query::text("fifth")).await.total, 0);
}

pub async fn a_deleted_document_stays_deleted(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(&index, vec![put(&a, "p", 1, json!({"title": "cable", "brand": "x"}))]).await;
    fill(&index, vec![tombstone(&a, "p", 3)]).await;
    let late = index
        .write(vec![put(&a, "p", 2, json!({"title": "cable", "brand": "x"}))])
        .await
        .unwrap();
    assert_eq!(late, [WriteOutcome::Superseded { current: 3 }]);
    index.commit(json!({})).await.unwrap();
    for query in [Query::default(), Query::text("cable")] {
        let query = Query {
            facets: vec!["brand".into()],
            ..query
        };
        let hits = search(&index, &a, query).await;
        assert_eq!((hits.total, hits.hits.len(), hits.facets["brand"].len()), (0, 0, 0));
    }
    assert_eq!(index.visible_version(&a, &id("p")).await.unwrap(), Some(3));
    // Also when index and process are others, and a newer version does bring it back.
    drop(index);
    let index = engine.open().await;
    let outcome = index
        .write(vec![
            put(&a, "p", 2, json!({"title": "cable"})),
            put(&a, "p", 4, json!({"title": "cable"})),
        ])
        .await
        .unwrap();
    // Which one stays may be told as of before or after the rest of the batch.
    let superseded = matches!(outcome[0], WriteOutcome::Superseded { current: 3 | 4 });
    assert!(superseded && outcome[1] == WriteOutcome::Applied, "{outcome:?}");
    index.commit(json!({})).await.unwrap();
    assert_eq!(search(&index, &a, Query::text("cable")).await.total, 1);
}

pub async fn a_batch_applies_in_order(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let writes = (1..=50)
        .map(|version| put(&a, "p", version, json!({"title": format!("v{version}")})))
        .collect();
    fill(&index, writes).await;
    let hits = search(&index, &a, Query::default()).await;
    assert_eq!((hits.total, &hits.hits[0].source["title"]), (1, &json!("v50")));
}

pub async fn a_tombstone_keeps_the_state(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let body = DocumentBody::Tombstone {
        state: Some(json!({"title": "cable"})),
    };
    fill(
        &index,
        vec![DocumentWrite {
            scope: a.clone(),
            id: id("p"),
            version: 2,
            body,
        }],
    )
    .await;
    let stored = index.stored(&a, &[id("p"), id("q")]).await.unwrap();
    let tombstone = stored[0].as_ref().unwrap();
    assert_eq!((tombstone.version, tombstone.deleted), (2, true));
    assert_eq!(tombstone.body, Some(json!({"title": "cable"})));
    assert_eq!(stored[1], None);
    assert_eq!(search(&index, &a, Query::text("cable")).await.total, 0);
}

pub async fn what_is_written_is_stored_at_once(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    index
        .write(vec![put(&a, "p", 1, json!({"title": "one"}))])
        .await
        .unwrap();
    for committed in [false, true] {
        let stored = index.stored(&a, &[id("p")]).await.unwrap().remove(0).unwrap();
        assert_eq!((stored.version, stored.deleted), (1, false));
        assert_eq!(stored.body.unwrap()["title"], "one");
        assert_eq!(index.stored(&b, &[id("p")]).await.unwrap(), [None]);
        let seen = search(&index, &a, Query::default()).await.total;
        assert_eq!(seen, u64::from(committed));
        index.commit(json!({})).await.unwrap();
    }
}

pub async fn a_wrong_document_is_refused_whole(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    for wrong in [
        json!({"price_cents": "1"}),
        json!({"released_at": "today"}),
        json!({"title": 7}),
        json!({"attributes": []}),
    ] {
        let writes = vec![put(&a, "good", 1, json!({})), put(&a, "bad", 1, wrong.clone())];
        let error = index.write(writes).await.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidDocument { id, .. } if id == "bad"),
            "{wrong}: {error}"
        );
        assert!(!error.is_retryable());
    }
    assert_eq!(index.stored(&a, &[id("good")]).await.unwrap(), [None]);
}

/// The declared difference of [`SearchIndex::keeps_positions`](headwater_search::SearchIndex::keeps_positions).
pub async fn positions_and_documents_are_kept_together(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    assert_eq!(index.positions().await.unwrap(), None);
    if !index.keeps_positions() {
        index.commit(json!({"catalog": 1})).await.unwrap();
        assert_eq!(index.positions().await.unwrap(), None);
        return;
    }
    for at in 1..=20 {
        index
            .write(vec![put(&a, &format!("p{at}"), 1, json!({"title": "cable"}))])
            .await
            .unwrap();
        index.commit(json!({"catalog": at})).await.unwrap();
        assert_eq!(index.positions().await.unwrap(), Some(json!({"catalog": at})));
    }
    // A commit without documents moves the position too.
    index.commit(json!({"catalog": 21})).await.unwrap();
    drop(index);
    let index = engine.open().await;
    assert_eq!(index.positions().await.unwrap(), Some(json!({"catalog": 21})));
    assert_eq!(search(&index, &a, Query::text("cable")).await.total, 20);
}

/// As [`positions_and_documents_are_kept_together`].
pub async fn a_crash_loses_what_was_not_committed(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    index
        .write(vec![put(&a, "kept", 1, json!({"title": "cable"}))])
        .await
        .unwrap();
    index.commit(json!({"catalog": 1})).await.unwrap();
    index
        .write(vec![
            put(&a, "lost", 1, json!({})),
            put(&a, "kept", 2, json!({"title": "wire"})),
        ])
        .await
        .unwrap();
    drop(index);
    let index = engine.open().await;
    if !index.keeps_positions() {
        // What was answered is kept, visible or not.
        let stored = index.stored(&a, &[id("lost"), id("kept")]).await.unwrap();
        let versions: Vec<_> = stored.iter().map(|stored| stored.as_ref().map(|s| s.version)).collect();
        assert_eq!(versions, [Some(1), Some(2)]);
        return;
    }
    assert_eq!(index.positions().await.unwrap(), Some(json!({"catalog": 1})));
    assert_eq!(found(&search(&index, &a, Query::text("cable")).await), ["kept"]);
    assert_eq!(index.visible_version(&a, &id("lost")).await.unwrap(), None);
    let again = index
        .write(vec![put(&a, "lost", 1, json!({})), put(&a, "kept", 2, json!({}))])
        .await
        .unwrap();
    assert_eq!(again, [WriteOutcome::Applied; 2]);
}

pub async fn a_failed_commit_says_whether_writes_are_undone(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(&index, vec![put(&a, "p", 1, json!({"title": "cable"}))]).await;
    index.commit(json!({"catalog": 1})).await.unwrap();
    let writes = || vec![put(&a, "p", 2, json!({"title": "wire"})), put(&a, "q", 1, json!({}))];
    index.write(writes()).await.unwrap();
    engine.fail_commits(true).await;
    let error = index.commit(json!({"catalog": 2})).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let kept = |at: u64| index.keeps_positions().then(|| json!({ "catalog": at }));
    assert_eq!(index.positions().await.unwrap(), kept(1));
    let undone = matches!(error, Error::RolledBack { .. });
    let stored = index.stored(&a, &[id("p"), id("q")]).await.unwrap();
    let versions: Vec<_> = stored.iter().map(|stored| stored.as_ref().map(|s| s.version)).collect();
    assert_eq!(versions, if undone { [Some(1), None] } else { [Some(2), Some(1)] });
    // With nothing written since, nothing can be undone; so none is said to be.
    let error = index.commit(json!({"catalog": 1})).await.unwrap_err();
    assert!(!undone || !matches!(error, Error::RolledBack { .. }), "{error}");
    engine.fail_commits(false).await;
    if undone {
        assert_eq!(index.write(writes()).await.unwrap(), [WriteOutcome::Applied; 2]);
    }
    index.commit(json!({"catalog": 2})).await.unwrap();
    assert_eq!(index.positions().await.unwrap(), kept(2));
    assert_eq!(found(&search(&index, &a, Query::default()).await), ["p", "q"]);
    assert_eq!(search(&index, &a, Query::text("wire")).await.total, 1);
}

pub async fn visibility_is_awaited(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let short = Duration::from_millis(50);
    assert!(!index.await_visible(&a, &id("p"), 1, short).await.unwrap());
    index.write(vec![put(&a, "p", 3, json!({}))]).await.unwrap();
    assert!(!index.await_visible(&a, &id("p"), 1, short).await.unwrap());
    let p = id("p");
    let waits = index.await_visible(&a, &p, 3, Duration::from_secs(30));
    let (seen, committed) = tokio::join!(waits, index.commit(json!({})));
    committed.unwrap();
    assert!(seen.unwrap());
    assert!(!index.await_visible(&a, &id("p"), 4, short).await.unwrap());
}
