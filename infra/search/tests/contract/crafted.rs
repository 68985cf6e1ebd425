//! What somebody sends who looks for a way past the tenant: names of fields and cursors.

use super::{Engine, fill, found, put, scope, search};
use headwater_search::{Error, Filter, Query, Relevance, Sort};
use serde_json::json;

/// Whatever is named as a field, where fields are named: an error that says so, of bounded length.
pub async fn names_are_refused(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let secret = json!({"title": "secret cable", "brand": "Secret", "price_cents": 7, "attributes": {"x": "red"}});
    fill(
        &index,
        vec![put(&b, "q", 1, secret), put(&a, "p", 1, json!({"title": "lamp"}))],
    )
    .await;
    let long = "n".repeat(1_024);
    let names = [
        "tenant",
        "_tenant",
        "_id",
        "_source",
        "_key",
        "_index",
        "_routing",
        "_score",
        "_doc",
        "*",
        "f_*",
        "f_brand",
        "values",
        "words",
        "a.b",
        "attributes.x",
        "attributes.x^9",
        "brand^9",
        "brand.keyword",
        "brand:Secret",
        " brand",
        "",
        "\0",
        "\u{1}\n\r\t\u{7f}",
        "\"}]}",
        "\\",
        "../other",
        "brand\0",
        &long,
    ];
    for name in names {
        let filters = [
            Filter::Equals {
                field: name.into(),
                any_of: vec!["b".into()],
            },
            Filter::Range {
                field: name.into(),
                min: Some(0),
                max: None,
            },
            Filter::Range {
                field: name.into(),
                min: None,
                max: None,
            },
        ];
        let sorted = |descending| Query {
            sort: Sort::Field {
                name: name.into(),
                descending,
            },
            ..Query::default()
        };
        let counted = Query {
            facets: vec!["brand".into(), name.into()],
            ..Query::default()
        };
        let collapsed = Query {
            collapse: Some(name.into()),
            ..Query::default()
        };
        let boosted = filters.clone().map(|filter| Query {
            relevance: Relevance::default().boost(filter, 9.0).into(),
            ..Query::text("cable")
        });
        let filtered = filters.map(|filter| Query {
            filters: vec![filter],
            ..Query::default()
        });
        let queries = [sorted(false), sorted(true), counted, collapsed].into_iter();
        for query in queries.chain(filtered).chain(boosted) {
            let error = index.search(&a, &query).await.unwrap_err();
            assert!(
                matches!(error, Error::UnknownField { .. }) && error.is_callers(),
                "{query:?}: {error}"
            );
            assert!(error.to_string().len() < 400, "{error}");
        }
        // A weight of a field that is not searched has no effect.
        let weighted = Query {
            relevance: Relevance::default().weight(name, 9.0).into(),
            highlight: true,
            ..Query::text(format!("{name} lamp"))
        };
        assert!(!found(&search(&index, &a, weighted).await).contains(&"q"), "{name:?}");
        // Attributes may have any name, and no value of another's is one.
        for value in [name, "red", "Secret"] {
            let attribute = Filter::Attribute {
                name: name.into(),
                any_of: vec![value.into()],
            };
            let query = Query {
                filters: vec![attribute],
                facets: vec!["brand".into()],
                ..Query::default()
            };
            let hits = search(&index, &a, query).await;
            assert_eq!((hits.total, hits.facets["brand"].len()), (0, 0), "{name:?} {value:?}");
        }
    }
}

/// A cursor that is not the tenant's own for the same query is refused, however it was made.
pub async fn cursors_are_refused(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let both = [&a, &b]
        .into_iter()
        .flat_map(|scope| ["1", "2", "3"].map(|id| put(scope, id, 1, json!({"title": "cable", "brand": "Acme"}))));
    fill(&index, both.collect()).await;
    let query = Query {
        limit: 1,
        ..Query::text("cable")
    };
    let own = search(&index, &a, query.clone()).await.next_cursor.unwrap();
    let cut = &own[..own.len() / 2];
    let mut changed: Vec<char> = own.chars().collect();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == 'A' { 'B' } else { 'A' };
    let changed: String = changed.into_iter().collect();
    let made = [
        cut.to_owned(),
        changed,
        format!("{own}{own}"),
        String::new(),
        "\0".into(),
        "🦀".into(),
        "{\"after\":[1,\"b:1\"]}".into(),
        "A".repeat(10_000),
    ];
    for cursor in made {
        for scope in [&a, &b] {
            let asked = Query {
                cursor: Some(cursor.clone()),
                ..query.clone()
            };
            let error = index.search(scope, &asked).await.unwrap_err();
            assert!(matches!(error, Error::InvalidCursor), "{cursor:?}: {error}");
        }
    }
    for (scope, changed) in [
        (&b, query.clone()),
        (
            &a,
            Query {
                collapse: Some("brand".into()),
                ..query.clone()
            },
        ),
        (
            &a,
            Query {
                sort: Sort::Field {
                    name: "price_cents".into(),
                    descending: false,
                },
                ..query.clone()
            },
        ),
    ] {
        let asked = Query {
            cursor: Some(own.clone()),
            ..changed
        };
        let error = index.search(scope, &asked).await.unwrap_err();
        assert!(matches!(error, Error::InvalidCursor), "{asked:?}: {error}");
    }
}
