//! Filters, ranges, sorts, and what is refused.

use super::{Engine, Opened, fill, found, ids, put, scope, search};
use headwater_kernel::Timestamp;
use headwater_search::{Error, Filter, Query, Sort};
use headwater_tenancy::TenantScope;
use serde_json::json;

fn equals(field: &str, values: &[&str]) -> Filter {
    Filter::Equals {
        field: field.into(),
        any_of: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

async fn filtered(index: &Opened, scope: &TenantScope, filters: Vec<Filter>) -> Vec<String> {
    let hits = search(
        index,
        scope,
        Query {
            filters,
            ..Query::default()
        },
    )
    .await;
    assert_eq!(hits.total, hits.hits.len() as u64);
    found(&hits).into_iter().map(str::to_owned).collect()
}

pub async fn filters_hold(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let long = "long ".repeat(400);
    fill(
        &index,
        vec![
            put(
                &a,
                "1",
                1,
                json!({"brand": "Acme", "category": "cables", "gtin": ["111", "112"]}),
            ),
            put(&a, "2", 1, json!({"brand": "Bolt", "category": "cables", "gtin": []})),
            put(&a, "3", 1, json!({"brand": "acme", "category": null, "sku": long})),
        ],
    )
    .await;
    assert_eq!(filtered(&index, &a, vec![equals("brand", &["Acme"])]).await, ["1"]);
    assert_eq!(
        filtered(&index, &a, vec![equals("brand", &["Acme", "Bolt", "none"])]).await,
        ["1", "2"]
    );
    assert_eq!(
        filtered(
            &index,
            &a,
            vec![equals("category", &["cables"]), equals("brand", &["Bolt"])]
        )
        .await,
        ["2"]
    );
    assert_eq!(filtered(&index, &a, vec![equals("gtin", &["112"])]).await, ["1"]);
    assert_eq!(filtered(&index, &a, vec![equals("sku", &[&long])]).await, ["3"]);
    assert!(
        filtered(&index, &a, vec![equals("sku", &[&format!("{long}!")])])
            .await
            .is_empty()
    );
    assert!(filtered(&index, &a, vec![equals("brand", &[])]).await.is_empty());
}

pub async fn ranges_hold(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let day = |n: i64| format!("2026-01-{n:02}T00:00:00Z");
    let writes = (1..=9).map(|n| {
        put(
            &a,
            &n.to_string(),
            1,
            json!({"price_cents": n * 100 - 500, "released_at": day(n)}),
        )
    });
    fill(&index, writes.chain([put(&a, "none", 1, json!({}))]).collect()).await;
    let range = |field: &str, min, max| {
        vec![Filter::Range {
            field: field.into(),
            min,
            max,
        }]
    };
    assert_eq!(
        filtered(&index, &a, range("price_cents", Some(-300), Some(-100))).await,
        ["2", "3", "4"]
    );
    assert_eq!(
        filtered(&index, &a, range("price_cents", None, Some(-400))).await,
        ["1"]
    );
    assert_eq!(filtered(&index, &a, range("price_cents", Some(400), None)).await, ["9"]);
    assert!(
        filtered(&index, &a, range("price_cents", Some(2), Some(1)))
            .await
            .is_empty()
    );
    assert_eq!(filtered(&index, &a, range("price_cents", None, None)).await.len(), 9);
    let time = |n| Some(Timestamp::parse(&day(n)).unwrap().nanos());
    assert_eq!(
        filtered(&index, &a, range("released_at", time(3), time(4))).await,
        ["3", "4"]
    );
}

pub async fn attributes_hold(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(
        &index,
        vec![
            put(
                &a,
                "1",
                1,
                json!({"attributes": {"colour": "red", "width": 2.0, "wifi": true, "": "empty"}}),
            ),
            put(
                &a,
                "2",
                1,
                json!({"attributes": {"colour": "Red", "width": 2, "wifi": false, "a b": "c"}}),
            ),
            put(&a, "3", 1, json!({"attributes": {"width": 2.5, "note": "2"}})),
        ],
    )
    .await;
    let attribute = |name: &str, value: &str| {
        vec![Filter::Attribute {
            name: name.into(),
            any_of: vec![value.into()],
        }]
    };
    assert_eq!(filtered(&index, &a, attribute("colour", "red")).await, ["1"]);
    assert_eq!(filtered(&index, &a, attribute("width", "2")).await, ["1", "2"]);
    assert_eq!(filtered(&index, &a, attribute("width", "2.0")).await, ["1", "2"]);
    assert_eq!(filtered(&index, &a, attribute("wifi", "true")).await, ["1"]);
    assert_eq!(filtered(&index, &a, attribute("", "empty")).await, ["1"]);
    assert_eq!(filtered(&index, &a, attribute("a b", "c")).await, ["2"]);
    assert_eq!(filtered(&index, &a, attribute("a", " bc")).await, [""; 0]);
    assert_eq!(filtered(&index, &a, attribute("none", "red")).await, [""; 0]);
}

pub async fn sorts_are_stable(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let document = |id: &str, title: &str, price: i64, day: u32| {
        let released = format!("2026-01-{day:02}T00:00:00Z");
        put(
            &a,
            id,
            1,
            json!({"title": title, "price_cents": price, "released_at": released}),
        )
    };
    // Each in a segment of its own.
    for write in [
        document("d", "zebra cable", 5, 1),
        document("b", "Apple cable", 5, 9),
        document("c", "apple  Cable", 1, 5),
        document("a", "Banana", -7, 5),
        put(&a, "0", 1, json!({"brand": "none of it"})),
    ] {
        fill(&index, vec![write]).await;
    }
    let by = |name: &str, descending| Sort::Field {
        name: name.into(),
        descending,
    };
    for (sort, expected) in [
        (by("price_cents", false), ["a", "c", "b", "d", "0"]),
        (by("price_cents", true), ["b", "d", "c", "a", "0"]),
        (by("released_at", true), ["b", "a", "c", "d", "0"]),
        (by("released_at", false), ["d", "a", "c", "b", "0"]),
        (by("title", false), ["b", "c", "a", "d", "0"]),
        (by("title", true), ["d", "a", "b", "c", "0"]),
        (Sort::Relevance, ["0", "a", "b", "c", "d"]),
    ] {
        let query = Query {
            sort: sort.clone(),
            ..Query::default()
        };
        assert_eq!(ids(&search(&index, &a, query.clone()).await), expected, "{sort:?}");
        // The same one at a time.
        let mut paged = Vec::new();
        let mut page = Query { limit: 1, ..query };
        loop {
            let hits = search(&index, &a, page.clone()).await;
            paged.extend(hits.hits.into_iter().map(|hit| hit.id));
            let Some(cursor) = hits.next_cursor else { break };
            page.cursor = Some(cursor);
        }
        assert_eq!(paged, expected, "{sort:?}");
    }
}

pub async fn unknown_fields_are_named(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let facet = Query {
        facets: vec!["brnad".into()],
        ..Query::default()
    };
    let sort = Query {
        sort: Sort::Field {
            name: "titel".into(),
            descending: false,
        },
        ..Query::default()
    };
    let filter = Query {
        filters: vec![equals("catgory", &["x"])],
        ..Query::default()
    };
    let text = Query {
        facets: vec!["title".into()],
        ..Query::default()
    };
    for (query, expected) in [(facet, "brand"), (sort, "title"), (filter, "category")] {
        let error = index.search(&a, &query).await.unwrap_err();
        assert!(
            matches!(&error, Error::UnknownField { nearest: Some(near), .. } if near == expected),
            "{error}"
        );
        assert!(error.is_callers() && !error.is_retryable());
    }
    assert!(matches!(index.search(&a, &text).await, Err(Error::UnknownField { .. })));
    for limit in [0, 101] {
        let error = index
            .search(
                &a,
                &Query {
                    limit,
                    ..Query::default()
                },
            )
            .await
            .unwrap_err();
        assert!(matches!(error, Error::InvalidLimit { .. }));
    }
}
