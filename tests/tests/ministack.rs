//! The contract of event log, feed and consumer on a second engine: the same suites, over real HTTP against ministack. Any other endpoint
//! can be tested by running them with `HEADWATER_TEST_DYNAMODB=<url>`.

use headwater_engines::Ministack;
use headwater_tests::{built, stores::ENDPOINT};
use std::process::Command;

fn passes(suite: &str) {
    let engine = Ministack::start();
    let ran = Command::new(built::executable("test", suite))
        .args(["--test-threads", "4"])
        .env(ENDPOINT, engine.endpoint())
        .envs(engine.credentials())
        .output()
        .expect("the suite runs");
    assert!(
        ran.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn the_event_log() {
    passes("event_log");
}

#[test]
fn the_feed() {
    passes("feed");
}

#[test]
fn the_consumer() {
    passes("projections");
}
