//! The small addition that ARCHITECTURE.md shows, made: `task.rs` and `tasks.rs` are its two files to the letter, and the lines beside them
//! are in [`register`] and [`register_projections`]. What is said to appear by itself appears.
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(unreachable_pub, reason = "the files are as they would stand in their crates")]

// The files say `headwater_crm::task` and `crate::CONTEXT`, as in the crates that they would be added to; here this crate stands for both.
extern crate headwater_crm as crm;
extern crate self as headwater_crm;

mod page;
mod server;
pub mod task;
pub mod tasks;

use crm::CONTEXT;
use headwater_kernel::AggregateRegistry;
use headwater_read_models::{EventContext, Fold, ProjectionRegistry, RowFold};
use serde_json::json;
use server::Server;

/// As in `domain/crm/src/lib.rs`.
fn register(registry: &mut impl AggregateRegistry) {
    crm::register(registry);
    registry.aggregate::<task::Task>();
}

/// As in `domain/read-models/src/registry.rs`.
fn register_projections(registry: &mut impl ProjectionRegistry) {
    headwater_read_models::register(registry);
    registry.row::<tasks::TaskRow>(tasks::PROJECTION);
}

#[tokio::test]
async fn a_command_comes_in_and_its_view_is_read_back() {
    let server = Server::start().await;
    let opened = server
        .post("/v1/crm/tasks/T%231/open", &json!({ "title": "Call back" }))
        .await;
    assert_eq!(opened.status, 200, "{}", opened.json);
    let row = server.view("/v1/crm/tasks/T%231", &opened).await;
    assert_eq!((row.status, row.etag.as_deref()), (200, Some("\"1\"")), "{}", row.json);
    assert_eq!(
        row.json,
        json!({ "id": "T#1", "title": "Call back", "completed": false, "version": 1 })
    );

    let completed = server.post("/v1/crm/tasks/T%231/complete", &json!({})).await;
    assert_eq!(completed.json["events"][0]["type"], "TaskCompleted");
    let row = server.view("/v1/crm/tasks/T%231", &completed).await;
    assert_eq!(
        (&row.json["completed"], &row.json["version"]),
        (&json!(true), &json!(2))
    );
    let history = server.get("/v1/crm/tasks/T%231/history").await;
    assert_eq!(history.json["items"].as_array().map(Vec::len), Some(2));
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_command_is_said_where() {
    let server = Server::start().await;
    let path = "/v1/crm/tasks/T1/open";
    let misspelt = server.post(path, &json!({ "titel": "Call back" })).await;
    assert_eq!(
        (misspelt.status, &misspelt.json["errors"][0]["pointer"]),
        (400, &json!("/titel")),
        "{}",
        misspelt.json
    );
    let blank = server.post(path, &json!({ "title": " " })).await;
    assert_eq!(
        (blank.status, &blank.json["code"]),
        (422, &json!("blank")),
        "{}",
        blank.json
    );
    let none = server.post("/v1/crm/tasks/T1/complete", &json!({})).await;
    assert_eq!(none.status, 404, "{}", none.json);
    server.stop().await;
}

#[tokio::test]
async fn a_batch_takes_it() {
    let server = Server::start().await;
    let line = json!({ "context": "crm", "aggregate": "tasks", "id": "T2", "command": "open", "payload": { "title": "Ring" } });
    let answer = server.batch(format!("{line}\n{line}\n")).await;
    let statuses: Vec<_> = answer.iter().map(|line| line["status"].as_u64()).collect();
    assert_eq!(statuses, [Some(200), Some(422)], "{answer:?}");
    server.stop().await;
}

#[tokio::test]
async fn it_is_described_by_http_and_grpc() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json;
    for (path, method) in [
        ("/v1/crm/tasks/{id}/open", "post"),
        ("/v1/crm/tasks/{id}/complete", "post"),
        ("/v1/crm/tasks/{id}", "get"),
        ("/v1/crm/tasks/{id}/history", "get"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
    let schema = server.get("/schemas/crm.tasks.open").await.json;
    assert_eq!(schema["properties"]["title"]["maxLength"], 200, "{schema}");
    let names = server.schema_names().await;
    for name in ["open", "complete", "TaskOpened", "TaskCompleted"] {
        assert!(names.contains(&format!("crm.tasks.{name}")), "{name} in {names:?}");
    }
    server.stop().await;
}
