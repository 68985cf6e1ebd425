//! Exports of a real process, read by DuckDB with the DDL that the command line prints: all events are there once, read models are as they are
//! now, with the types of their columns; and the question across contexts of the README.

use crate::{
    json_of, on,
    process::{Client, Serve},
};
use headwater_engines::DuckDb;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};

const README: &str = include_str!("../../../../README.md");
const COLUMNS: &str = include_str!("../../golden/export-columns-v1.json");

/// Sends a command; how many events it made.
async fn submit(client: &Client, v1: &str, path: &str, payload: Value) -> usize {
    let (status, receipt) = client.post(&format!("{v1}/{path}"), &payload).await;
    assert_eq!(status, 200, "{path}: {receipt}");
    receipt["events"].as_array().unwrap().len()
}

/// A warehouse over an export.
struct Warehouse {
    engine: DuckDb,
    ddl: String,
}

impl Warehouse {
    fn over(data: &Path, export: &Path) -> Self {
        let at = export.to_str().unwrap();
        let (status, ddl, error) = on(data, &["export", "ddl", "--for", "duckdb", "--at", at]);
        assert_eq!(status, Some(0), "{error}");
        Self {
            engine: DuckDb::new(),
            ddl,
        }
    }

    fn rows(&self, query: &str) -> Vec<Value> {
        let rows = self.engine.query(&format!("{}\n{query}", self.ddl)).unwrap();
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    /// How many events there are, in all tables.
    fn events(&self) -> u64 {
        let golden: BTreeMap<String, Value> = serde_json::from_str(COLUMNS).unwrap();
        let tables = golden.keys().filter(|table| table.ends_with("_events"));
        let one = |table| format!("select count(*) as n, count(distinct event_id) as ids from {table}");
        let all: Vec<String> = tables.map(one).collect();
        let rows = self.rows(&format!(
            "select sum(n)::bigint as n, sum(ids)::bigint as ids from ({})",
            all.join(" union all ")
        ));
        assert_eq!(rows[0]["n"], rows[0]["ids"], "an event is there twice");
        rows[0]["n"].as_u64().unwrap()
    }
}

/// Exports until all events are there: the feed follows the log within moments.
async fn export_all(data: &Path, export: &Path, events: usize) -> Warehouse {
    for _ in 0..100 {
        json_of(data, &["export"]);
        let warehouse = Warehouse::over(data, export);
        let found = warehouse.events() as usize;
        assert!(found <= events, "{found} events, and {events} were made");
        if found == events {
            return warehouse;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not all of {events} events were exported");
}

/// Every file has the columns that were declared, with their types.
fn types_are_as_declared(warehouse: &Warehouse, export: &Path) -> usize {
    let golden: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(COLUMNS).unwrap();
    let mut tables = 0;
    for (table, columns) in golden {
        let folder = if table.ends_with("_events") { "events" } else { "views" };
        let folder = export.join(folder).join(&table);
        if !folder.exists() {
            continue;
        }
        tables += 1;
        let files = format!("{}/*/*/*.parquet", folder.display());
        let described = warehouse.rows(&format!(
            "describe select * from read_parquet('{files}', hive_partitioning = false)"
        ));
        for one in &described {
            let (column, ty) = (
                one["column_name"].as_str().unwrap(),
                one["column_type"].as_str().unwrap(),
            );
            let declared = match columns[column].as_str() {
                "integer" => "BIGINT",
                "double" => "DOUBLE",
                "boolean" => "BOOLEAN",
                "timestamp" => "TIMESTAMP WITH TIME ZONE",
                _ => "VARCHAR",
            };
            assert_eq!(ty, declared, "{table}.{column}");
        }
        assert_eq!(described.len(), columns.len(), "{table}");
    }
    tables
}

/// The statement of the README.
fn question() -> &'static str {
    let (_, from) = README.split_once("```sql\n-- Pipeline, revenue and usage").unwrap();
    let at = README.len() - from.len();
    README[at..].split("```").next().unwrap().split_once('\n').unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warehouse_reads_events_once_and_views_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\nexport.to = \"exported\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let (data, exported) = (folder.path().join("d"), folder.path().join("exported"));
    let process = Serve::start(&config, &[]);
    let v1 = format!("{}/v1", process.http);
    let now = {
        let (status, health) = Client::new("").text(&format!("{}/healthz", process.http)).await;
        assert_eq!(status, 200, "{health}");
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_nanos()
    };
    let time = headwater_kernel::Timestamp::from_nanos(i64::try_from(now).unwrap()).to_string();
    let mut events = 0;
    let mut clients = Vec::new();
    for (tenant, n) in [("acme", 1), ("globex", 2)] {
        let (_, token, _) = on(&data, &["token", "--tenant", tenant, "--role", "member"]);
        let client = Client::new(token.trim());
        let item = json!({ "line_item_id": "1", "description": "Kettle", "quantity": n, "unit_price_cents": 1_000, "tax_basis_points": 0 });
        let point =
            |value: f64| json!({ "points": [{ "time": time, "value": value, "dimensions": { "plan": "pro" } }] });
        for (path, payload) in [
            (
                "crm/leads/L1/capture",
                json!({ "name": "Ada Example", "email": "ada@example.com", "company": "Example" }),
            ),
            (
                "crm/accounts/A1/open",
                json!({ "capsule_id": "north", "name": "Harbour Secret" }),
            ),
            (
                "crm/opportunities/O1/open",
                json!({ "account_id": "A1", "name": "Fleet", "amount_cents": 5_000 * n }),
            ),
            (
                "crm/opportunities/O2/open",
                json!({ "account_id": "A1", "name": "Lost", "amount_cents": 9 }),
            ),
            ("crm/opportunities/O2/lose", json!({})),
            (
                "billing/invoices/I1/draft",
                json!({ "customer_id": "A1", "line_items": [item], "bill_to_name": "Ada Example" }),
            ),
            (
                "billing/invoices/I1/issue",
                json!({ "number": "1", "issued_at": "2026-01-02T00:00:00Z", "due_at": "2026-01-31T00:00:00Z" }),
            ),
            (
                "billing/invoices/I2/draft",
                json!({ "customer_id": "A1", "line_items": [item] }),
            ),
            ("analytics/meters/calls/record", point(1.0)),
            // A correction.
            ("analytics/meters/calls/record", point(40.0 + f64::from(n))),
            (
                "catalog/products/P1/create",
                json!({ "sku": "K", "title": "Kettle", "brand": "Norvik", "price_cents": 3_990 }),
            ),
        ] {
            events += submit(&client, &v1, path, payload).await;
        }
        clients.push(client);
    }

    let warehouse = export_all(&data, &exported, events).await;
    assert!(types_are_as_declared(&warehouse, &exported) >= 12);
    let answer = |n: i64| json!({ "pipeline_cents": 5_000 * n, "billed_cents": 1_000 * n, "calls": 40.0 + n as f64 });
    let expected: Vec<Value> = [("acme", 1), ("globex", 2)]
        .map(|(tenant, n)| {
            let mut row = answer(n);
            row["tenant"] = json!(tenant);
            row
        })
        .into();
    assert_eq!(warehouse.rows(question()), expected);

    // Moved: a row goes, another comes, and one that was exported is what it was.
    let capsules = "select tenant, capsule_id, row_version from crm_capsule_account order by tenant, capsule_id";
    let row = |tenant: &str, capsule: &str, version: u64| json!({ "tenant": tenant, "capsule_id": capsule, "row_version": version });
    assert_eq!(
        warehouse.rows(capsules),
        [row("acme", "north", 1), row("globex", "north", 1)]
    );
    events += submit(
        &clients[0],
        &v1,
        "crm/accounts/A1/move",
        json!({ "capsule_id": "south" }),
    )
    .await;
    let warehouse = export_all(&data, &exported, events).await;
    assert_eq!(
        warehouse.rows(capsules),
        [row("acme", "south", 2), row("globex", "north", 1)]
    );
    events += submit(&clients[0], &v1, "crm/accounts/A1/close", json!({})).await;
    let warehouse = export_all(&data, &exported, events).await;
    assert_eq!(
        warehouse.rows(capsules),
        [row("globex", "north", 1)],
        "a closed account leaves its capsule"
    );
    let files = warehouse.rows("select count(*)::bigint as n from crm_capsule_account_files");
    assert_eq!(files[0]["n"], 4, "what has not changed is not written again");
    let again = json_of(&data, &["export"]);
    assert_eq!((&again["run"], &again["files"]), (&Value::Null, &json!(0)), "{again}");

    let (status, _, refused) = on(&data, &["export", "--to", "elsewhere"]);
    assert_eq!(status, Some(1));
    assert!(refused.contains("export.to"), "{refused}");
    assert!(process.terminate().0.success());

    // From a stopped folder, elsewhere, in parts: a tenant's events, then everything that is left.
    let other = folder.path().join("other");
    let to = other.to_str().unwrap();
    let part = json_of(
        &data,
        &["export", "--to", to, "--tenant", "acme", "--context", "crm", "--events"],
    );
    assert_eq!(part["rows"]["crm_accounts_events"], 3, "{part}");
    json_of(&data, &["export", "--to", to]);
    let warehouse = Warehouse::over(&data, &other);
    assert_eq!(warehouse.events() as usize, events);
    let expected = json!([{ "tenant": "acme", "status": "open" }, { "tenant": "globex", "status": "open" }]);
    let open = warehouse.rows("select tenant, status from crm_opportunity where id = 'O1' order by tenant");
    assert_eq!(Value::from(open), expected);

    // No file has a person in it.
    let mut found = 0;
    for table in [
        "crm_lead_files",
        "crm_leads_events_files",
        "billing_invoice_files",
        "crm_account_files",
    ] {
        for row in warehouse.rows(&format!(
            "select to_json(everything)::varchar as row from {table} as everything"
        )) {
            let row = row.to_string();
            assert!(
                !row.contains("Ada") && !row.contains("ada@") && !row.contains("Secret"),
                "{row}"
            );
            found += 1;
        }
    }
    assert!(found >= 8, "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_exports_by_itself_as_often_as_configured() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\nexport.to = \"exported\"\n\
         export.every_seconds = 1\ntenants = [\"acme:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let (data, exported) = (folder.path().join("d"), folder.path().join("exported"));
    let process = Serve::start(&config, &[]);
    let (_, token, _) = on(&data, &["token", "--tenant", "acme", "--role", "member"]);
    let acme = Client::new(token.trim());
    let v1 = format!("{}/v1", process.http);
    let runs = || std::fs::read_dir(exported.join("runs")).map_or(0, Iterator::count);
    for run in 1..=2 {
        submit(
            &acme,
            &v1,
            &format!("crm/leads/L{run}/capture"),
            json!({ "name": "Ada" }),
        )
        .await;
        for _ in 0..300 {
            if runs() >= run {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(runs() >= run, "nothing was exported");
    }
    assert!(process.terminate().0.success());
}
