//! Projections looked at, rebuilt, switched, compared; what is parked; from the command line.

use crate::{
    json_of, on,
    process::{Client, Serve},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// By name, the generations and which of them is live.
fn generations(data: &Path) -> BTreeMap<String, Vec<(u64, bool)>> {
    let all = json_of(data, &["projections"]);
    let mut generations: BTreeMap<String, Vec<(u64, bool)>> = BTreeMap::new();
    for one in all["items"].as_array().unwrap() {
        let name = one["projection"].as_str().unwrap().to_owned();
        let told = (one["generation"].as_u64().unwrap(), one["live"].as_bool().unwrap());
        generations.entry(name).or_default().push(told);
    }
    generations
}

fn product(id: usize, title: &str) -> String {
    let product =
        json!({ "id": format!("P{id}"), "sku": format!("S{id}"), "title": title, "brand": "B", "price_cents": id + 1 });
    format!("{product}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projections_are_rebuilt_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\ntenants = [\"acme:us\"]\n\
         dynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let process = Serve::start(&config, &[]);

    // A product that comes twice is what its last line says, however often the file is imported.
    let file = folder.path().join("products.ndjson");
    let mut lines: String = (0..40).map(|n| product(n, &format!("Kettle {n}"))).collect();
    lines.push_str(&product(3, "Teapot"));
    std::fs::write(&file, lines).unwrap();
    let import = ["import", "products", file.to_str().unwrap(), "--tenant", "acme"];
    let told = json_of(&data, &import);
    assert_eq!(
        (&told["written"], &told["searchable"]),
        (&json!(41), &json!(true)),
        "{told}"
    );
    for _ in 0..2 {
        let again = json_of(&data, &import);
        assert_eq!(
            (&again["written"], &again["unchanged"]),
            (&json!(0), &json!(41)),
            "{again}"
        );
    }

    // Without a token: the process says which tenant it has.
    let (status, text, error) = on(&data, &["projections"]);
    assert_eq!(status, Some(0), "{error}");
    let line = text.lines().find(|line| line.starts_with("product-view ")).unwrap();
    assert!(text.starts_with("PROJECTION") && line.contains(" live "), "{text}");
    assert_eq!(generations(&data)["product-view"], [(1, true)]);

    for projection in ["product-view", "product-search"] {
        let (status, out, error) = on(&data, &["replay", projection]);
        assert_eq!(status, Some(0), "{error}");
        assert!(out.contains(&format!("{projection}.2 is live")), "{out}");
        assert_eq!(error, "", "no bar where there is no terminal");
        assert_eq!(generations(&data)[projection], [(1, false), (2, true)]);
        let (status, out, error) = on(&data, &["replay", projection, "--dry-run"]);
        assert_eq!(status, Some(0), "{error}");
        assert!(
            out.starts_with("40 aggregates of 1 tenants compared: 0 differences"),
            "{out}"
        );
    }
    let (_, token, _) = on(&data, &["token", "--tenant", "acme", "--role", "member"]);
    let client = Client::new(token.trim());
    let (_, found) = client
        .get(&format!("{}/v1/search/products?q=teapot", process.http), None)
        .await;
    assert_eq!(
        (&found["total"], &found["hits"][0]["id"]),
        (&json!(1), &json!("P3")),
        "{found}"
    );

    let (status, out, error) = on(&data, &["replay", "product-view", "--switch-to", "1"]);
    assert_eq!(
        (status, out.contains("product-view.1 is live")),
        (Some(0), true),
        "{out}{error}"
    );
    assert_eq!(generations(&data)["product-view"], [(1, true), (2, false)]);
    let (status, out, error) = on(
        &data,
        &["replay", "product-view", "--tenant", "acme", "--aggregate", "P3"],
    );
    assert_eq!(
        (status, out.as_str()),
        (Some(0), "P3 is written anew at version 2, 1 rows\n"),
        "{error}"
    );
    for (arguments, code, says) in [
        (&["replay", "product-wiew"][..], 1, "unknown-projection"),
        (&["replay", "product-view", "--cancel"], 1, "no-replay"),
        (&["replay", "product-view", "--drop", "1"], 1, "generation-live"),
        (
            &["replay", "product-view", "--drop", "1", "--cancel"],
            2,
            "cannot be used with",
        ),
        (&["replay", "product-view", "--aggregate", "P3"], 2, "--tenant"),
        (&["parked", "retry", "product-view"], 2, "--context"),
        (&["parked", "list", "product-wiew"], 1, "did you mean product-view?"),
        (&["projections", "--token", token.trim()], 1, "operator-only"),
    ] {
        let (status, _, error) = on(&data, arguments);
        assert_eq!(
            (status, error.contains(says)),
            (Some(code), true),
            "{arguments:?}: {error}"
        );
    }
    let one = [
        "--tenant",
        "acme",
        "--context",
        "catalog",
        "--aggregate",
        "products",
        "--id",
        "P3",
    ];
    for verb in ["show", "retry", "discard"] {
        let (status, _, error) = on(&data, &[&["parked", verb, "product-view"][..], &one].concat());
        assert_eq!(
            (status, error.contains("not-parked")),
            (Some(1), true),
            "{verb}: {error}"
        );
    }
    for arguments in [&["parked", "list"][..], &["parked", "retry", "product-view", "--all"]] {
        let (status, out, error) = on(&data, arguments);
        assert_eq!((status, out.as_str()), (Some(0), "nothing is parked\n"), "{error}");
    }
    assert_eq!(json_of(&data, &["parked", "list"]), json!({ "items": [] }));

    let (_, numbers) = client.text(&format!("{}/metrics", process.metrics)).await;
    for line in [
        "headwater_projection_parked{projection=\"product-view\",generation=\"1\",context=\"catalog\"} 0",
        "headwater_projection_recovering{projection=\"product-search\",generation=\"2\",context=\"catalog\"} 0",
        "headwater_projection_lag_events{projection=\"leads\",generation=\"1\",context=\"crm\"} 0",
    ] {
        assert!(numbers.contains(line), "{line} is not in\n{numbers}");
    }
    let (_, document) = client.text(&format!("{}/openapi.json", process.http)).await;
    let document: Value = serde_json::from_str(&document).unwrap();
    for path in [
        "/v1/admin/tenants",
        "/v1/admin/projections",
        "/v1/admin/parked/{projection}/{tenant}/{context}/{aggregate}/{id}/retry",
        "/v1/admin/projections/{projection}/replays",
        "/v1/admin/projections/{projection}/differences",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let ended = process.terminate();
    assert!(ended.0.success(), "{}", ended.2);

    // Nobody has the folder open: the command opens it for as long as it takes.
    let (status, out, error) = on(&data, &["projections", "--tenant", "acme"]);
    assert_eq!((status, out.contains("product-search")), (Some(0), true), "{error}");
}
