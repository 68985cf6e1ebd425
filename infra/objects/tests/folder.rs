//! The contract on a folder, and what a folder's files are like.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod contract;

use bytes::Bytes;
use headwater_objects::{Error, Folder, ObjectStore, Put};
use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    contract::all(async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(Folder::new(folder.path().join(number.to_string()))) as Arc<dyn ObjectStore>
    })
    .await;
}

#[tokio::test]
async fn files_are_the_owners_and_what_was_cut_short_is_not_listed() {
    let root = tempfile::tempdir().unwrap();
    let store = Folder::new(root.path().join("audit"));
    assert_eq!(
        store.put_new("a/b", Bytes::from_static(b"x")).await.unwrap(),
        Put::Stored
    );
    let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("audit"), mode("audit/a"), mode("audit/a/b")),
        (0o700, 0o700, 0o600)
    );
    fs::write(root.path().join("audit/a/.unfinished-1-0"), "ha").unwrap();
    assert_eq!(store.list("").await.unwrap(), ["a/b"]);
    assert_eq!(fs::read_dir(root.path().join("audit/a")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_name_stays_within_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let store = Folder::new(root.path().join("audit"));
    for name in ["../out", "/etc/passwd", "a/../../out", "a/.hidden", "."] {
        let error = store.put(name, Bytes::from_static(b"x")).await.unwrap_err();
        assert!(
            matches!(error, Error::Refused { .. }) && !error.is_retryable(),
            "{name}"
        );
    }
    assert!(!root.path().join("out").exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_may_be_later() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("audit"), "a file").unwrap();
    let store = Folder::new(root.path().join("audit"));
    let error = store.put("a", Bytes::from_static(b"x")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    fs::remove_file(root.path().join("audit")).unwrap();
    store.put("a", Bytes::from_static(b"x")).await.unwrap();
}
