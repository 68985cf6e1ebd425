//! A tenant sees its own, whatever it asks.

use super::{Engine, fill, found, put, scope, search};
use headwater_search::{Error, Filter, Query, Sort};
use serde_json::json;

pub async fn hits_and_totals_are_the_tenants(engine: &impl Engine) {
    let index = engine.open().await;
    // One name is the beginning of another, on purpose.
    let (a, ab) = (scope("a").await, scope("a-b").await);
    fill(
        &index,
        vec![
            put(&a, "p", 1, json!({"title": "red cable"})),
            put(&ab, "q", 1, json!({"title": "red cable"})),
        ],
    )
    .await;
    for query in [
        Query::default(),
        Query::text("cable"),
        Query::text("cabel"),
        Query::text("red cab"),
    ] {
        let hits = search(&index, &a, query.clone()).await;
        assert_eq!((hits.total, found(&hits)), (1, vec!["p"]), "{query:?}");
        let hits = search(&index, &ab, query.clone()).await;
        assert_eq!((hits.total, found(&hits)), (1, vec!["q"]), "{query:?}");
    }
    assert_eq!(search(&index, &scope("c").await, Query::default()).await.total, 0);
}

pub async fn facets_are_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    fill(
        &index,
        vec![
            put(&a, "p", 1, json!({"brand": "Mine"})),
            put(&b, "q", 1, json!({"brand": "Theirs", "category": "Secret"})),
        ],
    )
    .await;
    let query = Query {
        facets: vec!["brand".into(), "category".into()],
        ..Query::default()
    };
    let hits = search(&index, &a, query).await;
    assert_eq!(hits.facets["brand"].len(), 1);
    assert_eq!(hits.facets["brand"][0].value, "Mine");
    assert!(hits.facets["category"].is_empty());
}

pub async fn crafted_values_reach_nothing(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let secret = json!({"title": "secret cable", "brand": "Secret", "sku": "S-1", "attributes": {"colour": "red"}});
    fill(
        &index,
        vec![put(&b, "q", 1, secret), put(&a, "p", 1, json!({"title": "lamp"}))],
    )
    .await;
    let forged = [
        "Secret",
        "b\0Secret",
        "\0Secret",
        "b#Secret",
        "b\u{1}Secret",
        "*",
        "Secret*",
        "_tenant:b",
        "b",
    ];
    for value in forged {
        let equals = |field: &str| Filter::Equals {
            field: field.into(),
            any_of: vec![value.into()],
        };
        let attribute = |name: &str| Filter::Attribute {
            name: name.into(),
            any_of: vec![value.into(), "red".into()],
        };
        let names = ["colour", "b\0colour", "\0", "attributes.colour", "_tenant", "*"];
        let filters = [equals("brand"), equals("sku")].into_iter().chain(names.map(attribute));
        for filter in filters {
            let hits = search(
                &index,
                &a,
                Query {
                    filters: vec![filter.clone()],
                    ..Query::default()
                },
            )
            .await;
            assert_eq!(hits.total, 0, "{filter:?}");
        }
        let hits = search(
            &index,
            &a,
            Query {
                highlight: true,
                ..Query::text(value)
            },
        )
        .await;
        assert!(!found(&hits).contains(&"q"), "{value}");
    }
    for field in [
        "_tenant",
        "_key",
        "_id",
        "_source",
        "brand:value",
        "title:word",
        "tenant",
    ] {
        let filter = Filter::Equals {
            field: field.into(),
            any_of: vec!["b".into()],
        };
        let sort = Sort::Field {
            name: field.into(),
            descending: false,
        };
        let queries = [
            Query {
                filters: vec![filter],
                ..Query::default()
            },
            Query {
                facets: vec![field.into()],
                ..Query::default()
            },
            Query {
                sort,
                ..Query::default()
            },
        ];
        for query in queries {
            let error = index.search(&a, &query).await.unwrap_err();
            assert!(matches!(error, Error::UnknownField { .. }), "{query:?}: {error}");
        }
    }
}

pub async fn cursors_are_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let both = [&a, &b]
        .into_iter()
        .flat_map(|scope| ["1", "2", "3"].map(|id| put(scope, id, 1, json!({"title": "cable"}))));
    fill(&index, both.collect()).await;
    let query = Query {
        limit: 1,
        ..Query::text("cable")
    };
    let cursor = search(&index, &a, query.clone()).await.next_cursor;
    assert!(cursor.is_some());
    let error = index.search(&b, &Query { cursor, ..query }).await.unwrap_err();
    assert!(matches!(error, Error::InvalidCursor));
}

pub async fn ids_may_be_the_same(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    fill(
        &index,
        vec![
            put(&a, "p", 9, json!({"title": "mine"})),
            put(&b, "p", 1, json!({"title": "theirs"})),
        ],
    )
    .await;
    fill(&index, vec![put(&b, "p", 2, json!({"title": "changed"}))]).await;
    assert_eq!(
        search(&index, &a, Query::default()).await.hits[0].source["title"],
        "mine"
    );
    assert_eq!(
        search(&index, &b, Query::default()).await.hits[0].source["title"],
        "changed"
    );
}

/// What others write moves no score of mine, so nobody can feel their way to another's words.
pub async fn rarity_is_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let mine = |id: &str, title: &str| put(&a, id, 1, json!({"title": title}));
    fill(
        &index,
        vec![
            mine("1", "red cable"),
            mine("2", "red lamp"),
            mine("3", "red cable lamp"),
        ],
    )
    .await;
    let query = Query::text("red cabel");
    let before = search(&index, &a, query.clone()).await;
    // Now the misspelling is a word, of another.
    fill(
        &index,
        (0..50)
            .map(|n| put(&b, &format!("{n}"), 1, json!({"title": "red cabel"})))
            .collect(),
    )
    .await;
    let after = search(&index, &a, query).await;
    let order = |hits: &headwater_search::Hits| hits.hits.iter().map(|hit| hit.id.clone()).collect::<Vec<_>>();
    assert_eq!((before.total, order(&before)), (after.total, order(&after)));
    assert_eq!(order(&before)[..2], ["1", "3"]);
}
