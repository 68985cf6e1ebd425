//! Documents with parts: products with variants.

use super::{Engine, MAPPING, fill, found, ids, put, scope, search};
use headwater_search::{Error, Filter, Query, matched_parts};
use serde_json::{Value, json};

fn attribute(name: &str, any_of: &[&str]) -> Filter {
    Filter::Attribute {
        name: name.into(),
        any_of: any_of.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn with(filters: Vec<Filter>) -> Query {
    Query {
        filters,
        limit: 100,
        ..Query::default()
    }
}

fn variant(id: &str, options: &Value) -> Value {
    json!({ "id": id, "sku": format!("SKU-{id}"), "gtin": [], "options": options })
}

/// A small generator, the same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Some of four names, each with one of three values.
    fn attributes(&mut self) -> Value {
        let mut map = json!({});
        for name in ["a", "b", "c", "d"] {
            if self.below(2) == 0 {
                map[name] = json!(self.below(3).to_string());
            }
        }
        map
    }
}

/// What filters mean, said as simply as can be: some part, together with the document's own attributes, has them all.
fn holds(document: &Value, filters: &[(&str, Vec<String>)]) -> bool {
    let nothing = json!({});
    let parts = document["variants"].as_array().unwrap().iter();
    let parts = parts.map(|part| &part["options"]).chain([&nothing]);
    let has = |map: &Value, name: &str, any_of: &[String]| any_of.iter().any(|value| map[name] == json!(value));
    parts.into_iter().any(|part| {
        filters
            .iter()
            .all(|(name, any_of)| has(&document["attributes"], name, any_of) || has(part, name, any_of))
    })
}

pub async fn one_part_has_it_all(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let mut numbers = Numbers(7);
    let mut documents = Vec::new();
    for n in 0..60 {
        let variants: Vec<Value> = (0..numbers.below(5))
            .map(|v| variant(&format!("{n}-{v}"), &numbers.attributes()))
            .collect();
        documents.push(json!({ "brand": "Acme", "attributes": numbers.attributes(), "variants": variants }));
    }
    let write = |(n, document): (usize, &Value)| put(&a, &format!("{n:02}"), 1, document.clone());
    fill(&index, documents.iter().enumerate().map(write).collect()).await;
    let mut some = 0;
    for _ in 0..120 {
        let mut filters = Vec::new();
        for name in ["a", "b", "c", "d"] {
            if numbers.below(3) > 0 {
                let values = (0..=numbers.below(2)).map(|_| numbers.below(3).to_string()).collect();
                filters.push((name, values));
            }
        }
        let wanted: Vec<String> = (0..documents.len())
            .filter(|n| holds(&documents[*n], &filters))
            .map(|n| format!("{n:02}"))
            .collect();
        let mut query = with(
            filters
                .iter()
                .map(|(name, any_of)| attribute(name, &any_of.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect(),
        );
        query.facets = vec!["brand".into()];
        let hits = search(&index, &a, query.clone()).await;
        assert_eq!(found(&hits), wanted, "{filters:?}");
        // A document is counted once, however many of its parts fit.
        assert_eq!(hits.total, wanted.len() as u64);
        assert!(hits.facets["brand"].iter().all(|count| count.count == hits.total));
        some += usize::from(!wanted.is_empty());
        for hit in &hits.hits {
            if let Some(matched) = matched_parts(&MAPPING, &query, &hit.source) {
                assert!(!matched.is_empty(), "{filters:?} {}", hit.source);
            }
        }
    }
    assert!(some > 60, "{some} queries found something");
}

pub async fn codes_of_parts_come_first(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let shirt = json!({
        "title": "Linen shirt", "sku": "LS", "attributes": {"fabric": "linen"},
        "variants": [
            {"id": "s", "sku": "LS-S-BLUE", "gtin": ["4006381333931"], "options": {"size": "S", "colour": "midnight blue"}},
            {"id": "m", "sku": "LS-M-RED", "gtin": ["4006381333948"], "options": {"size": "M", "colour": "crimson"}},
        ],
    });
    let other =
        json!({ "title": "LS S BLUE ls s blue catalogue", "description": "LS-S-BLUE and LS-M-RED as pictures" });
    fill(&index, vec![put(&a, "catalogue", 1, other), put(&a, "shirt", 1, shirt)]).await;
    let part = async |query: Query| {
        let hits = search(&index, &a, query.clone()).await;
        let matched = matched_parts(&MAPPING, &query, &hits.hits[0].source);
        let matched = matched.map(|ids| ids.join(","));
        (ids(&hits).join(","), matched)
    };
    let told = |hits: &str, matched: Option<&str>| (hits.to_owned(), matched.map(str::to_owned));
    assert_eq!(part(Query::text("ls s blue")).await, told("shirt,catalogue", Some("s")));
    assert_eq!(part(Query::text("lsmred")).await, told("shirt,catalogue", Some("m")));
    assert_eq!(part(Query::text("4006381333948")).await, told("shirt", Some("m")));
    assert_eq!(part(Query::text("crimson shirts")).await, told("shirt", None));
    let code = |field: &str, value: &str| {
        with(vec![Filter::Equals {
            field: field.into(),
            any_of: vec![value.into()],
        }])
    };
    assert_eq!(part(code("sku", "LS-M-RED")).await, told("shirt", Some("m")));
    assert_eq!(part(code("gtin", "4006381333931")).await, told("shirt", Some("s")));
    assert_eq!(part(code("sku", "LS")).await, told("shirt", None));
    let wide = vec![attribute("fabric", &["linen"]), attribute("size", &["M", "L"])];
    assert_eq!(part(with(wide)).await, told("shirt", Some("m")));
    assert_eq!(
        part(with(vec![attribute("fabric", &["linen"])])).await,
        told("shirt", None)
    );
    let torn = vec![attribute("size", &["M"]), attribute("colour", &["midnight blue"])];
    assert_eq!(search(&index, &a, with(torn)).await.total, 0);
    // Two filters of one name: one value for both.
    let both = |one, other| with(vec![attribute("size", one), attribute("size", other)]);
    assert_eq!(search(&index, &a, both(&["S", "M"], &["M"])).await.total, 1);
    assert_eq!(search(&index, &a, both(&["S"], &["M"])).await.total, 0);
}

pub async fn parts_are_the_tenants(engine: &impl Engine) {
    let (index, a, b) = (engine.open().await, scope("a").await, scope("b").await);
    let mine = variant("mine", &json!({ "size": "M", "colour": "red" }));
    let theirs = variant("theirs", &json!({ "size": "XL", "colour": "ultraviolet" }));
    fill(
        &index,
        vec![
            put(&a, "p", 1, json!({ "title": "Shirt", "variants": [mine] })),
            put(&b, "p", 1, json!({ "title": "Shirt", "variants": [theirs] })),
        ],
    )
    .await;
    let wide = || with(vec![attribute("size", &["XL"]), attribute("colour", &["ultraviolet"])]);
    for query in [wide(), Query::text("ultraviolet"), Query::text("theirs")] {
        assert_eq!(search(&index, &a, query.clone()).await.total, 0, "{query:?}");
        assert_eq!(search(&index, &b, query).await.total, 1);
    }
}

/// Engines bound the clauses of a query, and which of the names the product has itself and which its variants have is not known before.
pub async fn many_names_hold_together(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    const TEXT: &str = "a large copper kettle for gas and electric stoves with a cork handle and two lids";
    let names = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    // The first so many are the product's own, the others one variant's or torn over two.
    let having = |own: usize, torn: bool| {
        let map = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), json!("x")))
                .collect::<Value>()
        };
        let (own, others) = names.split_at(own);
        let (one, other) = others.split_at(if torn { 1 } else { 0 });
        json!({ "title": TEXT, "attributes": map(own), "variants": [variant("one", &map(one)), variant("other", &map(other))] })
    };
    let documents = [
        ("all", having(9, false)),
        ("most", having(8, false)),
        ("some", having(4, false)),
        ("torn", having(5, true)),
    ];
    fill(
        &index,
        documents
            .into_iter()
            .map(|(id, document)| put(&a, id, 1, document))
            .collect(),
    )
    .await;
    for count in 1..=names.len() {
        let filters = |value: &str| {
            names[names.len() - count..]
                .iter()
                .map(|name| attribute(name, &[value, "y"]))
                .collect()
        };
        let hits = search(&index, &a, with(filters("x"))).await;
        let torn = (count < 4).then_some("torn");
        assert_eq!(
            found(&hits),
            ["all", "most", "some"].into_iter().chain(torn).collect::<Vec<_>>(),
            "{count}"
        );
        let typed = Query {
            text: Some(TEXT.into()),
            ..with(filters("x"))
        };
        assert_eq!(search(&index, &a, typed).await.total, hits.total, "{count}");
        assert_eq!(search(&index, &a, with(filters("z"))).await.total, 0, "{count}");
    }
}

pub async fn too_much_of_parts_is_refused(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let values: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let query = with(vec![attribute("a", &values), attribute("b", &values)]);
    let refused = index.search(&a, &query).await.unwrap_err();
    assert!(matches!(refused, Error::TooMany { max: 10_000, .. }), "{refused:?}");
    let query = with(vec![attribute("a", &values[..90]), attribute("b", &values[..90])]);
    assert_eq!(search(&index, &a, query).await.total, 0);
    let names: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    let query = with(names.iter().map(|name| attribute(name, &["x"])).collect());
    let refused = index.search(&a, &query).await.unwrap_err();
    assert!(matches!(refused, Error::TooMany { max: 9, .. }), "{refused:?}");
    let six = json!({"1": "", "2": "", "3": "", "4": "", "5": "", "6": ""});
    for variants in [
        json!([{ "options": six }]),
        json!([{ "options": {"a": 1} }]),
        json!([{ "sku": 1 }]),
    ] {
        let wrong = put(&a, "p", 1, json!({ "title": "Shirt", "variants": variants }));
        let refused = index.write(vec![wrong]).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidDocument { .. }), "{refused:?}");
    }
}
