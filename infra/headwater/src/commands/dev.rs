//! `headwater dev`: everything in one process, until Ctrl-C or SIGTERM.

use super::{say, serve::report};
use crate::{
    Outcome,
    assembly::{Addresses, Process},
    cli::Dev,
    config::Config,
    signals::{Signals, until_signalled},
};
use anyhow::{Context, Result};
use headwater_command_service::Submission;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use serde_json::Value;
use std::path::Path;

/// A small catalog of made-up products, with two accounts and a lead: one command a line.
const SAMPLES: &str = include_str!("../../sample/commands.ndjson");

pub(crate) async fn run(data: &Path, dev: &Dev, runtime: &Runtime) -> Result<Outcome> {
    let demo = TenantId::new("demo")?;
    let config = Config::development(data, dev.http, dev.grpc, demo.clone());
    let mut signals = Signals::listen()?;
    let start = async {
        let process = Process::start(config, runtime).await?;
        if !process.is_settled() {
            if !dev.empty {
                submit_samples(&process, &demo).await?;
            }
            process.settle()?;
        }
        Ok(process)
    };
    let Some(process) = until_signalled(&mut signals, start).await? else {
        return Ok(Outcome::Done);
    };
    greet(data, process.addresses());
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

fn greet(data: &Path, addresses: Addresses) {
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

Then:
  curl -H \"Authorization: Bearer $TOKEN\" 'http://{http}/v1/search/products?q=kettle&facets=brand'
  curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{{\"price_cents\": 4290}}' \\
       http://{http}/v1/catalog/products/kettle-1/change-price
  curl -H \"Authorization: Bearer $TOKEN\" http://{http}/v1/crm/accounts/harbour-cafe/tree
"
    ));
}
