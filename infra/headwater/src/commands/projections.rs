//! `headwater projections`: a line for each generation of each projection and each context that it follows.

use super::{
    say,
    table::{self, cell},
};
use crate::{
    Outcome,
    cli::{Output, Reach},
    reach::{Fresh, Reached, ask},
};
use anyhow::Result;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use serde_json::Value;
use std::path::Path;

pub(crate) async fn run(
    data: &Path,
    tenant: Option<&TenantId>,
    reach: &Reach,
    output: Output,
    runtime: &Runtime,
) -> Result<Outcome> {
    let reached = Reached::find(data, reach, tenant, Fresh::Refuse, runtime).await?;
    let answer = async {
        let parameters = [("tenant", tenant.map(TenantId::as_str))];
        let url = reached.route(&["v1", "admin", "projections"], &parameters)?;
        ask(reached.client()?.get(url)).await
    }
    .await;
    reached.close().await;
    let answer = answer?;
    match output {
        Output::Json => say(&answer),
        Output::Text => print(answer["items"].as_array().map(Vec::as_slice).unwrap_or_default()),
    }
    Ok(Outcome::Done)
}

fn print(projections: &[Value]) {
    let lines = projections.iter().flat_map(|projection| {
        let contexts = projection["contexts"].as_array().into_iter().flatten();
        contexts.map(move |context| {
            [
                cell(projection, "projection"),
                cell(projection, "generation"),
                state(projection, context),
                cell(context, "context"),
                cell(context, "lag_events"),
                format!("{:.1}", context["lag_seconds"].as_f64().unwrap_or_default()),
                cell(context, "parked"),
                position(context),
            ]
        })
    });
    let heads = [
        "PROJECTION",
        "GENERATION",
        "STATE",
        "CONTEXT",
        "EVENTS BEHIND",
        "SECONDS BEHIND",
        "PARKED",
        "POSITION",
    ];
    table::print(heads, lines.collect());
}

/// What is most worth knowing.
fn state(projection: &Value, context: &Value) -> String {
    let is = |object: &Value, name: &str| object[name].as_bool().unwrap_or_default();
    let mut state = match (is(projection, "live"), cell(projection, "state")) {
        (true, kept) if kept == "kept" => "live".to_owned(),
        (_, state) => state,
    };
    for (told, word) in [
        (is(context, "recovering"), "recovering"),
        (is(projection, "outdated"), "outdated"),
        (is(projection, "partial"), "partly elsewhere"),
    ] {
        if told {
            state = format!("{state}, {word}");
        }
    }
    state
}

/// The one of the one shard, or how many there are.
fn position(context: &Value) -> String {
    match context["shards"].as_array().map(Vec::as_slice).unwrap_or_default() {
        [shard] => cell(shard, "position"),
        shards => format!("{} shards", shards.len()),
    }
}
