//! Texts in double quotes.

use super::{Engine, fill, found, put, scope, search};
use headwater_search::{Filter, Query};
use serde_json::json;

pub async fn words_next_to_each_other(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let documents = [
        ("1", json!({"title": "red cable long"})),
        ("2", json!({"title": "cable red long"})),
        ("3", json!({"title": "red long cables"})),
        (
            "4",
            json!({"title": "long cable", "description": "Another (RED) cable."}),
        ),
        (
            "5",
            json!({"title": "long lamp", "brand": "red cable", "attributes": {"for": "red cable"}}),
        ),
        ("6", json!({"title": "lamp", "description": ["one red", "cable long"]})),
        (
            "7",
            json!({"title": "Sony WH-1000XM4 500GB head set", "sku": "TN-2110"}),
        ),
    ];
    for (id, document) in documents {
        fill(&index, vec![put(&a, id, 1, document)]).await;
    }
    for (text, expected) in [
        ("\"red cable\"", vec!["1", "4"]),
        ("“Red Cables”", vec!["1", "4"]),
        ("\"red-cable\"", vec!["1", "4"]),
        ("long \"red cable\"", vec!["1", "4"]),
        ("\"cable red\"", vec!["2"]),
        ("\"red cable long\"", vec!["1"]),
        ("\"red\" \"long cable\"", vec!["3", "4"]),
        ("\"cable cable\"", vec![]),
        ("\"long lamp\"", vec!["5"]),
        // No typing error is mended in quotes.
        ("\"red cabel\"", vec![]),
        ("\"sony wh-1000xm4\"", vec!["7"]),
        ("\"1000xm4 500gb head\"", vec!["7"]),
        ("\"wh 500gb\"", vec![]),
        // A code is looked for beside the texts.
        ("\"TN-2110\"", vec!["7"]),
        // What is no pair of quotes is none.
        ("\"red cable", vec!["1", "2", "3", "4", "5", "6"]),
        ("red\" cable\"", vec!["1", "2", "3", "4", "5", "6"]),
        ("\"\" red \" \" cable", vec!["1", "2", "3", "4", "5", "6"]),
    ] {
        let hits = search(&index, &a, Query::text(text)).await;
        assert_eq!(
            (found(&hits), hits.total),
            (expected.clone(), expected.len() as u64),
            "{text}"
        );
    }
    let many = "\"red cable\" ".repeat(1_000);
    assert_eq!(found(&search(&index, &a, Query::text(many)).await), ["1", "4"]);
    for hostile in [
        "\"a\" OR \"*\"",
        "\"~2",
        "\"red cable\"~9",
        "\"\0\"",
        "\"\\\"",
        "\"\"\"\"\"",
        "\"🦀\"",
        "“\"„”\"",
    ] {
        search(&index, &a, Query::text(hostile)).await;
    }
}

pub async fn counts_and_pages_hold(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    for part in 0..3_u64 {
        let document = |n: u64| {
            let title = ["red cable", "cable red", "a red cable"][n as usize % 3];
            let brand = ["Acme", "Bolt"][n as usize % 2];
            put(&a, &format!("p{n:02}"), 1, json!({"title": title, "brand": brand}))
        };
        fill(&index, (part * 20..part * 20 + 20).map(document).collect()).await;
    }
    let mut query = Query {
        facets: vec!["brand".into()],
        limit: 7,
        ..Query::text("\"red cable\"")
    };
    let first = search(&index, &a, query.clone()).await;
    assert_eq!(first.total, 40);
    for count in &first.facets["brand"] {
        let filter = Filter::Equals {
            field: "brand".into(),
            any_of: vec![count.value.clone()],
        };
        let filtered = Query {
            filters: vec![filter],
            ..query.clone()
        };
        assert_eq!(search(&index, &a, filtered).await.total, count.count);
    }
    let mut seen = Vec::new();
    loop {
        let hits = search(&index, &a, query.clone()).await;
        seen.extend(hits.hits.into_iter().map(|hit| hit.id));
        query.cursor = hits.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 40);
    assert!(seen.iter().all(|id| id[1..].parse::<u64>().unwrap() % 3 != 1));
}

pub async fn phrases_are_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let mine = put(&a, "p", 1, json!({"title": "secret red cable"}));
    fill(&index, vec![mine, put(&b, "q", 1, json!({"title": "secret cable"}))]).await;
    for text in [
        "\"secret cable\"",
        "\"b\0secret cable\"",
        "\"\0secret cable\"",
        "\"b secret cable\"",
        "b\0\"secret cable\"",
    ] {
        let hits = search(&index, &a, Query::text(text)).await;
        assert_eq!((hits.total, hits.hits.len()), (0, 0), "{text:?}");
    }
    assert_eq!(found(&search(&index, &b, Query::text("\"secret cable\"")).await), ["q"]);
}
