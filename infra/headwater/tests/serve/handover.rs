//! Two processes that project: one ends, well or not, and the other goes on where it was.

use crate::{
    installation::Installation,
    process::{Client, Serve},
};
use serde_json::json;
use std::time::{Duration, Instant};

struct Shop {
    client: Client,
    command: Serve,
    made: usize,
}

impl Shop {
    /// Makes a product, and says how long it took until the view had it.
    async fn make(&mut self) -> Duration {
        self.made += 1;
        let id = format!("P{}", self.made);
        let product = json!({ "sku": id, "title": "Kettle", "brand": "B", "price_cents": 1 });
        let url = format!("{}/v1/catalog/products/{id}", self.command.http);
        let (status, receipt) = self.client.post(&format!("{url}/create"), &product).await;
        assert_eq!(status, 200, "{receipt}");
        let since = Instant::now();
        loop {
            let (status, answer) = self.client.get(&url, receipt["token"].as_str()).await;
            if status == 200 {
                return since.elapsed();
            }
            assert_eq!(status, 409, "{answer}");
            assert!(since.elapsed() < Duration::from_secs(40), "nobody projects {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_that_ends_is_followed_by_the_other() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let common = "dynamodb.create_tables = true\ntenants = [\"acme:us\"]\nprojector.lease_seconds = 3\n";
    let command = installation.config("command.toml", &format!("roles = [\"command\", \"query\"]\n{common}"));
    let project = installation.config("project.toml", &format!("roles = [\"project\"]\n{common}"));
    let mut shop = Shop {
        client: Client::new(&installation.issuer.token("acme", &["owner"])),
        command: Serve::start(&command, &credentials),
        made: 0,
    };
    let first = Serve::start(&project, &credentials);
    shop.make().await;
    let second = Serve::start(&project, &credentials);
    shop.make().await;
    // Also the one that has no shard of its own.
    for process in [&first, &second] {
        shop.client.until_ready(&process.metrics).await;
    }

    let (status, took, errors) = first.terminate();
    assert!(
        status.success() && took < Duration::from_secs(2),
        "{status} after {took:?}: {errors}"
    );
    let waited = shop.make().await;
    assert!(waited < Duration::from_secs(3), "handed over after {waited:?}");

    // Killed: its leases run out, and a new one takes over.
    second.signal("-KILL");
    drop(second);
    let _third = Serve::start(&project, &credentials);
    let waited = shop.make().await;
    assert!(waited < Duration::from_secs(15), "taken over after {waited:?}");
}
