//! Suggestions while a text is typed: what it may become, of the tenant's own and of what is found now.

use super::{Engine, Opened, fill, put, scope, search, tombstone};
use headwater_search::{Error, MAX_SUGGESTIONS, Query, SuggestQuery, Suggestion, SuggestionKind};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};

async fn suggest(index: &Opened, scope: &TenantScope, text: &str) -> Vec<Suggestion> {
    index.suggest(scope, &SuggestQuery::text(text)).await.unwrap()
}

/// As `kind: text`.
fn said(suggestions: &[Suggestion]) -> Vec<String> {
    let said = suggestions.iter().map(|one| format!("{}: {}", one.kind, one.text));
    said.collect()
}

async fn stocked(index: &Opened, scope: &TenantScope) {
    let documents = [
        ("Red USB cable", "Norvik", "Cables"),
        ("Blue USB cables", "Norvik", "Cables"),
        ("USB-C Cable holder, black", "Norvik", "Holders"),
        ("Cable holder for desks", "Caldera", "Holders"),
        ("Sony WH-1000XM4 Headphones", "Sony", "Headphones"),
        ("Headset, wireless", "Sony", "Headsets"),
        ("Café table 500 GB", "Maison", "Tables"),
    ];
    let write = |(n, (title, brand, category)): (usize, (&str, &str, &str))| {
        let body = json!({"title": title, "brand": brand, "category": category, "description": "camouflage secretive"});
        put(scope, &n.to_string(), 1, body)
    };
    fill(index, documents.into_iter().enumerate().map(write).collect()).await;
}

pub async fn what_is_typed_is_completed(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    stocked(&index, &a).await;
    for (text, first) in [
        // The value that most have, what the words may become, then names.
        ("cab", "category: Cables"),
        ("CAB", "category: Cables"),
        ("usb ca", "words: usb cable"),
        ("cable ho", "words: cable holder"),
        ("cable", "category: Cables"),
        ("cable ", "category: Cables"),
        ("red ", "title: Red USB cable"),
        ("s", "brand: Sony"),
        ("sony he", "words: sony headphones"),
        ("headsets", "category: Headsets"),
        ("café t", "words: café table"),
        ("cafe tab", "words: cafe table"),
        ("wh-1000x", "words: wh-1000xm4"),
        ("wh 1000x", "words: wh 1000xm4"),
        ("500g", "words: 500 gb"),
        ("norv", "brand: Norvik"),
        // One letter is wrong, missing or in another's place.
        ("haeds", "category: Headsets"),
        ("nrov", "brand: Norvik"),
        ("usb cavl", "words: usb cable"),
        ("sonny he", "words: sony headphones"),
    ] {
        let suggestions = suggest(&index, &a, text).await;
        assert_eq!(
            said(&suggestions).first().map(String::as_str),
            Some(first),
            "{text}: {:?}",
            said(&suggestions)
        );
    }
    let all = said(&suggest(&index, &a, "cab").await);
    for expected in [
        "words: cable holder",
        "title: Red USB cable",
        "title: Cable holder for desks",
    ] {
        assert!(all.contains(&expected.to_owned()), "{expected}: {all:?}");
    }
    // Of descriptions nothing is suggested, nor what is typed already.
    for nothing in ["camou", "secretive", "sonyy x", "zzz", "x", "cable camou", "5000g"] {
        assert_eq!(
            said(&suggest(&index, &a, nothing).await),
            Vec::<String>::new(),
            "{nothing}"
        );
    }
    // Each leads somewhere.
    for text in ["c", "ca", "usb ", "h", "so", "usb c"] {
        for suggestion in suggest(&index, &a, text).await {
            assert!(
                search(&index, &a, Query::text(&suggestion.text)).await.total > 0,
                "{suggestion:?}"
            );
        }
    }
}

pub async fn suggestions_are_marked_and_bounded(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    stocked(&index, &a).await;
    let odd = json!({"title": "<b>Headrest</b> & Co", "brand": "Sony"});
    fill(&index, vec![put(&a, "odd", 1, odd)]).await;
    for (text, suggestion, highlighted) in [
        ("cab", "Cables", "<em>Cab</em>les"),
        (
            "sony hea",
            "Sony WH-1000XM4 Headphones",
            "<em>Sony</em> WH-1000XM4 <em>Hea</em>dphones",
        ),
        (
            "wh10",
            "Sony WH-1000XM4 Headphones",
            "Sony <em>WH-10</em>00XM4 Headphones",
        ),
        ("haeds", "Headset, wireless", "<em>Headset</em>, wireless"),
        ("cafe", "Café table 500 GB", "<em>Café</em> table 500 GB"),
        (
            "headr",
            "<b>Headrest</b> & Co",
            "&lt;b&gt;<em>Headr</em>est&lt;/b&gt; &amp; Co",
        ),
    ] {
        let all = suggest(&index, &a, text).await;
        let one = all
            .iter()
            .find(|one| one.text == suggestion)
            .unwrap_or_else(|| panic!("{text}: {all:?}"));
        assert_eq!(one.highlighted, highlighted, "{text}");
    }
    let of = |kind: &str, limit| SuggestQuery {
        limit,
        kind: Some(SuggestionKind::from(kind)),
        ..SuggestQuery::text("ca")
    };
    for (kind, expected) in [
        ("brand", &["brand: Caldera"][..]),
        ("category", &["category: Cables"]),
        ("words", &["words: cable"]),
    ] {
        let suggestions = index.suggest(&a, &of(kind, 1)).await.unwrap();
        assert_eq!(said(&suggestions), expected, "{kind}");
    }
    let titles = index.suggest(&a, &of("title", 3)).await.unwrap();
    assert_eq!(titles.len(), 3);
    assert!(
        titles
            .iter()
            .all(|one| one.kind == SuggestionKind::Field("title".into()))
    );
    for kind in ["description", "sku", "_tenant", "brand:value", "price_cents", ""] {
        let error = index.suggest(&a, &of(kind, 1)).await.unwrap_err();
        assert!(matches!(error, Error::UnknownField { .. }), "{kind}: {error}");
    }
    for limit in [0, MAX_SUGGESTIONS + 1] {
        let error = index.suggest(&a, &of("brand", limit)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidLimit { .. }), "{limit}: {error}");
    }
}

pub async fn suggestions_are_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("a-b").await);
    let theirs = json!({"title": "Secretive cabinet", "brand": "Cabal", "category": "Cabinets", "sku": "CAB-1"});
    let writes = (0..20).map(|n| put(&b, &n.to_string(), 1, theirs.clone()));
    fill(&index, writes.collect()).await;
    fill(
        &index,
        vec![put(&a, "p", 1, json!({"title": "Red cable", "brand": "Acme"}))],
    )
    .await;
    for text in [
        "cab", "caba", "cabi", "red cabi", "secret", "c", "ca", "b\0cab", "\0cab", "a-b\0cab", "-b\0cab", "CAB-1",
        "red ",
    ] {
        for one in suggest(&index, &a, text).await {
            let text = one.text.to_lowercase();
            assert!(["red cable", "cable", "acme"].contains(&text.as_str()), "{one:?}");
        }
    }
    assert_eq!(
        said(&suggest(&index, &a, "ca").await),
        ["words: cable", "title: Red cable"]
    );
    assert_eq!(said(&suggest(&index, &b, "caba").await), ["brand: Cabal"]);
    assert!(suggest(&index, &scope("c").await, "cab").await.is_empty());
}

/// What is deleted is not suggested, nor what a document said before.
pub async fn what_is_gone_is_not_suggested(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    stocked(&index, &a).await;
    let of = async |text: &str| said(&suggest(&index, &a, text).await);
    assert!(!of("head").await.is_empty() && !of("cal").await.is_empty());
    let now: Value = json!({"title": "Desk lamp", "brand": "Norvik"});
    fill(
        &index,
        vec![tombstone(&a, "4", 2), tombstone(&a, "5", 2), put(&a, "3", 2, now)],
    )
    .await;
    for gone in ["head", "son", "wh-1", "cald", "sony"] {
        assert_eq!(of(gone).await, Vec::<String>::new(), "{gone}");
    }
    // Nor does a word that is gone stand in the way of one that is near.
    assert_eq!(of("cal").await[0], "category: Cables");
    assert_eq!(of("desk la").await, ["words: desk lamp"]);
}

pub async fn hostile_texts_are_suggested_nothing_bad(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    stocked(&index, &a).await;
    let (long, words) = ("c".repeat(10_240), "cable ".repeat(2_000));
    for text in [
        "",
        " ",
        "\"",
        "\"cab",
        "\"red usb\" ca",
        "cab\"",
        "cab*",
        "cab.*",
        "c?b",
        "(cab",
        "[a-z]",
        "cab~2",
        "title:cab",
        "/.*/",
        ".*",
        "\\",
        "cab\\",
        "#",
        "@",
        "&",
        "<cab>",
        "~",
        "|",
        "cab|x",
        "{1,9}",
        "\0",
        "\u{1}cab",
        "cab\u{202e}",
        "🦀",
        "ß",
        "İ",
        "é",
        long.as_str(),
        words.as_str(),
    ] {
        for kind in [None, Some("words"), Some("title"), Some("brand")] {
            let query = SuggestQuery {
                kind: kind.map(SuggestionKind::from),
                ..SuggestQuery::text(text)
            };
            let shown: String = text.chars().take(20).collect();
            let suggestions = index
                .suggest(&a, &query)
                .await
                .unwrap_or_else(|error| panic!("{shown:?}: {error}"));
            assert!(suggestions.iter().all(|one| one.text.len() < 300), "{shown:?}");
        }
    }
    for (text, first) in [("(cab", "category: Cables"), ("\"red usb\" ca", "words: red usb cable")] {
        assert_eq!(said(&suggest(&index, &a, text).await)[0], first);
    }
    for nothing in ["🦀", ".*", "/.*/", ""] {
        assert!(suggest(&index, &a, nothing).await.is_empty(), "{nothing}");
    }
}
