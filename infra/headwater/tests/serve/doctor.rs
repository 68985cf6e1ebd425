//! `doctor`: what it finds, says and ends with.

use crate::{
    installation::Installation,
    process::{Serve, headwater, run},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn doctor(config: &Path, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let (status, out, error) = run(headwater()
        .args(["doctor", "--config"])
        .arg(config)
        .envs(environment.iter().copied()));
    (status, out + &error)
}

#[test]
fn an_installation_before_and_after_its_first_start() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let config = installation.config("all.toml", "");
    let (status, out) = doctor(&config, &credentials);
    assert_eq!(status, Some(1), "{out}");
    assert!(
        out.contains(
            "fail  table test-catalog-events: does not exist; deploy it, or set dynamodb.create_tables = true"
        ),
        "{out}"
    );
    for found in [
        "ok    configuration: can be used; roles command, project, query",
        "ok    dynamodb: http://127.0.0.1:",
        "ok    clock: agrees",
        "ok    sealing key: ",
    ] {
        assert!(out.contains(found), "{found}: {out}");
    }

    let (status, _, error) = run(headwater().args(["serve", "--config"]).arg(&config).envs(credentials));
    assert!(
        status == Some(1) && error.contains("the tables test-catalog-events, test-catalog-claims"),
        "{error}"
    );
    assert!(
        error.contains("do not exist; deploy them, or set dynamodb.create_tables = true"),
        "{error}"
    );

    let environment: Vec<_> = credentials
        .into_iter()
        .chain([("HEADWATER_DYNAMODB_CREATE_TABLES", "true")])
        .collect();
    assert!(Serve::start(&config, &environment).terminate().0.success());
    let (status, out) = doctor(&config, &credentials);
    assert_eq!(status, Some(0), "{out}");
    for found in [
        "ok    table test-catalog-events: is as defined, and may be used as the roles need",
        "ok    installation: its processes have this sealing key",
        "warn  tenants: there are none, so no token is accepted",
    ] {
        assert!(out.contains(found), "{found}: {out}");
    }
    // It changed nothing.
    let lines = |out: &str| {
        let timed = |line: &&str| line.ends_with(" ms");
        out.lines()
            .filter(|line| !timed(line))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&doctor(&config, &credentials).1), lines(&out));

    let key = installation.folder.path().join("sealing.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (status, out) = doctor(&config, &credentials);
    assert!(
        status == Some(0) && out.contains("warn  sealing key: ") && out.contains("chmod 600"),
        "{out}"
    );
    fs::write(&key, [8; 32]).unwrap();
    let (status, out) = doctor(&config, &credentials);
    assert!(
        status == Some(1) && out.contains("fail  installation: its processes have another sealing key"),
        "{out}"
    );
}

#[test]
fn nobody_answers_and_faults_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    fs::write(&config, "htpp = \"127.0.0.1:0\"\n").unwrap();
    let (status, out) = doctor(&config, &[]);
    assert!(
        status == Some(1) && out.contains("serve.toml:1: there is no key htpp; did you mean http?"),
        "{out}"
    );
    assert!(
        out.lines().any(|line| line
            == "fail  configuration: dynamodb.region is missing: the AWS region of the tables, such as us-east-1"),
        "{out}"
    );

    let text = "http = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\ndata = \"d\"\nkeys.sealing_file = \"k\"\n\
        auth.allow_development_key = true\ndynamodb.region = \"us-east-1\"\ndynamodb.endpoint = \"http://127.0.0.1:1\"\n";
    fs::write(&config, text).unwrap();
    let credentials = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    let (status, out) = doctor(&config, &credentials);
    assert_eq!(status, Some(1), "{out}");
    assert!(
        out.contains("fail  dynamodb: http://127.0.0.1:1 does not answer: "),
        "{out}"
    );
    assert!(out.contains("fail  sealing key: cannot read the key "), "{out}");
    assert!(
        out.contains("ok    data folder: ") && out.contains("is made at the first start"),
        "{out}"
    );
}

/// Without a configuration: the folder of `dev`.
#[test]
fn the_folder_of_dev() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d");
    let look = || run(headwater().args(["doctor", "--data"]).arg(&data));
    let (status, out, _) = look();
    assert!(
        status == Some(0) && out.contains("ok    tables: are made at the first start"),
        "{out}"
    );
    assert!(!data.exists(), "it makes nothing");

    // A command that finds no process runs one, which makes what is missing.
    let (status, _, error) = run(headwater().args(["openapi", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{error}");
}
