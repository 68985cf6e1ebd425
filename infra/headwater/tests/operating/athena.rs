//! The table and the queries for Athena, run by DuckDB over the objects of a real process: columns, types, places and texts are as the command line
//! prints them.

use crate::{
    on,
    process::{Client, Serve},
};
use headwater_engines::DuckDb;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// What stands between a key and its end in the table's properties.
fn property<'a>(ddl: &'a str, key: &str) -> &'a str {
    let rest = ddl.split_once(&format!("'{key}' = '")).unwrap().1;
    rest.split_once('\'').unwrap().0
}

/// Columns with the types that DuckDB has for Hive's.
fn columns(list: &str) -> Vec<String> {
    let column = |line: &str| {
        let (name, of) = line.trim().trim_end_matches(',').rsplit_once(' ')?;
        let of = match of {
            "string" => "VARCHAR",
            "int" => "INTEGER",
            "bigint" => "BIGINT",
            other => panic!("{other} is no type that is known here"),
        };
        Some(format!("{}: '{of}'", name.replace('`', "'")))
    };
    list.split([',', '\n']).filter_map(column).collect()
}

/// The table as DuckDB has it, over a folder instead of a bucket.
fn table(ddl: &str, folder: &Path) -> String {
    let (_, rest) = ddl.split_once("CREATE EXTERNAL TABLE `").unwrap();
    let (name, rest) = rest.split_once("` (").unwrap();
    let (own, rest) = rest.split_once(")\nPARTITIONED BY (").unwrap();
    let (partitions, _) = rest.split_once(")\n").unwrap();
    let files = property(ddl, "storage.location.template").replace("s3://acme-audit/log", folder.to_str().unwrap());
    let files = ["region", "dt", "hour"]
        .iter()
        .fold(files, |files, key| files.replace(&format!("${{{key}}}"), "*"));
    format!(
        "CREATE VIEW {name} AS SELECT * FROM read_json('{files}*', format = 'newline_delimited', columns = {{{}}}, \
         hive_partitioning = true, hive_types = {{{}}});\n",
        columns(own).join(", "),
        columns(partitions).join(", "),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queries_answer_what_was_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    for _ in 0..2 {
        let process = Serve::start(&config, &[]);
        for tenant in ["acme", "globex"] {
            let (_, token, _) = on(
                &data,
                &["token", "--tenant", tenant, "--role", "member", "--subject", "ada"],
            );
            let client = Client::new(token.trim());
            let product = json!({ "sku": "S", "title": "Ke\"ttle \u{e9}", "brand": "B", "price_cents": 100 });
            for n in 0..3 {
                // The second time all are refused.
                let url = format!("{}/v1/catalog/products/P{n}/create", process.http);
                client.post(&url, &product).await;
            }
        }
        assert!(process.terminate().0.success());
    }
    // What was refused at last comes out of the feed.
    let process = Serve::start(&config, &[]);
    let since = Instant::now();
    let lines = loop {
        let (status, out, error) = on(&data, &["audit-log", "search"]);
        assert_eq!(status, Some(0), "{error}");
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if lines.len() == 12 {
            break lines;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{lines:#?}");
        std::thread::sleep(Duration::from_millis(300));
    };
    assert!(process.terminate().0.success());

    let ddl = ["audit-log", "athena-ddl", "--location", "s3://acme-audit/log/"];
    let (status, text, error) = on(&data, &ddl);
    assert_eq!(status, Some(0), "{error}");
    let engine = DuckDb::new();
    let begin = table(&text, &data.join("audit"));
    let ask = |query: &str| -> Vec<Value> {
        let rows = engine
            .query(&format!("{begin}{query}"))
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    };
    assert_eq!(lines.iter().filter(|line| line["outcome"] == "refused").count(), 6);

    // Every line with every column.
    let mut rows = ask("SELECT * FROM audit_log");
    assert_eq!(rows.len(), lines.len());
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        let dt = row.remove("dt").unwrap();
        let hour = row.remove("hour").unwrap();
        assert_eq!(row.remove("region"), Some(json!("us")));
        assert_eq!((dt.as_str().unwrap().len(), hour.as_str().unwrap().len()), (10, 2));
        row.retain(|_, value| !value.is_null());
        for nested in ["data", "client"] {
            if let Some(text) = row.get_mut(nested) {
                *text = serde_json::from_str(text.as_str().unwrap()).unwrap();
            }
        }
        let line = lines.iter().find(|line| line["event_id"] == row["event_id"]).unwrap();
        assert_eq!(&json!(row), line);
    }

    // The queries as they are printed, one after the other.
    let (status, queries, error) = on(&data, &[&ddl[..], &["--queries"]].concat());
    assert_eq!(status, Some(0), "{error}");
    let today = &lines[0]["time"].as_str().unwrap()[..10];
    let queries = queries
        .replace("'TENANT'", "'acme'")
        .replace("'DAY'", &format!("'{today}'"));
    let queries = queries
        .replace("'CONTEXT'", "'catalog'")
        .replace("'AGGREGATE'", "'products'")
        .replace("'ID'", "'P1'");
    let queries = queries.replace("ADDRESS", "127.0.0.1");
    let answers: Vec<Vec<Value>> = queries
        .split(';')
        .filter(|one| !one.trim().is_empty())
        .map(ask)
        .collect();
    let [of_one, refused, from, active] = &answers[..] else {
        panic!("there are {} queries", answers.len())
    };
    let of_one: Vec<_> = of_one
        .iter()
        .map(|row| [&row["actor"], &row["type"], &row["outcome"]])
        .collect();
    assert_eq!(
        of_one,
        [
            ["user:ada", "ProductCreated", "done"],
            ["user:ada", "RequestRefused", "refused"]
        ]
    );
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&refused[0]["code"], &refused[0]["refusals"]),
        (&json!("already-exists"), &json!(3))
    );
    assert_eq!(from.len(), 1);
    assert_eq!((&from[0]["actor"], &from[0]["lines"]), (&json!("user:ada"), &json!(6)));
    assert_eq!(
        (&active[0]["actor"], &active[0]["done"], &active[0]["refused"]),
        (&json!("user:ada"), &json!(3), &json!(3))
    );
}
