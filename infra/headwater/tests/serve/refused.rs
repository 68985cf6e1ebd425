//! What `serve` refuses before it starts.

use crate::process::{headwater, run};

fn refused(text: &str, environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(&config, text).unwrap();
    let command = &mut headwater();
    let (status, out, error) = run(command
        .args(["serve", "--config"])
        .arg(&config)
        .envs(environment.iter().copied()));
    assert_eq!((status, out.as_str()), (Some(1), ""), "{error}");
    error
}

#[test]
fn unknown_names_and_wrong_types_with_their_places() {
    let error = refused(
        "\n[dynamodb]\nregoin = \"us-east-1\"\n",
        &[("HEADWATER_LIMITS_DRAIN", "3"), ("HEADWATER_HTTP", "0.0.0.0:1")],
    );
    assert!(
        error.contains("serve.toml:3: [dynamodb] has no key regoin; did you mean region?"),
        "{error}"
    );
    assert!(
        error.contains("HEADWATER_LIMITS_DRAIN: is no variable of Headwater; did you mean HEADWATER_LIMITS_DRAIN_MS?"),
        "{error}"
    );
    let error = refused("limits.deadline_ms = \"10s\"", &[]);
    assert!(
        error.contains(
            "serve.toml:1: limits.deadline_ms must be a whole number from 100 to 600000, and is the text \"10s\""
        ),
        "{error}"
    );
    let error = refused("roles = [\n", &[]);
    assert!(error.contains("serve.toml:"), "{error}");
}

#[test]
fn a_file_that_is_not_there_and_development_tokens() {
    let (status, _, error) = run(headwater().args(["serve", "--config", "/nowhere/serve.toml"]));
    assert!(
        status == Some(1) && error.contains("/nowhere/serve.toml") && error.contains("cannot be read"),
        "{error}"
    );
    let (status, _, error) = run(headwater().arg("serve"));
    assert!(status == Some(1) && error.contains("auth.jwks is missing"), "{error}");
    assert!(error.contains("serve does not accept `headwater token`"), "{error}");
}
