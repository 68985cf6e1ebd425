//! Three projecting processes on one engine over HTTP, killed with -9, stopped for longer than a lease lives, and ended, at random and under
//! load. In the end every view says what the log says, and the feed has every event once.
//!
//! 20 seconds; `HEADWATER_CHAOS_SECONDS=600` for longer. The seed is printed; `HEADWATER_CHAOS_SEED` makes the same choices again.

use crate::{
    installation::Installation,
    process::{Client, Serve, headwater, run},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const PRODUCTS: usize = 24;
const ACCOUNTS: usize = 6;
const LEADS: usize = 12;

/// All projections that these processes keep; they have no search index.
const PROJECTIONS: [&str; 6] = [
    "product-view",
    "account-tree",
    "leads",
    "capsules",
    "categories",
    "brands",
];

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// SplitMix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Sends commands until it is told to stop; how many were acknowledged.
async fn load(client: Arc<Client>, http: String, stop: Arc<AtomicBool>) -> u64 {
    let mut acknowledged = 0;
    for n in 0..PRODUCTS {
        let product = json!({ "sku": format!("P{n}"), "title": "Kettle", "brand": "B", "price_cents": 1 });
        let (status, body) = client
            .post(&format!("{http}/v1/catalog/products/P{n}/create"), &product)
            .await;
        assert_eq!(status, 200, "{body}");
    }
    for n in 0..ACCOUNTS {
        let account = json!({ "capsule_id": "C", "name": format!("Account {n}") });
        client
            .post(&format!("{http}/v1/crm/accounts/A{n}/open"), &account)
            .await;
        let opportunity = json!({ "account_id": format!("A{n}"), "name": "Deal" });
        client
            .post(&format!("{http}/v1/crm/opportunities/O{n}/open"), &opportunity)
            .await;
    }
    for n in 0..LEADS {
        let lead = json!({ "name": format!("Lead {n}"), "company": "C" });
        client.post(&format!("{http}/v1/crm/leads/E{n}/capture"), &lead).await;
    }
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let product = format!("{http}/v1/catalog/products/P{}/change-price", round % PRODUCTS);
        let (status, _) = client.post(&product, &json!({ "price_cents": round + 1 })).await;
        acknowledged += u64::from(status == 200);
        let item =
            json!({ "line_item_id": format!("L{round}"), "product_id": "P1", "quantity": 1, "price_cents": round });
        let opportunity = format!("{http}/v1/crm/opportunities/O{}/add-line-item", round % ACCOUNTS);
        if round / ACCOUNTS < 60 {
            client.post(&opportunity, &item).await;
        }
    }
    acknowledged
}

/// What the log says of a product: its version and its last price.
async fn history(client: &Client, http: &str, of: &str) -> (u64, Option<Value>, Vec<Value>) {
    let (mut version, mut price, mut events) = (0, None, Vec::new());
    let mut cursor = String::new();
    loop {
        let (status, page) = client
            .get(&format!("{http}/v1/{of}/history?limit=100{cursor}"), None)
            .await;
        assert_eq!(status, 200, "{page}");
        for event in page["items"].as_array().unwrap() {
            version = event["sequence"].as_u64().unwrap();
            price = event["data"].get("price_cents").cloned().or(price);
            events.push(event.clone());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (version, price, events),
        }
    }
}

/// Every way in which the views differ from the log.
async fn differences(client: &Client, http: &str) -> Vec<String> {
    let mut differences = Vec::new();
    for n in 0..PRODUCTS {
        let (version, price, _) = history(client, http, &format!("catalog/products/P{n}")).await;
        let (_, view) = client.get(&format!("{http}/v1/catalog/products/P{n}"), None).await;
        if view["version"].as_u64() != Some(version) || Some(&view["price_cents"]) != price.as_ref() {
            differences.push(format!("P{n}: {view} but the log is at {version} with {price:?}"));
        }
    }
    for n in 0..ACCOUNTS {
        let (_, _, events) = history(client, http, &format!("crm/opportunities/O{n}")).await;
        let logged = events.iter().filter_map(|event| event["data"]["line_item_id"].as_str());
        let logged: BTreeMap<&str, ()> = logged.map(|id| (id, ())).collect();
        let (_, tree) = client
            .get(&format!("{http}/v1/crm/accounts/A{n}/tree?limit=100"), None)
            .await;
        let shown = tree.to_string().matches("line_item").count();
        let found = logged
            .keys()
            .filter(|id| tree.to_string().contains(&format!("\"{id}\"")))
            .count();
        if found != logged.len() {
            differences.push(format!(
                "A{n}: {found} of {} line items in the tree ({shown})",
                logged.len()
            ));
        }
    }
    differences
}

/// Compares the rows of every projection with a fold of the log, as an operator does.
fn compared(http: &str, operator: &str) {
    for projection in PROJECTIONS {
        let (code, out, errors) = run(headwater()
            .args(["replay", projection, "--dry-run", "--url", http, "--output", "json"])
            .args(["--token", operator]));
        assert_eq!(code, Some(0), "{projection}: {out}{errors}");
    }
}

/// Reads the feed of a context from its beginning, until it has as many events as the log; each is there once. (What a
/// repair adds comes late.)
async fn fed(client: &Client, http: &str, context: &str, aggregates: &[(String, u64)]) {
    let all: u64 = aggregates.iter().map(|(_, version)| version).sum();
    let mut seen: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut events = client.events(&format!("{http}/v1/events?context={context}")).await;
    for _ in 0..all {
        let event = events.next().await;
        let of = format!(
            "{}/{}",
            event["aggregate"].as_str().unwrap(),
            event["id"].as_str().unwrap()
        );
        let sequence = event["sequence"].as_u64().unwrap();
        let first = seen.entry(of.clone()).or_default().insert(sequence);
        assert!(first, "{of}/{sequence} is twice in the feed of {context}");
    }
    for (of, version) in aggregates {
        let seen = seen.remove(of).unwrap_or_default();
        assert!(seen.into_iter().eq(1..=*version), "{of} in the feed of {context}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr, reason = "the seed of a failure")]
async fn nothing_is_lost_while_workers_are_killed_and_paused() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let common = "dynamodb.create_tables = true\ntenants = [\"acme:us\"]\nprojector.lease_seconds = 2\nprojector.save_ms = 200\n";
    let command = installation.config("command.toml", &format!("roles = [\"command\", \"query\"]\n{common}"));
    let project = installation.config("project.toml", &format!("roles = [\"project\"]\n{common}"));
    let edge = Serve::start(&command, &credentials);
    let client = Arc::new(Client::new(&installation.issuer.token("acme", &["owner"])));
    let seed = number("HEADWATER_CHAOS_SEED", 1);
    let seconds = number("HEADWATER_CHAOS_SECONDS", 20);
    eprintln!("seed {seed}, {seconds} s");
    let mut draw = Draw(seed);
    let mut workers: Vec<Serve> = (0..3).map(|_| Serve::start(&project, &credentials)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(Arc::clone(&client), edge.http.clone(), Arc::clone(&stop)));
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut killed, mut paused, mut ended) = (0, 0, 0);
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(300 + draw.below(1_500))).await;
        let victim = usize::try_from(draw.below(3)).unwrap();
        match draw.below(3) {
            0 => {
                workers[victim].signal("-KILL");
                workers[victim] = Serve::start(&project, &credentials);
                killed += 1;
            }
            1 => {
                workers[victim].signal("-STOP");
                tokio::time::sleep(Duration::from_millis(500 + draw.below(4_000))).await;
                workers[victim].signal("-CONT");
                paused += 1;
            }
            _ => {
                let fresh = Serve::start(&project, &credentials);
                let (status, _, errors) = std::mem::replace(&mut workers[victim], fresh).terminate();
                assert!(status.success(), "{status}: {errors}");
                ended += 1;
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    let acknowledged = loading.await.unwrap();
    eprintln!("{acknowledged} price changes; {killed} killed, {paused} paused, {ended} ended");
    assert!(acknowledged > 50, "there was no load: {acknowledged}");
    let since = Instant::now();
    loop {
        let differences = differences(&client, &edge.http).await;
        if differences.is_empty() {
            break;
        }
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "seed {seed}: {differences:#?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    compared(&workers[0].http, &installation.issuer.token("acme", &["operator"]));
    let version = async |of: String| {
        let (version, _, _) = history(&client, &edge.http, &of).await;
        (of.split_once('/').unwrap().1.to_owned(), version)
    };
    let mut catalog = Vec::new();
    for n in 0..PRODUCTS {
        catalog.push(version(format!("catalog/products/P{n}")).await);
    }
    let mut crm = Vec::new();
    for n in 0..ACCOUNTS {
        crm.push(version(format!("crm/accounts/A{n}")).await);
        crm.push(version(format!("crm/opportunities/O{n}")).await);
    }
    for n in 0..LEADS {
        crm.push(version(format!("crm/leads/E{n}")).await);
    }
    fed(&client, &edge.http, "catalog", &catalog).await;
    fed(&client, &edge.http, "crm", &crm).await;
}
