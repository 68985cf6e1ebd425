//! `ensure_table`.

use crate::Fixture;
use headwater_dynamodb::{AwsConfig, Databases, Error, tables};
use headwater_runtime::Runtime;
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_made_once_and_found_again() {
    let fixture = Fixture::open();
    let definitions = [
        tables::event_table("crm"),
        tables::claims_table("crm"),
        tables::snapshots_table("crm"),
        tables::views_table("crm"),
        tables::checkpoints_table(),
        tables::tenants_table(),
    ];
    for definition in &definitions {
        fixture.databases.ensure_table(definition).await.unwrap();
        fixture.databases.ensure_table(definition).await.unwrap();
    }
    let names = fixture
        .durable()
        .client()
        .list_tables()
        .send()
        .await
        .unwrap()
        .table_names
        .unwrap();
    assert_eq!(names, ["crm-claims", "crm-events", "crm-snapshots", "tenants"]);
    let names = fixture
        .databases
        .rebuildable
        .client()
        .list_tables()
        .send()
        .await
        .unwrap()
        .table_names
        .unwrap();
    assert_eq!(names, ["checkpoints", "crm"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_creators_at_once_all_succeed() {
    let fixture = Fixture::open();
    let definition = tables::event_table("catalog");
    let all = (0..16).map(|_| fixture.databases.ensure_table(&definition));
    for outcome in futures::future::join_all(all).await {
        outcome.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_other_keys_or_stream_is_refused_with_both_named() {
    let fixture = Fixture::open();
    let definition = tables::event_table("crm");
    fixture.databases.ensure_table(&definition).await.unwrap();
    let mut other = definition.clone();
    other.sort_key = None;
    let refused = fixture.databases.ensure_table(&other).await.unwrap_err();
    assert!(matches!(refused, Error::TableDiffers { .. }));
    assert!(
        refused
            .to_string()
            .contains("table crm-events has keys PK, SK, and its definition says PK"),
        "{refused}"
    );
    let mut other = definition.clone();
    other.stream = false;
    let refused = fixture.databases.ensure_table(&other).await.unwrap_err();
    assert!(refused.to_string().contains("a stream of NEW_IMAGE"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn describing_a_table_does_not_count_its_items() {
    let fixture = Fixture::open();
    fixture
        .databases
        .ensure_table(&tables::views_table("crm"))
        .await
        .unwrap();
    let views = &fixture.databases.rebuildable;
    crate::put_new(views, "crm", crate::item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    let table = views
        .client()
        .describe_table()
        .table_name("crm")
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    assert_eq!(table.item_count, None, "the engine reads the whole table for it");
    let missing = views
        .client()
        .describe_table()
        .table_name("no-such-table")
        .send()
        .await
        .unwrap_err();
    assert!(missing.as_service_error().unwrap().is_resource_not_found_exception());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_endpoint_is_the_same_for_both_stores_and_prefixes_its_tables() {
    let config = AwsConfig {
        region: "eu-west-1".to_owned(),
        endpoint_url: Some("http://127.0.0.1:9".to_owned()),
        table_prefix: "staging-".to_owned(),
    };
    let databases = Databases::aws(&config, Runtime::tokio()).await;
    assert_eq!(databases.durable.table("crm-events"), "staging-crm-events");
    assert_eq!(databases.rebuildable.table("crm"), "staging-crm");
    assert!(databases.durable.activity().is_none());
    databases.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_and_the_files_are_their_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let databases = Databases::embedded(&data, Runtime::tokio()).unwrap();
    databases.ensure_table(&tables::tenants_table()).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in std::fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_an_unknown_engine_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Databases::embedded(dir.path(), Runtime::tokio())
        .unwrap()
        .shutdown()
        .await;
    let file = rusqlite::Connection::open(dir.path().join("log.db")).unwrap();
    file.execute_batch("UPDATE _config SET value = '12' WHERE key = 'schema_version'")
        .unwrap();
    drop(file);
    let refused = Databases::embedded(dir.path(), Runtime::tokio()).unwrap_err();
    assert!(matches!(refused, Error::UnknownEngine { .. }), "{refused}");
    assert!(refused.to_string().contains("schema 12"), "{refused}");
}
