//! What `cargo test --workspace` has built, for tests that run the binary or other tests: asked of cargo with the same arguments, so that
//! nothing is built a second time with other features.

use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// The executable of a target of this workspace: `bin` `headwater`, `test` `projections`.
///
/// # Panics
/// When cargo does not build it.
pub fn executable(kind: &str, name: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "test",
        "--workspace",
        "--no-run",
        "--message-format",
        "json-render-diagnostics",
    ]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(built.status.success(), "cargo did not build the tests");
    let is_it = |message: &Value| {
        let target = &message["target"];
        target["name"] == name
            && target["kind"]
                .as_array()
                .is_some_and(|kinds| kinds.contains(&kind.into()))
    };
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        // A binary is built as its own unit tests, too.
        .filter(|message| is_it(message) && (kind != "bin" || message["profile"]["test"] == false))
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo names no {kind} {name}"))
}
