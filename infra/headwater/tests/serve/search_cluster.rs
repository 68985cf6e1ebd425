//! An installation that searches in a cluster: several processes share it, and what happens to it never reaches a command.

use crate::{
    installation::Installation,
    process::{Client, Serve, headwater, run},
};
use headwater_engines::OpenSearch;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// One process takes commands; two keep projections, which share them, and answer queries.
struct Shop {
    command: Serve,
    readers: [Serve; 2],
    client: Arc<Client>,
    /// The configuration of a reader.
    reader: PathBuf,
    operator: String,
    installation: Installation,
    cluster: OpenSearch,
}

impl Shop {
    async fn open() -> Self {
        let (installation, cluster) = tokio::task::spawn_blocking(|| (Installation::new(), OpenSearch::start()))
            .await
            .unwrap();
        let credentials = installation.ministack.credentials();
        let tables = "dynamodb.create_tables = true\ntenants = [\"acme:us\", \"globex:us\"]\n";
        let search = format!(
            "search = {{ adapter = \"opensearch\", url = \"{}\" }}\n",
            cluster.endpoint()
        );
        let command = installation.config("command.toml", &format!("roles = [\"command\"]\n{tables}"));
        let reader = installation.config(
            "reader.toml",
            &format!("roles = [\"project\", \"query\"]\n{tables}{search}projector.lease_seconds = 3\n"),
        );
        let start = |config: &PathBuf| {
            let config = config.clone();
            tokio::task::spawn_blocking(move || Serve::start(&config, &credentials))
        };
        let command = start(&command).await.unwrap();
        let readers = [start(&reader).await.unwrap(), start(&reader).await.unwrap()];
        let client = Arc::new(Client::new(&installation.issuer.token("acme", &["owner"])));
        for reader in &readers {
            client.until_ready(&reader.metrics).await;
        }
        Self {
            command,
            readers,
            client,
            reader,
            operator: installation.issuer.token("acme", &["owner", "operator"]),
            installation,
            cluster,
        }
    }

    /// Creates products until it is told to stop.
    fn load(&self) -> Load {
        let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (client, http) = (Arc::clone(&self.client), self.command.http.clone());
        let task = {
            let (stop, made) = (Arc::clone(&stop), Arc::clone(&made));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let n = made.load(Ordering::Relaxed);
                    create(&client, &http, &format!("L{n}"), "cable").await;
                    made.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        Load { stop, made, task }
    }

    /// What a reader finds, as soon as it shows what `token` stands for.
    async fn find(&self, reader: &Serve, query: &str, token: Option<&str>) -> (u16, Value) {
        let url = format!("{}/v1/search/products?{query}", reader.http);
        self.client.get(&url, token).await
    }

    /// Waits until both readers find so many, for a minute at most.
    async fn until_found(&self, query: &str, count: usize) {
        for reader in &self.readers {
            let since = Instant::now();
            loop {
                let (status, found) = self.find(reader, query, None).await;
                if status == 200 && found["total"] == count {
                    break;
                }
                assert!(
                    since.elapsed() < Duration::from_secs(120),
                    "not {count}: {status} {found}"
                );
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    fn operate(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = headwater();
        command.args(arguments);
        command.args(["--url", &self.readers[0].http, "--token", &self.operator]);
        let (status, out, error) = run(&mut command);
        (status, out + &error)
    }
}

struct Load {
    stop: Arc<AtomicBool>,
    made: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    /// Waits until so many more were made.
    async fn goes_on(&self, more: usize) {
        let (since, before) = (Instant::now(), self.made.load(Ordering::Relaxed));
        while self.made.load(Ordering::Relaxed) < before + more {
            assert!(since.elapsed() < Duration::from_secs(60), "commands have stopped");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it; how many were made.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.made.load(Ordering::Relaxed)
    }
}

/// Creates a product; its token.
async fn create(client: &Client, http: &str, id: &str, title: &str) -> String {
    let product = json!({ "sku": id, "title": title, "brand": "B", "price_cents": 4_900 });
    let url = format!("{http}/v1/catalog/products/{id}/create");
    let (status, receipt) = client.post(&url, &product).await;
    assert_eq!(status, 200, "{receipt}");
    receipt["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_share_a_cluster() {
    let shop = Shop::open().await;
    let token = create(&shop.client, &shop.command.http, "K1", "Kettle of steel").await;
    for reader in &shop.readers {
        // With a typing error, a facet and a filter.
        let query = "q=ketle&facets=brand&brand=B";
        let (status, found) = shop.find(reader, query, Some(&token)).await;
        assert_eq!((status, &found["total"]), (200, &json!(1)), "{found}");
        assert_eq!(found["facets"]["brand"], json!([{"value": "B", "count": 1}]));
        // Another tenant finds nothing of it.
        let stranger = Client::new(&shop.installation.issuer.token("globex", &["owner"]));
        let url = format!("{}/v1/search/products?{query}", reader.http);
        let (status, found) = stranger.get(&url, None).await;
        assert_eq!((status, &found["total"]), (200, &json!(0)), "{found}");
    }

    let doctor = |shop: &Shop| {
        let mut command = headwater();
        command.args(["doctor", "--config"]).arg(&shop.reader);
        let (_, out, error) = run(command.envs(shop.installation.ministack.credentials()));
        out + &error
    };
    let said = doctor(&shop);
    assert!(said.contains("ok    search cluster: http://127.0.0.1:"), "{said}");

    // Rebuilt in another index, which is searched from then on; the old one goes when it is dropped.
    let (status, said) = shop.operate(&["replay", "product-search"]);
    assert_eq!(status, Some(0), "{said}");
    shop.until_found("q=kettle", 1).await;
    let token = create(&shop.client, &shop.command.http, "K2", "Kettle of glass").await;
    for reader in &shop.readers {
        let (_, found) = shop.find(reader, "q=kettle", Some(&token)).await;
        assert_eq!(found["total"], 2, "{found}");
    }
    let (status, said) = shop.operate(&["replay", "product-search", "--dry-run"]);
    assert_eq!(status, Some(0), "{said}");

    let mut shop = shop;
    shop.cluster.kill();
    let said = doctor(&shop);
    assert!(said.contains("fail  search cluster: http://127.0.0.1:"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_killed_or_hangs_delays_searches_alone() {
    let mut shop = Shop::open().await;
    let load = shop.load();
    load.goes_on(50).await;

    shop.cluster.kill();
    load.goes_on(100).await;
    for reader in &shop.readers {
        let (status, problem) = shop.find(reader, "q=cable", None).await;
        assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{problem}");
        // Views are read as before.
        let url = format!("{}/v1/catalog/products/L0", reader.http);
        let (status, view) = shop.client.get(&url, None).await;
        assert_eq!((status, &view["title"]), (200, &json!("cable")), "{view}");
    }
    let shop = tokio::task::spawn_blocking(move || {
        shop.cluster.restart();
        shop
    })
    .await
    .unwrap();
    load.goes_on(50).await;

    shop.cluster.pause();
    load.goes_on(100).await;
    // More searches than a tenant may have requests in work. Those that hang leave places to others, and once they have hung no other does.
    let hanging = |n: usize| {
        let (client, url) = (
            Arc::clone(&shop.client),
            format!("{}/v1/search/products?q=cable", shop.readers[n].http),
        );
        tokio::spawn(async move { client.get(&url, None).await })
    };
    let searches: Vec<_> = (0..300).map(|_| hanging(0)).collect();
    for n in 0..20 {
        let url = format!("{}/v1/catalog/products/L{n}", shop.readers[0].http);
        let (status, view) = shop.client.get(&url, None).await;
        assert_eq!(status, 200, "{view}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut refused = 0;
    for search in searches {
        let (status, problem) = search.await.unwrap();
        assert!(matches!(status, 429 | 503), "{status} {problem}");
        refused += usize::from(status == 429);
    }
    assert!(refused > 0, "all places of the tenant were taken by searches");
    let again: Vec<_> = (0..20).map(|_| hanging(0)).collect();
    for search in again {
        let (status, problem) = search.await.unwrap();
        assert_eq!(status, 503, "{problem}");
    }
    shop.cluster.resume();
    load.goes_on(20).await;

    let made = load.end().await;
    shop.until_found("q=cable&limit=1", made).await;
    let (status, said) = shop.operate(&["parked", "list"]);
    assert!(status == Some(0) && !said.contains("product-search"), "{said}");
    let (status, said) = shop.operate(&["replay", "product-search", "--dry-run"]);
    assert_eq!(status, Some(0), "{said}");
    // A line a round, not one for each change that waits.
    for (n, reader) in shop.readers.into_iter().enumerate() {
        let (_, _, said) = reader.terminate();
        assert!(n > 0 || said.contains("the search engine hangs"), "{said}");
        let lines = said
            .lines()
            .filter(|line| line.contains("not taken by the store"))
            .count();
        assert!(lines < made / 2, "{lines} lines of {made} changes");
    }
}

/// Removed by hand, or a cluster that was restored from before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_that_are_lost_are_filled_again() {
    let shop = Shop::open().await;
    for n in 0..30 {
        create(&shop.client, &shop.command.http, &format!("K{n}"), "Kettle").await;
    }
    shop.until_found("q=kettle", 30).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for kind in ["products", "orders", "invoices"] {
        let url = format!("{}/headwater-{kind}-*", shop.cluster.endpoint());
        assert!(client.delete(url).send().await.unwrap().status().is_success());
    }
    let (status, problem) = shop.find(&shop.readers[0], "q=kettle", None).await;
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{problem}");
    create(&shop.client, &shop.command.http, "K30", "Kettle").await;
    // All of it, not what was written since.
    shop.until_found("q=kettle", 31).await;
    let (status, said) = shop.operate(&["replay", "product-search", "--dry-run"]);
    assert_eq!(status, Some(0), "{said}");

    // While nobody looks.
    for reader in shop.readers {
        reader.terminate();
    }
    let url = format!("{}/headwater-products-*", shop.cluster.endpoint());
    assert!(client.delete(url).send().await.unwrap().status().is_success());
    let (config, credentials) = (shop.reader.clone(), shop.installation.ministack.credentials());
    let reader = tokio::task::spawn_blocking(move || Serve::start(&config, &credentials))
        .await
        .unwrap();
    let url = format!("{}/v1/search/products?q=kettle", reader.http);
    let since = Instant::now();
    loop {
        let (status, found) = shop.client.get(&url, None).await;
        if status == 200 && found["total"] == 31 {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{status} {found}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// As a disk that is full, or an operator, makes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_index_waits_and_says_so() {
    let shop = Shop::open().await;
    let token = create(&shop.client, &shop.command.http, "K1", "Kettle").await;
    let (_, found) = shop.find(&shop.readers[0], "q=kettle", Some(&token)).await;
    assert_eq!(found["total"], 1, "{found}");
    let block = async |set: Value| {
        let url = format!("{}/headwater-*/_settings", shop.cluster.endpoint());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = json!({"index.blocks.read_only_allow_delete": set});
        assert!(client.put(url).json(&body).send().await.unwrap().status().is_success());
    };
    block(json!(true)).await;
    for n in 0..20 {
        create(&shop.client, &shop.command.http, &format!("R{n}"), "Kettle").await;
    }
    // Found as it was, and not parked: it stands, and the numbers for the alarm say so.
    let since = Instant::now();
    loop {
        let mut behind = false;
        for reader in &shop.readers {
            let (_, numbers) = shop.client.text(&format!("{}/metrics", reader.metrics)).await;
            let lags = numbers
                .lines()
                .filter(|line| line.starts_with("headwater_projection_lag_events{projection=\"product-search\""));
            behind |= lags
                .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
                .any(|lag| lag > 0);
        }
        if behind {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "no lag is reported");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (status, said) = shop.operate(&["parked", "list"]);
    assert!(status == Some(0) && !said.contains("product-search"), "{said}");
    let (_, found) = shop.find(&shop.readers[1], "q=kettle", None).await;
    assert_eq!(found["total"], 1, "{found}");

    let doctor = |shop: &Shop| {
        let mut command = headwater();
        command.args(["doctor", "--config"]).arg(&shop.reader);
        let (_, out, error) = run(command.envs(shop.installation.ministack.credentials()));
        out + &error
    };
    let said = doctor(&shop);
    assert!(said.contains("fail  search indexes: headwater-"), "{said}");
    assert!(said.contains("has index.blocks.read_only_allow_delete"), "{said}");

    block(Value::Null).await;
    shop.until_found("q=kettle", 21).await;
    let said = doctor(&shop);
    assert!(said.contains("ok    search indexes: take writes"), "{said}");
    let [first, second] = shop.readers;
    for reader in [first, second] {
        let (_, _, said) = reader.terminate();
        if said.contains("read-only") {
            return;
        }
    }
    panic!("no process has said that the index is read-only");
}
