//! A tenant's points are its own, whatever stands in names and values.

use super::{Store, point, query};
use headwater_metrics::{Query, Stat};

/// What breaks out of a statement, a line or a key, where quoting is forgotten.
const HOSTILE: &[&str] = &[
    "'",
    "\"",
    "\\",
    "\\'",
    "' OR '1'='1",
    "x'; DROP TABLE points; --",
    "a,b=c d",
    "a=b",
    "a b",
    "*",
    "%",
    "_",
    "/.*/",
    "$tenant",
    "{}",
    "acme",
    "é🦀",
    "a#b",
    "a\\",
    "NULL",
];

pub(crate) async fn tenants_are_apart_whatever_is_in_names(store: Store) {
    let time = "2026-03-01T01:10:00Z";
    for (n, name) in HOSTILE.iter().enumerate() {
        let ours = point(name, time, &[("by", name)], n as f64);
        store.write("acme", vec![ours]).await;
    }
    let theirs = HOSTILE
        .iter()
        .map(|name| point(name, time, &[("by", name), ("secret", name)], 1e9));
    store.write("globex", theirs.collect()).await;
    for (n, name) in HOSTILE.iter().enumerate() {
        let query = Query {
            filters: [("by".to_owned(), vec![(*name).to_owned()])].into(),
            group_by: vec!["by".to_owned()],
            ..query(name, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", Stat::Sum)
        };
        let items = store.items("acme", &query).await;
        let found: Vec<_> = items
            .iter()
            .map(|item| (item.group["by"].as_str(), item.value))
            .collect();
        assert_eq!(found, [(*name, Some(n as f64))], "{name:?}");
        let other = HOSTILE[(n + 1) % HOSTILE.len()];
        let none = Query {
            filters: [("by".to_owned(), vec![other.to_owned()])].into(),
            ..query
        };
        assert_eq!(store.items("acme", &none).await, [], "{name:?}");
    }
    let scope = headwater_tenancy::testing::scope("acme").await;
    let mut names: Vec<_> = HOSTILE.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    let series = store.store.series(&scope).await.unwrap();
    assert_eq!(
        series.iter().map(|series| series.name.clone()).collect::<Vec<_>>(),
        names
    );
    assert!(series.iter().all(|series| series.dimensions.len() == 1), "{series:?}");
    let stranger = headwater_tenancy::testing::scope("acm").await;
    assert_eq!(store.store.series(&stranger).await.unwrap(), []);
}
