//! Which engine the contract suites run on: the embedded one, or whatever speaks DynamoDB's protocol at [`ENDPOINT`].

use headwater_dynamodb::{AwsConfig, Databases, faults::Faults};
use headwater_runtime::Runtime;
use tempfile::TempDir;

/// The URL of a DynamoDB endpoint to test on, with credentials from the usual places: ministack, DynamoDB Local, an account.
pub const ENDPOINT: &str = "HEADWATER_TEST_DYNAMODB";

/// A set of tables of a test's own, with failures on demand.
pub struct TestStores {
    /// The embedded engine's files; they go with it.
    pub dir: TempDir,
    /// Both stores.
    pub databases: Databases,
    /// No rules yet.
    pub faults: Faults,
}

impl TestStores {
    /// New ones. `seed` is that of the faults.
    pub async fn open(runtime: &Runtime, seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self::of(dir, runtime, seed).await
    }

    /// Those of a folder, new or not. Elsewhere its name is the prefix of the tables.
    pub async fn of(dir: TempDir, runtime: &Runtime, seed: u64) -> Self {
        let faults = Faults::seeded(seed);
        let databases = match std::env::var(ENDPOINT) {
            Ok(url) => {
                let config = AwsConfig {
                    region: "us-east-1".into(),
                    endpoint_url: Some(url),
                    table_prefix: prefix(&dir),
                };
                Databases::aws_with_faults(&config, runtime.clone(), faults.clone()).await
            }
            Err(_) => {
                Databases::embedded_with_faults(dir.path(), runtime.clone(), faults.clone()).expect("the engine opens")
            }
        };
        Self { dir, databases, faults }
    }
}

fn prefix(dir: &TempDir) -> String {
    let name = dir.path().file_name().unwrap_or_default().to_string_lossy();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("t{plain}-")
}
