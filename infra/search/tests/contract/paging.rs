//! Pages, also while others write.

use super::{Engine, Opened, fill, put, scope, search, tombstone};
use headwater_search::{Error, Filter, Query, Sort};
use headwater_tenancy::TenantScope;
use serde_json::json;
use std::collections::HashSet;

fn sorts() -> [Sort; 4] {
    let by = |name: &str, descending| Sort::Field {
        name: name.into(),
        descending,
    };
    [
        Sort::Relevance,
        by("price_cents", true),
        by("title", false),
        by("title", true),
    ]
}

/// Titles of which many are equal and many are not, in score as in order.
fn title(n: u64) -> String {
    format!(
        "cable {}{}",
        "red ".repeat(n as usize % 4),
        ["short", "long", "longer"][n as usize % 3]
    )
}

async fn all(index: &Opened, scope: &TenantScope, mut query: Query) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let hits = search(index, scope, query.clone()).await;
        all.extend(hits.hits.into_iter().map(|hit| hit.id));
        query.cursor = hits.next_cursor;
        if query.cursor.is_none() {
            return all;
        }
    }
}

pub async fn pages_cover_everything_once(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    for part in 0..5 {
        let numbers = part * 60..part * 60 + 60;
        let writes = numbers.map(|n| {
            put(
                &a,
                &format!("p{n:03}"),
                1,
                json!({"title": title(n), "price_cents": n % 7}),
            )
        });
        fill(&index, writes.collect()).await;
    }
    for sort in sorts() {
        for text in [None, Some("red cable")] {
            let query = Query {
                text: text.map(str::to_owned),
                sort: sort.clone(),
                limit: 100,
                ..Query::default()
            };
            let whole = all(&index, &a, query.clone()).await;
            let total = search(&index, &a, query.clone()).await.total;
            assert_eq!(whole.iter().collect::<HashSet<_>>().len() as u64, total);
            for limit in [1, 7, 99] {
                assert_eq!(
                    all(&index, &a, Query { limit, ..query.clone() }).await,
                    whole,
                    "{limit} {sort:?} {text:?}"
                );
            }
        }
    }
}

pub async fn ten_thousand_deep(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    for part in 0..10 {
        let numbers = part * 1_005..(part + 1) * 1_005;
        fill(
            &index,
            numbers
                .map(|n| put(&a, &format!("p{n}"), 1, json!({"title": title(n)})))
                .collect(),
        )
        .await;
    }
    let pages = all(
        &index,
        &a,
        Query {
            limit: 100,
            ..Query::text("cable")
        },
    )
    .await;
    assert_eq!(pages.len(), 10_050);
    assert_eq!(pages.iter().collect::<HashSet<_>>().len(), 10_050);
}

pub async fn writes_between_pages(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    for part in 0..4 {
        let numbers = part * 50..part * 50 + 50;
        let writes = numbers.map(|n| {
            put(
                &a,
                &format!("p{n:03}"),
                1,
                json!({"title": title(n), "price_cents": n % 7}),
            )
        });
        fill(&index, writes.collect()).await;
    }
    for (round, sort) in sorts().into_iter().enumerate() {
        // With a misspelling, so that what it was mended to has to last as well.
        let mut query = Query {
            sort,
            limit: 10,
            ..Query::text("red cabel")
        };
        let before = all(&index, &a, query.clone()).await;
        let mut seen = Vec::new();
        let mut at = 0;
        loop {
            let hits = search(&index, &a, query.clone()).await;
            seen.extend(hits.hits.into_iter().map(|hit| hit.id).filter(|id| id.starts_with('p')));
            query.cursor = hits.next_cursor;
            if query.cursor.is_none() {
                break;
            }
            // Others come, change and go: words get more frequent, fields longer, the misspelling a word, segments merge.
            at += 1;
            let names = (0..8).map(|n| format!("x{round}-{at}-{n}"));
            let mut writes: Vec<_> = names
                .clone()
                .map(|id| put(&a, &id, 1, json!({"title": "cable red red"})))
                .collect();
            writes.extend(names.clone().map(|id| put(&b, &id, 1, json!({"title": "red cabel"}))));
            writes.push(put(
                &a,
                &format!("y{round}-{at}"),
                1,
                json!({"title": format!("cabel {}", "word ".repeat(30))}),
            ));
            writes.extend(names.take(4).map(|id| tombstone(&a, &id, 2)));
            fill(&index, writes).await;
        }
        assert_eq!(seen, before);
        let ours: Vec<_> = (1..=at).flat_map(|at| (0..8).map(move |n| (at, n))).collect();
        let mut gone: Vec<_> = ours
            .iter()
            .map(|(at, n)| tombstone(&a, &format!("x{round}-{at}-{n}"), 3))
            .collect();
        gone.extend((1..=at).map(|at| tombstone(&a, &format!("y{round}-{at}"), 3)));
        fill(&index, gone).await;
    }
}

pub async fn cursors_are_of_one_query(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(
        &index,
        (0..5)
            .map(|n| put(&a, &n.to_string(), 1, json!({"title": "cable"})))
            .collect(),
    )
    .await;
    let query = Query {
        limit: 2,
        ..Query::text("cable")
    };
    let cursor = search(&index, &a, query.clone()).await.next_cursor.unwrap();
    let with = |query: Query| Query {
        cursor: Some(cursor.clone()),
        ..query
    };
    assert_eq!(search(&index, &a, with(query.clone())).await.hits.len(), 2);
    // The size of the page, facets and highlights may change.
    let other_page = Query {
        limit: 1,
        facets: vec!["brand".into()],
        highlight: true,
        ..query.clone()
    };
    assert_eq!(search(&index, &a, with(other_page)).await.hits.len(), 1);
    let range = Filter::Range {
        field: "price_cents".into(),
        min: None,
        max: None,
    };
    let sort = Sort::Field {
        name: "title".into(),
        descending: false,
    };
    let mut cut = cursor.clone();
    cut.truncate(20);
    for wrong in [
        with(Query {
            text: Some("cables".into()),
            ..query.clone()
        }),
        with(Query {
            filters: vec![range],
            ..query.clone()
        }),
        with(Query { sort, ..query.clone() }),
        Query {
            cursor: Some("made up".into()),
            ..query.clone()
        },
        Query {
            cursor: Some(String::new()),
            ..query.clone()
        },
        Query {
            cursor: Some(cut),
            ..query.clone()
        },
    ] {
        assert!(
            matches!(index.search(&a, &wrong).await, Err(Error::InvalidCursor)),
            "{wrong:?}"
        );
    }
}
