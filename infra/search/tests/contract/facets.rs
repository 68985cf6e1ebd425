//! Counts of values.

use super::{Engine, fill, put, scope, search};
use headwater_search::{Filter, Query};
use serde_json::json;

pub async fn counts_are_filtered_totals(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let document = |n: u64| {
        let brand = ["Acme", "Bolt", "Çelik"][n as usize % 3];
        let category = ["cables", "lamps"][n as usize % 2];
        let title = if n.is_multiple_of(5) { "red cable" } else { "blue cable" };
        put(
            &a,
            &format!("p{n}"),
            1,
            json!({"title": title, "brand": brand, "category": category, "price_cents": n}),
        )
    };
    // In several commits, so that there are several segments, and with changes among them.
    for part in 0..4 {
        fill(&index, (part * 50..part * 50 + 50).map(document).collect()).await;
    }
    let changed = (0..20)
        .map(|n| put(&a, &format!("p{n}"), 2, json!({"title": "red cable", "brand": "Dot"})))
        .collect();
    fill(&index, changed).await;
    let range = Filter::Range {
        field: "price_cents".into(),
        min: Some(30),
        max: Some(170),
    };
    for (text, filters) in [(None, vec![]), (Some("red"), vec![]), (Some("cable"), vec![range])] {
        let query = Query {
            text: text.map(str::to_owned),
            filters,
            facets: vec!["brand".into(), "category".into()],
            ..Query::default()
        };
        let hits = search(&index, &a, query.clone()).await;
        let brands: u64 = hits.facets["brand"].iter().map(|count| count.count).sum();
        assert_eq!(brands, hits.total, "every document has one brand");
        for (field, counts) in &hits.facets {
            assert!(!counts.is_empty());
            for count in counts {
                let mut filtered = query.clone();
                filtered.filters.push(Filter::Equals {
                    field: field.clone(),
                    any_of: vec![count.value.clone()],
                });
                assert_eq!(
                    search(&index, &a, filtered).await.total,
                    count.count,
                    "{field} {}",
                    count.value
                );
            }
        }
    }
}

pub async fn values_are_counted_once(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    fill(
        &index,
        vec![
            put(&a, "p", 1, json!({"brand": ["Acme", "Bolt", "Acme"]})),
            put(&a, "q", 1, json!({})),
        ],
    )
    .await;
    let hits = search(
        &index,
        &a,
        Query {
            facets: vec!["brand".into()],
            ..Query::default()
        },
    )
    .await;
    let counts: Vec<_> = hits.facets["brand"]
        .iter()
        .map(|count| (count.value.as_str(), count.count))
        .collect();
    assert_eq!(counts, [("Acme", 1), ("Bolt", 1)]);
}

pub async fn sizes_and_order(engine: &impl Engine) {
    let (index, a) = (engine.open().await, scope("a").await);
    let brands = ["c", "b", "b", "a", "a", "d", "d", "d"];
    let writes = brands
        .iter()
        .enumerate()
        .map(|(n, brand)| put(&a, &n.to_string(), 1, json!({"brand": brand})));
    fill(&index, writes.collect()).await;
    let query = Query {
        facets: vec!["brand".into()],
        facet_size: 3,
        ..Query::default()
    };
    let hits = search(&index, &a, query).await;
    let values: Vec<_> = hits.facets["brand"].iter().map(|count| count.value.as_str()).collect();
    assert_eq!(values, ["d", "a", "b"], "the most frequent first, equals by value");
}
