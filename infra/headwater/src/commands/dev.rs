//! `headwater dev`: everything in one process, until Ctrl-C or SIGTERM.

use super::{say, serve::report};
use crate::{
    Outcome,
    assembly::{Addresses, Process},
    cli::Dev,
    config::Config,
    data_folder::token_key,
    signals::{Signals, until_signalled},
};
use anyhow::{Context, Result};
use headwater_command_service::Submission;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use headwater_tenancy::{Role, TokenRequest};
use serde_json::Value;
use std::{path::Path, time::Duration};

/// A small catalog of made-up products, with variants and a price list, two accounts, a lead, an order and its invoice: one command a line.
const SAMPLES: &str = include_str!("../../sample/commands.ndjson");

pub(crate) async fn run(data: &Path, dev: &Dev, runtime: &Runtime) -> Result<Outcome> {
    let demo = TenantId::new("demo")?;
    let config = Config::development(data, dev.http, dev.grpc, demo.clone());
    let mut signals = Signals::listen()?;
    let start = async {
        let process = Process::start(config, runtime).await?;
        let samples = if process.is_settled() {
            has_samples(&process, data, &demo, runtime).await.unwrap_or(true)
        } else {
            if !dev.empty {
                submit_samples(&process, &demo).await?;
            }
            process.settle()?;
            !dev.empty
        };
        Ok((process, samples))
    };
    let Some((process, samples)) = until_signalled(&mut signals, start).await? else {
        return Ok(Outcome::Done);
    };
    greet(data, process.addresses(), samples);
    signals.next().await;
    signals.exit_on_next(runtime);
    report(&process.stop().await);
    Ok(Outcome::Done)
}

async fn submit_samples(process: &Process, demo: &TenantId) -> Result<()> {
    let scope = process.scope(demo).await?;
    for (n, line) in SAMPLES.lines().enumerate() {
        let sample: Value = serde_json::from_str(line).context("the sample data is broken")?;
        let text = |name: &str| sample[name].as_str().unwrap_or_default().to_owned();
        let submission = Submission {
            context: text("context"),
            aggregate: text("aggregate"),
            id: text("id"),
            command: text("command"),
            payload: sample["payload"].clone(),
            command_id: Some(format!("sample-{n}")),
            expected_version: None,
            if_match: false,
            correlation_id: None,
            causation_id: None,
        };
        process
            .bus()
            .submit(&scope, submission)
            .await
            .map_err(|problem| anyhow::anyhow!("a sample was refused: {problem:?}"))?;
    }
    Ok(())
}

/// Whether a folder whose first start was earlier has the samples, which that one may have been told to leave out.
async fn has_samples(process: &Process, data: &Path, demo: &TenantId, runtime: &Runtime) -> Result<bool> {
    let request = TokenRequest {
        tenant: demo.clone(),
        subject: "command-line".into(),
        roles: vec![Role::Member],
        ttl: Duration::from_secs(60),
    };
    let url = format!("http://{}/v1/catalog/products/kettle-1", process.addresses().http);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let token = token_key(data)?.sign(&request, runtime);
    Ok(client.get(url).bearer_auth(token).send().await?.status().is_success())
}

fn greet(data: &Path, addresses: Addresses, samples: bool) {
    let Addresses { http, grpc, .. } = addresses;
    let data = data.display();
    say(format_args!(
        "\
Headwater is ready.
  HTTP  http://{http}    try it at http://{http}/docs
  gRPC  {grpc}
  data  {data}

Get a token for the tenant demo:
  TOKEN=$(headwater token --tenant demo --data {data})     # or: cargo run --release -- token --tenant demo --data {data}

Then:"
    ));
    let samples_first = "  curl -H \"Authorization: Bearer $TOKEN\" 'HTTP/v1/search/products?q=kettle&facets=brand'
  curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{\"price_cents\": 4290}' \\
       HTTP/v1/catalog/products/kettle-1/change-price
  curl -H \"Authorization: Bearer $TOKEN\" HTTP/v1/crm/accounts/harbour-cafe/tree
";
    // The same create again answers the same receipt.
    let create_first = "  curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -H 'Idempotency-Key: first' \\
       -d '{\"sku\": \"A-1\", \"title\": \"Kettle\", \"brand\": \"Norvik\", \"price_cents\": 3990}' HTTP/v1/catalog/products/P1/create
  curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{\"price_cents\": 4290}' \\
       HTTP/v1/catalog/products/P1/change-price
  curl -H \"Authorization: Bearer $TOKEN\" 'HTTP/v1/search/products?q=kettle&facets=brand'
";
    let examples = if samples { samples_first } else { create_first };
    say(examples.replace("HTTP", &format!("http://{http}")));
}
