//! What every store of objects does. An adapter's test opens a fresh, empty store for each and runs all by [`all`].

use bytes::Bytes;
use futures::future::join_all;
use headwater_objects::{ObjectStore, Put};
use std::sync::Arc;

/// Runs every test, each on a store of its own.
pub(crate) async fn all<O: AsyncFn() -> Arc<dyn ObjectStore>>(open: O) {
    what_is_put_is_there(open().await).await;
    a_new_one_takes_no_place(open().await).await;
    one_of_many_is_stored(open().await).await;
    names_are_listed_in_order(open().await).await;
    large_and_empty_ones_are_whole(open().await).await;
}

fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

async fn what_is_put_is_there(store: Arc<dyn ObjectStore>) {
    let name = "region=us/dt=2026-11-24/00000000.jsonl.gz";
    assert_eq!(store.get(name).await.unwrap(), None);
    store.delete(name).await.unwrap();
    store.put(name, text("one")).await.unwrap();
    assert_eq!(store.get(name).await.unwrap(), Some(text("one")));
    store.put(name, text("two")).await.unwrap();
    assert_eq!(store.get(name).await.unwrap(), Some(text("two")));
    store.delete(name).await.unwrap();
    assert_eq!(store.get(name).await.unwrap(), None);
    assert_eq!(store.list("").await.unwrap(), [""; 0]);
}

async fn a_new_one_takes_no_place(store: Arc<dyn ObjectStore>) {
    assert_eq!(store.put_new("a/b", text("first")).await.unwrap(), Put::Stored);
    assert_eq!(store.put_new("a/b", text("second")).await.unwrap(), Put::Taken);
    assert_eq!(store.get("a/b").await.unwrap(), Some(text("first")));
    // Whose answer was lost asks again.
    assert_eq!(store.put_new("a/b", text("first")).await.unwrap(), Put::Stored);
}

async fn one_of_many_is_stored(store: Arc<dyn ObjectStore>) {
    let all = (0..16).map(async |n| store.put_new("runs/000001.json", text(&n.to_string())).await.unwrap());
    let outcomes = join_all(all).await;
    let stored: Vec<usize> = (0..16).filter(|n| outcomes[*n] == Put::Stored).collect();
    assert_eq!(stored.len(), 1, "{stored:?}");
    let there = store.get("runs/000001.json").await.unwrap();
    assert_eq!(there, Some(text(&stored[0].to_string())));
}

async fn names_are_listed_in_order(store: Arc<dyn ObjectStore>) {
    for name in ["b/2", "b/10", "a", "b/1", "bc", "b/c/d", "b-1"] {
        store.put(name, text(name)).await.unwrap();
    }
    for (prefix, expected) in [
        ("", &["a", "b-1", "b/1", "b/10", "b/2", "b/c/d", "bc"][..]),
        ("b", &["b-1", "b/1", "b/10", "b/2", "b/c/d", "bc"]),
        ("b/", &["b/1", "b/10", "b/2", "b/c/d"]),
        ("b/1", &["b/1", "b/10"]),
        ("b/c/", &["b/c/d"]),
        ("a/", &[]),
        ("x/y", &[]),
    ] {
        assert_eq!(store.list(prefix).await.unwrap(), expected, "{prefix}");
    }
    // More than a store lists at a time.
    for n in 0..1_100 {
        store.put(&format!("many/{n:05}"), text("x")).await.unwrap();
    }
    let many = store.list("many/").await.unwrap();
    assert_eq!(many.len(), 1_100);
    assert!(many.is_sorted());
}

async fn large_and_empty_ones_are_whole(store: Arc<dyn ObjectStore>) {
    let large = Bytes::from_iter((0..5_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 4]));
    store.put("large", large.clone()).await.unwrap();
    assert_eq!(store.get("large").await.unwrap(), Some(large));
    assert_eq!(store.put_new("empty", Bytes::new()).await.unwrap(), Put::Stored);
    assert_eq!(store.get("empty").await.unwrap(), Some(Bytes::new()));
}
