//! What a tenant has set for its searches: synonyms, weights of fields, boosts.

use super::{Engine, Opened, fill, found, ids, put, scope, search};
use headwater_search::{Error, Filter, Query, Relevance};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn with(relevance: &Relevance, text: &str) -> Query {
    Query {
        relevance: Arc::new(relevance.clone()),
        ..Query::text(text)
    }
}

fn brand(value: &str) -> Filter {
    Filter::Equals {
        field: "brand".into(),
        any_of: vec![value.into()],
    }
}

/// Both ways.
fn same(relevance: Relevance, terms: &[&'static str]) -> Relevance {
    relevance.synonyms(terms, terms.iter().copied())
}

async fn titled(index: &Opened, scope: &TenantScope, titles: &[(&str, &str)]) {
    let write = |(id, title): &(&str, &str)| put(scope, id, 1, json!({ "title": title }));
    fill(index, titles.iter().map(write).collect()).await;
}

pub async fn synonyms_are_found(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let titles = [
        ("tv", "Norvik TV 40 inch"),
        ("set", "Television set"),
        ("tee", "Red tee"),
        ("shirt", "Blue T-shirts"),
        ("apart", "Shirt of size T"),
        ("laptop", "Gaming laptop"),
        ("note", "Paper notebook"),
        ("flat", "Screen, flat, 40 inch"),
        ("lamp", "Desk lamp"),
    ];
    titled(&index, &a, &titles).await;
    let relevance = same(Relevance::default(), &["tv", "Television", "flat screen"]);
    let relevance = same(relevance, &["t-shirt", "tee"]).synonyms(&["Notebooks"], ["laptop", "absent thing"]);
    for (text, expected) in [
        ("tv", &["flat", "set", "tv"][..]),
        ("television", &["flat", "set", "tv"]),
        ("flat screen", &["flat", "set", "tv"]),
        ("flatscreen", &["flat", "set", "tv"]),
        ("televisoin", &["flat", "set", "tv"]),
        ("tv 40 inch", &["flat", "tv"]),
        ("tee", &["apart", "shirt", "tee"]),
        ("t-shirt", &["apart", "shirt", "tee"]),
        ("t shirts", &["apart", "shirt", "tee"]),
        ("notebook", &["laptop", "note"]),
        // One way alone, and nothing follows from two rules.
        ("laptop", &["laptop"]),
        ("lamp", &["lamp"]),
        ("shirt", &["apart", "shirt"]),
    ] {
        let hits = search(&index, &a, with(&relevance, text)).await;
        assert_eq!(found(&hits), expected, "{text}");
    }
    for (text, first) in [
        ("tees red", "tee"),
        ("red t-shirt", "tee"),
        ("blue tee", "shirt"),
        ("gaming notebook", "laptop"),
    ] {
        assert_eq!(
            ids(&search(&index, &a, with(&relevance, text)).await)[0],
            first,
            "{text}"
        );
    }
    // What was typed comes before what means the same.
    assert_eq!(
        ids(&search(&index, &a, with(&relevance, "notebook")).await),
        ["note", "laptop"]
    );
    let plain = search(&index, &a, Query::text("tv")).await;
    assert_eq!(found(&plain), ["tv"]);
    let query = Query {
        highlight: true,
        ..with(&relevance, "tee")
    };
    let hits = search(&index, &a, query).await;
    let shirt = hits.hits.iter().find(|hit| hit.id == "shirt").unwrap();
    assert_eq!(shirt.highlights["title"], ["Blue <em>T-shirts</em>"]);
    // A word that none has and that means something is no typing error.
    let mended = same(Relevance::default(), &["telex", "lamp"]);
    let hits = search(&index, &a, with(&mended, "telex")).await;
    assert_eq!((found(&hits), hits.did_you_mean.as_deref()), (vec!["lamp"], None));
}

pub async fn synonyms_are_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    titled(&index, &a, &[("tv", "TV"), ("set", "Television")]).await;
    titled(&index, &b, &[("tv", "TV"), ("set", "Television"), ("secret", "Telly")]).await;
    let relevance = same(Relevance::default(), &["tv", "television", "telly"]);
    assert_eq!(found(&search(&index, &a, with(&relevance, "tv")).await), ["set", "tv"]);
    assert_eq!(found(&search(&index, &b, Query::text("tv")).await), ["tv"]);
    // Odd terms find nothing of others' and fail nothing.
    for term in [
        "b\0telly",
        "*",
        "\0",
        "words.telly",
        "tel.*",
        "🦀",
        "",
        &"x".repeat(10_000),
    ] {
        let relevance = Relevance::default().synonyms(&["tv", term], [term, "a.b_c d"]);
        for text in ["tv", term] {
            let hits = search(&index, &a, with(&relevance, text)).await;
            assert!(!found(&hits).contains(&"secret"), "{term}");
        }
    }
}

/// As many synonyms as there can be, of all words of a long text.
pub async fn many_synonyms_are_taken(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let letters = "abcdefghijklmnopqrst";
    let mut relevance = Relevance::default();
    let (mut typed, mut title) = (String::new(), String::new());
    for first in letters.chars().take(16) {
        let terms: Vec<String> = letters
            .chars()
            .map(|second| format!("term{first} many{second} of{first}{second}"))
            .collect();
        let word = format!("word{first}");
        let all: Vec<&str> = terms.iter().map(String::as_str).chain([word.as_str()]).collect();
        relevance = relevance.synonyms(&all, all.clone());
        title = format!("{title} {}", terms.join(" "));
        typed = format!("{typed} {word}");
    }
    relevance = relevance.weight("title", 2.0).boost(brand("B"), 2.0);
    fill(&index, vec![put(&a, "p", 1, json!({ "title": title }))]).await;
    let first = search(&index, &a, with(&relevance, "worda wordb wordc wordd")).await;
    assert_eq!(found(&first), ["p"]);
    // More than there is room for: no error, whatever is found.
    let query = Query {
        highlight: true,
        ..with(&relevance, &typed)
    };
    assert!(search(&index, &a, query).await.total <= 1);
}

/// Documents that say `lamp` in different fields, and of different brands.
async fn lamps(index: &Opened, scope: &TenantScope) {
    let lamp = |id: &str, body: Value| put(scope, id, 1, body);
    let documents = vec![
        lamp(
            "title",
            json!({"title": "Desk lamp", "brand": "Norvik", "attributes": {"colour": "red"}}),
        ),
        lamp(
            "brand",
            json!({"title": "Desk light", "brand": "Lamp", "attributes": {"colour": "blue"}}),
        ),
        lamp(
            "text",
            json!({"title": "Desk light", "brand": "Caldera", "description": "a lamp", "price_cents": 5}),
        ),
    ];
    fill(index, documents).await;
}

pub async fn weights_and_boosts_order_hits(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    lamps(&index, &a).await;
    let order = async |relevance: Relevance| {
        let hits = search(&index, &a, with(&relevance, "lamp")).await;
        let scores: Vec<f32> = hits.hits.iter().map(|hit| hit.score).collect();
        let of: Vec<String> = ids(&hits).into_iter().map(str::to_owned).collect();
        (of, scores)
    };
    let first = async |relevance: Relevance| order(relevance).await.0.remove(0);
    let none = Relevance::default;
    let (plain, scores) = order(none()).await;
    assert_eq!(plain[0], "title");
    assert_eq!(first(none().weight("description", 10.0)).await, "text");
    assert_ne!(first(none().weight("title", 0.1)).await, "title");
    assert_eq!(first(none().boost(brand("Caldera"), 10.0)).await, "text");
    assert_ne!(first(none().boost(brand("Norvik"), 0.1)).await, "title");
    let blue = Filter::Attribute {
        name: "colour".into(),
        any_of: vec!["blue".into()],
    };
    assert_eq!(first(none().boost(blue, 8.0)).await, "brand");
    let cheap = Filter::Range {
        field: "price_cents".into(),
        min: None,
        max: Some(10),
    };
    // Factors are multiplied.
    let (of, boosted) = order(none().boost(cheap, 3.0).boost(brand("Caldera"), 3.0)).await;
    let before = plain.iter().position(|id| id == "text").unwrap();
    assert_eq!(of[0], "text");
    assert!(
        (boosted[0] / scores[before] - 9.0).abs() < 0.1,
        "{boosted:?} {scores:?}"
    );
    // A factor is a factor of the score, a hundred at most.
    let (_, boosted) = order(none().boost(brand("Norvik"), 2.0)).await;
    assert!((boosted[0] / scores[0] - 2.0).abs() < 0.02, "{boosted:?} {scores:?}");
    let many = (0..6).fold(none(), |relevance, _| relevance.boost(brand("Norvik"), 10.0));
    let (_, boosted) = order(many).await;
    assert!((boosted[0] / scores[0] - 100.0).abs() < 1.0, "{boosted:?} {scores:?}");
    let (_, weighed) = order(none().weight("title", 2.0)).await;
    assert!((weighed[0] / scores[0] - 2.0).abs() < 0.02, "{weighed:?} {scores:?}");
    // What is set for nothing that there is changes nothing.
    let (same, unchanged) = order(none().boost(brand("Nobody"), 10.0).weight("gtin", 5.0)).await;
    assert_eq!((same, unchanged), (plain, scores));
    let wrong = none().boost(
        Filter::Equals {
            field: "title".into(),
            any_of: vec![],
        },
        2.0,
    );
    let error = index.search(&a, &with(&wrong, "lamp")).await.unwrap_err();
    assert!(matches!(error, Error::UnknownField { .. }), "{error}");
}

/// A code stays first whatever is boosted, and filters and totals are what they were.
pub async fn codes_stay_first(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let ad = json!({"title": "TN-2110 TN-2110 compatible toner", "brand": "Ads"});
    let it = json!({"title": "Toner black", "sku": "TN-2110", "brand": "Brother"});
    fill(&index, vec![put(&a, "ad", 1, ad), put(&a, "it", 1, it)]).await;
    let relevance = Relevance::default()
        .boost(brand("Ads"), 10.0)
        .boost(brand("Brother"), 0.1);
    let relevance = same(relevance, &["TN-2110", "cartridge"]);
    for text in ["TN-2110", "tn2110"] {
        let hits = search(&index, &a, with(&relevance, text)).await;
        assert_eq!((ids(&hits)[0], hits.total), ("it", 2), "{text}");
    }
}

/// The pages after the first go on by what was set when it was asked for.
pub async fn settings_change_between_pages(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let write = |n: usize| {
        let title = if n.is_multiple_of(3) { "television" } else { "tv" };
        let body = json!({"title": format!("{title} {}", "x ".repeat(n % 5)), "brand": format!("B{}", n % 4)});
        put(&a, &format!("{n:02}"), 1, body)
    };
    fill(&index, (0..40).map(write).collect()).await;
    let set = same(Relevance::default(), &["tv", "television"])
        .boost(brand("B1"), 3.0)
        .weight("title", 1.5);
    let all = search(
        &index,
        &a,
        Query {
            limit: 40,
            ..with(&set, "tv")
        },
    )
    .await;
    assert_eq!(all.total, 40);
    let mut query = Query {
        limit: 7,
        ..with(&set, "tv")
    };
    let mut pages: Vec<String> = Vec::new();
    for n in 0_u8.. {
        let page = search(&index, &a, query.clone()).await;
        assert_eq!(page.total, 40, "page {n}");
        pages.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page.next_cursor else { break };
        let changed = Relevance::default().boost(brand("B2"), 10.0 / f32::from(n + 1));
        query.cursor = Some(cursor);
        query.relevance = Arc::new(changed);
    }
    assert_eq!(pages, ids(&all));
}

/// Also those that are in no other field, and those that are in another too.
pub async fn words_of_attributes_have_weights(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let documents = vec![
        put(
            &a,
            "attribute",
            1,
            json!({"title": "Desk", "attributes": {"of": "reed"}}),
        ),
        put(
            &a,
            "both",
            1,
            json!({"title": "Reed chair", "attributes": {"of": "reed"}}),
        ),
        put(
            &a,
            "title",
            1,
            json!({"title": "Reed basket", "attributes": {"of": "wood"}}),
        ),
    ];
    fill(&index, documents).await;
    let scores = async |relevance: Relevance| {
        let hits = search(&index, &a, with(&relevance, "reed")).await.hits;
        hits.into_iter()
            .map(|hit| (hit.id, hit.score))
            .collect::<BTreeMap<_, _>>()
    };
    let plain = scores(Relevance::default()).await;
    let weighted = scores(Relevance::default().weight("attributes", 3.0)).await;
    for (id, factor) in [("attribute", 3.0), ("both", 3.0), ("title", 1.0)] {
        let now = weighted[id] / plain[id];
        assert!((now - factor).abs() < 0.01, "{id}: {now}");
    }
}
