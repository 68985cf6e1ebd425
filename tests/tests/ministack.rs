//! The contract of event log, feed and consumer on a second engine: the same suites, over real HTTP against ministack. Any other endpoint
//! can be tested by running them with `HEADWATER_TEST_DYNAMODB=<url>`.

use headwater_tests::{engines::Ministack, stores::ENDPOINT};
use std::process::Command;

#[test]
fn the_same_suites_pass_on_ministack() {
    let engine = Ministack::start();
    let ran = Command::new(env!("CARGO"))
        .args(["test", "--package", "headwater-tests"])
        .args(["--test", "event_log", "--test", "feed", "--test", "projections"])
        .args(["--", "--test-threads", "4"])
        .env(ENDPOINT, engine.endpoint())
        .envs(engine.credentials())
        .output()
        .expect("cargo runs");
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{output}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let suites = output
        .lines()
        .filter(|line| line.starts_with("test result: ok."))
        .count();
    assert_eq!(suites, 3, "{output}");
}
