//! Of all with one value the best.

use super::{Engine, Opened, fill, ids, put, scope, search, tombstone};
use headwater_search::{Error, Filter, Hits, Query, Sort};
use headwater_tenancy::TenantScope;
use serde_json::json;
use std::collections::HashSet;

fn by(name: &str, descending: bool) -> Sort {
    Sort::Field {
        name: name.into(),
        descending,
    }
}

fn sorts() -> [Sort; 4] {
    [
        Sort::Relevance,
        by("price_cents", false),
        by("price_cents", true),
        by("title", true),
    ]
}

fn collapsed(sort: Sort) -> Query {
    Query {
        collapse: Some("brand".into()),
        sort,
        limit: 100,
        ..Query::default()
    }
}

async fn all(index: &Opened, scope: &TenantScope, mut query: Query) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    loop {
        let hits = search(index, scope, query.clone()).await;
        all.extend(hits.hits.iter().map(|hit| (hit.id.clone(), brands(&hit.source))));
        query.cursor = hits.next_cursor;
        if query.cursor.is_none() {
            return all;
        }
    }
}

fn brands(source: &serde_json::Value) -> Vec<String> {
    let brand = source.get("brand").cloned().unwrap_or_default();
    match brand {
        serde_json::Value::Array(values) => values
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect(),
        value => value.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// 240 documents in five commits; 24 brands of different sizes spread over all of them, every eighth document without one.
async fn variants(index: &Opened, scope: &TenantScope) {
    for part in 0..5_u64 {
        let document = |n: u64| {
            let title = format!(
                "cable {}{}",
                "red ".repeat(n as usize % 4),
                ["short", "long", "longer"][n as usize % 3]
            );
            let mut body = json!({"title": title, "price_cents": n * 37 % 11});
            if !n.is_multiple_of(8) {
                body["brand"] = json!(format!("B{:02}", n * n % 24));
            }
            if n.is_multiple_of(31) {
                body["brand"] = json!(["B01", "B04"]);
            }
            put(scope, &format!("p{n:03}"), 1, body)
        };
        fill(index, (part * 48..part * 48 + 48).map(document).collect()).await;
    }
}

/// What the hits have to be: in the order of all, a document that is the first of one of its values, or has none.
async fn expected(index: &Opened, scope: &TenantScope, query: &Query) -> Vec<String> {
    let plain = Query {
        collapse: None,
        ..query.clone()
    };
    let mut seen = HashSet::new();
    let mut expected = Vec::new();
    for (id, brands) in all(index, scope, plain).await {
        let new = brands.into_iter().map(|brand| seen.insert(brand)).collect::<Vec<_>>();
        if new.is_empty() || new.contains(&true) {
            expected.push(id);
        }
    }
    expected
}

pub async fn the_best_of_each_value(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    variants(&index, &a).await;
    let range = Filter::Range {
        field: "price_cents".into(),
        min: Some(3),
        max: None,
    };
    for sort in sorts() {
        for text in [None, Some("red cable")] {
            for filters in [vec![], vec![range.clone()]] {
                let query = Query {
                    text: text.map(str::to_owned),
                    filters,
                    facets: vec!["brand".into()],
                    ..collapsed(sort.clone())
                };
                let expected = expected(&index, &a, &query).await;
                for limit in [1, 7, 100] {
                    let pages = all(&index, &a, Query { limit, ..query.clone() }).await;
                    let pages: Vec<_> = pages.into_iter().map(|(id, _)| id).collect();
                    assert_eq!(pages, expected, "{limit} {sort:?} {text:?}");
                }
                let plain = Query {
                    collapse: None,
                    ..query.clone()
                };
                let (whole, grouped): (Hits, Hits) = (search(&index, &a, plain).await, search(&index, &a, query).await);
                assert!(grouped.total > expected.len() as u64);
                assert_eq!((grouped.total, grouped.facets), (whole.total, whole.facets));
            }
        }
    }
}

pub async fn a_better_one_takes_over(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let cable = |id: &str, version, price: u64| {
        put(
            &a,
            id,
            version,
            json!({"title": "cable", "brand": "Acme", "price_cents": price}),
        )
    };
    let query = collapsed(by("price_cents", false));
    fill(&index, vec![cable("p1", 1, 5), cable("p2", 1, 6)]).await;
    fill(&index, vec![cable("p3", 1, 3)]).await;
    assert_eq!(ids(&search(&index, &a, query.clone()).await), ["p3"]);
    fill(&index, vec![cable("p3", 2, 9)]).await;
    assert_eq!(ids(&search(&index, &a, query.clone()).await), ["p1"]);
    fill(&index, vec![tombstone(&a, "p1", 2)]).await;
    assert_eq!(ids(&search(&index, &a, query).await), ["p2"]);
}

pub async fn groups_last_while_others_write(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    variants(&index, &a).await;
    let mut query = Query {
        limit: 5,
        text: Some("red cable".into()),
        ..collapsed(Sort::Relevance)
    };
    let before = expected(&index, &a, &query).await;
    let mut seen = Vec::new();
    for round in 0.. {
        let hits = search(&index, &a, query.clone()).await;
        seen.extend(hits.hits.into_iter().map(|hit| hit.id).filter(|id| id.starts_with('p')));
        query.cursor = hits.next_cursor;
        if query.cursor.is_none() {
            break;
        }
        let new = |n: u64| json!({"title": "red cable", "brand": format!("New{round}-{n}")});
        let mut writes: Vec<_> = (0..4).map(|n| put(&a, &format!("x{round}-{n}"), 1, new(n))).collect();
        // Another tenant's, better than any, and of the same values.
        writes.extend((0..24).map(|n| {
            let body = json!({"title": "red cable", "brand": format!("B{n:02}")});
            put(&b, &format!("x{round}-{n}"), 1, body)
        }));
        fill(&index, writes).await;
    }
    assert_eq!(seen, before);
}

/// Another's better document of the same value neither hides mine nor takes its place.
pub async fn values_are_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let mine = put(&a, "p", 1, json!({"title": "cable", "brand": "Acme", "price_cents": 5}));
    let theirs = put(&b, "a", 1, json!({"title": "cable", "brand": "Acme", "price_cents": 1}));
    fill(&index, vec![mine, theirs.clone()]).await;
    for sort in sorts() {
        assert_eq!(ids(&search(&index, &a, collapsed(sort)).await), ["p"]);
    }
    for field in [
        "tenant",
        "_tenant",
        "_key",
        "_id",
        "_source",
        "title",
        "sku",
        "brand:value",
        "f_brand",
        "bran",
    ] {
        let query = Query {
            collapse: Some(field.into()),
            ..Query::default()
        };
        let error = index.search(&a, &query).await.unwrap_err();
        assert!(matches!(error, Error::UnknownField { .. }), "{field}: {error}");
    }
    // A cursor is of one way to collapse, and of one tenant.
    fill(
        &index,
        vec![
            put(&a, "q", 1, json!({"brand": "Bolt"})),
            put(&b, "q", 1, json!({"brand": "Bolt"})),
        ],
    )
    .await;
    let query = Query {
        limit: 1,
        ..collapsed(Sort::Relevance)
    };
    let cursor = search(&index, &a, query.clone()).await.next_cursor;
    assert!(cursor.is_some());
    let other = Query {
        collapse: None,
        cursor: cursor.clone(),
        ..query.clone()
    };
    assert!(matches!(index.search(&a, &other).await, Err(Error::InvalidCursor)));
    assert!(matches!(
        index.search(&b, &Query { cursor, ..query }).await,
        Err(Error::InvalidCursor)
    ));
}
