//! The command line of operators, against a real process and against a folder that none has open; and the first start.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test of real processes in real time: a failed step is a failed test"
)]

mod assortment;
mod athena;
mod audit_log;
mod auditors;
mod buckets;
mod exports;
mod first_start;
mod killed;
mod metrics;
#[allow(dead_code, reason = "shared with the tests of serve")]
#[path = "../serve/process.rs"]
mod process;
mod projections;
mod refusals;
mod search_settings;
mod selling;

use process::{headwater, run};
use serde_json::Value;
use std::path::Path;

/// Runs a command on a data folder.
fn on(data: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(headwater().args(arguments).arg("--data").arg(data))
}

/// The same, with its output as JSON.
fn json_of(data: &Path, arguments: &[&str]) -> Value {
    let (status, out, error) = on(data, &[arguments, &["--output", "json"]].concat());
    assert_eq!(status, Some(0), "{arguments:?}: {error}");
    serde_json::from_str(&out).unwrap()
}
