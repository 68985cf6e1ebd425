//! Files, crashes and checkpoints of the embedded adapter.

use super::{Embedded, contract::*};
use headwater_search::{Error, IndexName, Query, tantivy::TantivyIndex};
use serde_json::json;
use std::{fs, path::Path};

/// The index in a folder that a test keeps itself.
fn kept(folder: &tempfile::TempDir) -> Embedded {
    Embedded {
        folder: folder.path().to_owned(),
        _removed_after: None,
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)?
        } else {
            fs::copy(entry.path(), to).map(drop)?
        }
    }
    Ok(())
}

/// What a kill leaves: a copy of the folder at any moment. Merges run meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_commit_keeps_it() {
    let (engine, a) = (Embedded::start().await, scope("a").await);
    let index = engine.open().await;
    for at in 0..60_u64 {
        let writes = (0..5)
            .map(|n| put(&a, &format!("{at}-{n}"), 1, json!({"title": "cable"})))
            .collect();
        index.write(writes).await.unwrap();
        index.commit(json!({ "at": at })).await.unwrap();
        index
            .write(vec![put(&a, &format!("{at}-late"), 1, json!({"title": "cable"}))])
            .await
            .unwrap();
        if at % 7 == 3 {
            // A merge that ends while this copies would mix two commits, which a kill cannot; so copy until none did.
            let meta = engine.folder.join("products-product-search-1").join("meta.json");
            let killed = loop {
                let folder = tempfile::tempdir().unwrap();
                let before = fs::read(&meta).unwrap();
                let copied = copy(&engine.folder, folder.path());
                if copied.is_ok() && fs::read(&meta).unwrap() == before {
                    break folder;
                }
            };
            let again = kept(&killed).open().await;
            assert_eq!(again.positions().await.unwrap(), Some(json!({ "at": at })));
            let total = search(&again, &a, Query::text("cable")).await.total;
            assert!(total >= (at + 1) * 5, "{total} at {at}");
        }
    }
}

/// What a power cut leaves: synced files and, of the rest, anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_goes_back_to_the_checkpoint() {
    let (engine, a) = (Embedded::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "kept", 1, json!({"title": "cable"}))]).await;
    index.commit(json!({"at": 1})).await.unwrap();
    // Closing syncs.
    drop(index);
    let root = engine.folder.join("products-product-search-1");
    let synced: std::collections::HashSet<_> = fs::read_dir(&root).unwrap().map(|e| e.unwrap().file_name()).collect();
    let index = engine.open().await;
    for at in 2..20 {
        index
            .write(vec![put(&a, "kept", at, json!({"title": "wire"}))])
            .await
            .unwrap();
        index.commit(json!({ "at": at })).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&engine.folder, folder.path()).unwrap();
    let root = folder.path().join("products-product-search-1");
    let checkpoint = fs::read(root.join("checkpoint.json")).unwrap();
    let at: serde_json::Value = serde_json::from_slice(&checkpoint).unwrap();
    let positions: serde_json::Value = serde_json::from_str(at["payload"].as_str().unwrap()).unwrap();
    for entry in fs::read_dir(&root).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if !synced.contains(&name) || name == "meta.json" || name == ".managed.json" {
            fs::write(entry.path(), b"garbage").unwrap();
        }
    }
    fs::write(root.join("boot"), b"another").unwrap();
    if positions != json!({"at": 1}) {
        // A slow run had a checkpoint in between; then the files that were synced are others.
        return;
    }
    let again = kept(&folder).open().await;
    assert_eq!(again.positions().await.unwrap(), Some(json!({"at": 1})));
    assert_eq!(search(&again, &a, Query::text("cable")).await.total, 1);
    assert_eq!(again.visible_version(&a, &id("kept")).await.unwrap(), Some(1));
    fill(&again, vec![put(&a, "kept", 2, json!({"title": "wire"}))]).await;
    drop(again);
    let again = kept(&folder).open().await;
    assert_eq!(search(&again, &a, Query::text("wire")).await.total, 1);
}

#[tokio::test]
async fn an_unreadable_index_starts_anew_without_positions() {
    let (engine, a) = (Embedded::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "p", 1, json!({"title": "cable"}))]).await;
    drop(index);
    fs::write(engine.folder.join("products-product-search-1").join("meta.json"), b"{").unwrap();
    let index = engine.open().await;
    assert_eq!(index.positions().await.unwrap(), None);
    fill(&index, vec![put(&a, "p", 1, json!({"title": "cable"}))]).await;
    assert_eq!(search(&index, &a, Query::default()).await.total, 1);
}

#[tokio::test]
async fn only_one_may_have_it_open() {
    let engine = Embedded::start().await;
    let first = engine.at();
    let name = IndexName::new("products", "product-search", 1);
    let key = headwater_tenancy::SealingKey::new([7; 32]);
    let second = TantivyIndex::open(
        &engine.folder,
        &name,
        &MAPPING,
        key,
        headwater_runtime::Runtime::tokio(),
    )
    .unwrap_err();
    assert!(
        matches!(&second, Error::Unavailable(why) if why.contains("products-product-search-1")),
        "{second}"
    );
    assert!(second.is_retryable());
    drop(first);
    drop(engine.at());
    assert_eq!(TantivyIndex::list(&engine.folder).unwrap(), std::slice::from_ref(&name));
    TantivyIndex::remove(&engine.folder, &name).unwrap();
    TantivyIndex::remove(&engine.folder, &name).unwrap();
    assert!(TantivyIndex::list(&engine.folder).unwrap().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    fn check(folder: &Path) {
        assert_eq!(
            fs::metadata(folder).unwrap().permissions().mode() & 0o777,
            0o700,
            "{folder:?}"
        );
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                check(&path);
            } else {
                assert_eq!(
                    fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                    0o600,
                    "{path:?}"
                );
            }
        }
    }
    let (engine, a) = (Embedded::start().await, scope("a").await);
    let index = engine.open().await;
    for at in 0..12 {
        fill(&index, vec![put(&a, "p", at + 1, json!({"title": "cable"}))]).await;
    }
    check(&engine.folder);
    drop(index);
    check(&engine.folder);
}

/// Old segments, deletes and checkpoints leave no files behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_do_not_pile_up() {
    let (engine, a) = (Embedded::start().await, scope("a").await);
    for _ in 0..3 {
        let index = engine.open().await;
        for at in 0..100_u64 {
            let next = index.stored(&a, &[id("p")]).await.unwrap()[0]
                .as_ref()
                .map_or(1, |stored| stored.version + 1);
            fill(&index, vec![put(&a, "p", next, json!({ "price_cents": at }))]).await;
        }
    }
    drop(engine.open().await);
    let files = fs::read_dir(engine.folder.join("products-product-search-1"))
        .unwrap()
        .count();
    assert!(files < 150, "{files} files");
}
