//! Words: codes, spellings, highlights, and texts that no person types.

use super::{Engine, fill, ids, put, scope, search};
use headwater_search::{Query, Sort};
use headwater_tenancy::TenantScope;
use serde_json::json;

pub async fn codes_come_first(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(
        &index,
        vec![
            put(
                &a,
                "ad",
                1,
                json!({"title": "TN-2110 TN-2110 TN-2110 compatible toner", "description": "for TN-2110"}),
            ),
            put(
                &a,
                "it",
                1,
                json!({"title": "Toner black", "sku": "TN-2110", "gtin": ["4977766654937"]}),
            ),
        ],
    )
    .await;
    for text in ["TN-2110", "tn2110", "tn 2110", "  tn-2110 ", "TN/2110"] {
        assert_eq!(ids(&search(&index, &a, Query::text(text)).await)[0], "it", "{text}");
    }
    assert_eq!(ids(&search(&index, &a, Query::text("4977766654937")).await), ["it"]);
}

pub async fn spellings_match(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let titles = [
        "Sony WH-1000XM4 headphones",
        "WD Elements 500 GB",
        "AA Batteries",
        "Gaming head set",
        "Café chair",
        "Bose QC 35II, model of 2017",
        "XM4 case for 1000 cables",
    ];
    let writes = titles
        .iter()
        .enumerate()
        .map(|(n, title)| put(&a, &n.to_string(), 1, json!({"title": title})));
    fill(&index, writes.collect()).await;
    for (text, expected) in [
        ("wh1000xm4", "0"),
        ("wh 1000xm4", "0"),
        ("WH-1000XM4", "0"),
        // Each of these words is one of another document.
        ("WH 1000 XM4", "0"),
        ("wh1000 xm4", "0"),
        ("sony wh 1000 xm 4", "0"),
        ("qc 35 ii", "5"),
        ("qc35 ii", "5"),
        ("headphone", "0"),
        ("haedphones", "0"),
        ("sony headph", "0"),
        ("500gb", "1"),
        ("500 gb", "1"),
        ("elemnts", "1"),
        ("battery", "2"),
        ("aa baterys", "2"),
        ("headset", "3"),
        ("gaming headsets", "3"),
        ("cafe", "4"),
        ("CAFÉ CHAIRS", "4"),
    ] {
        let hits = search(&index, &a, Query::text(text)).await;
        assert_eq!(ids(&hits).first(), Some(&expected), "{text}");
    }
    assert_eq!(search(&index, &a, Query::text("zzzzzz")).await.total, 0);
    // What has only some of the words comes when hardly anything has them all, and after what has.
    let hits = search(&index, &a, Query::text("gaming battery aa")).await;
    assert_eq!(ids(&hits), ["2"]);
    assert_eq!(
        search(&index, &a, Query::text("sony battery chair lamp")).await.total,
        0
    );
}

/// What was mended is said, in words of the tenant's own.
pub async fn mended_words_are_told(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let mine = [
        ("1", "Sony headphones"),
        ("2", "Sony headphones red"),
        ("3", "Gaming head set"),
        ("4", "Earphone stand"),
    ];
    let mut writes: Vec<_> = mine
        .iter()
        .map(|(id, title)| put(&a, id, 1, json!({ "title": title })))
        .collect();
    // Nearer to what is typed below than any word of the first tenant's.
    writes.extend(["1", "2"].map(|id| put(&b, id, 1, json!({"title": "haedphone secretive"}))));
    fill(&index, writes).await;
    for (text, expected) in [
        ("Sony haedphones", Some("sony headphone")),
        ("snoy headphones", Some("sony headphones")),
        ("eraphone stadn", Some("earphone stand")),
        ("gaming headset", None),
        ("sony headph", None),
        ("sony headphones", None),
        ("secretove", None),
        ("zzzzzzz", None),
        ("", None),
    ] {
        let hits = search(&index, &a, Query::text(text)).await;
        assert_eq!(hits.did_you_mean.as_deref(), expected, "{text}");
    }
    // On every page, and only to whom it concerns.
    let mut query = Query {
        limit: 1,
        ..Query::text("sony haedphones")
    };
    query.cursor = search(&index, &a, query.clone()).await.next_cursor;
    assert!(query.cursor.is_some());
    assert_eq!(
        search(&index, &a, query).await.did_you_mean.as_deref(),
        Some("sony headphone")
    );
    assert_eq!(search(&index, &b, Query::text("haedphones")).await.did_you_mean, None);
}

/// A word that one or two documents have, where many have one that is near: their hits stay, and the other is offered.
pub async fn rare_words_may_be_errors(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let titled = |owner: &TenantScope, id: String, title: &str| put(owner, &id, 1, json!({ "title": title }));
    let mut writes: Vec<_> = (0..20).map(|n| titled(&a, n.to_string(), "Sony headphones")).collect();
    writes.push(titled(&a, "typo".into(), "Sony haedphones"));
    writes.extend((0..9).map(|n| titled(&a, format!("lamp{n}"), "Desk lampe")));
    writes.push(titled(&a, "lamps".into(), "Wall lamps"));
    writes.push(titled(&b, "only".into(), "Haedphones"));
    fill(&index, writes).await;
    let asked = async |owner: &TenantScope, text: &str| {
        let hits = search(&index, owner, Query::text(text)).await;
        (hits.total, hits.did_you_mean)
    };
    let offered = |text: &str| Some(text.to_owned());
    // One has both words, so half of them are enough.
    assert_eq!(asked(&a, "sony haedphones").await, (21, offered("sony headphone")));
    assert_eq!(asked(&a, "Haedphone").await, (1, offered("headphone")));
    assert_eq!(asked(&a, "sony headphones").await, (20, None));
    // Nine of another are not ten times as many, and what others write says nothing.
    assert_eq!(asked(&a, "lamp").await, (1, None));
    assert_eq!(asked(&b, "haedphones").await, (1, None));
    // Both at once: one word that nothing has, one that hardly anything has.
    assert_eq!(asked(&a, "snoy haedphones").await, (21, offered("sony headphone")));
}

pub async fn highlights_are_escaped(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(
        &index,
        vec![put(
            &a,
            "p",
            1,
            json!({"title": "<script>red</script> & cables", "description": "no"}),
        )],
    )
    .await;
    let hits = search(
        &index,
        &a,
        Query {
            highlight: true,
            ..Query::text("cable red")
        },
    )
    .await;
    let title = &hits.hits[0].highlights["title"][0];
    assert_eq!(title, "&lt;script&gt;<em>red</em>&lt;/script&gt; &amp; <em>cables</em>");
    assert!(!hits.hits[0].highlights.contains_key("description"));
    let hits = search(&index, &a, Query::text("cable")).await;
    assert!(hits.hits[0].highlights.is_empty());
}

pub async fn hostile_texts_answer(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(&index, vec![put(&a, "p", 1, json!({"title": "red cable AND lamp"}))]).await;
    let long = "cable ".repeat(2_000);
    let one = "x".repeat(10_240);
    for (text, expected) in [
        ("cable AND", Some(1)),
        ("title:cable", None),
        ("\"red cable", Some(1)),
        ("cable'", Some(1)),
        ("(red", Some(1)),
        ("red)", Some(1)),
        ("+cable -red", Some(1)),
        ("cable~", Some(1)),
        ("cable^9", None),
        ("red && cable", Some(1)),
        ("red \\cable\\", Some(1)),
        ("red\0cable\u{1}", Some(1)),
        (long.as_str(), Some(1)),
        (one.as_str(), None),
        ("🦀", Some(0)),
        ("NOT", None),
        ("/.*/", Some(0)),
        ("*", Some(0)),
        ("", Some(1)),
        ("   ", Some(1)),
        ("!!! ???", Some(0)),
        ("[* TO *]", None),
        ("{a TO b}", None),
        ("\u{202e}cable", Some(1)),
    ] {
        for sort in [
            Sort::Relevance,
            Sort::Field {
                name: "title".into(),
                descending: true,
            },
        ] {
            let query = Query {
                highlight: true,
                facets: vec!["brand".into()],
                sort,
                ..Query::text(text)
            };
            let hits = index.search(&a, &query).await.unwrap();
            let short: String = text.chars().take(30).collect();
            assert!(
                expected.is_none_or(|expected| hits.total == expected),
                "{short:?} found {}",
                hits.total
            );
        }
    }
}

/// A word that no document has makes no other word one that was asked for.
pub async fn what_nothing_has_is_not_highlighted(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let titles = [
        "Electrical kettle, no leaks",
        "Electrical cable no. 5",
        "Norwegian electrical plug",
        "Steel jug",
    ];
    let writes = titles
        .iter()
        .enumerate()
        .map(|(n, title)| put(&a, &n.to_string(), 1, json!({"title": title})));
    fill(&index, writes.collect()).await;
    for text in [
        "electrical чайник",
        "чайник electrical",
        "electrical 電気",
        "electrical nx",
    ] {
        let query = Query {
            highlight: true,
            ..Query::text(text)
        };
        for hit in search(&index, &a, query).await.hits {
            let title = &hit.highlights["title"][0];
            assert_eq!(title.matches("<em>").count(), 1, "{text}: {title}");
        }
    }
}
