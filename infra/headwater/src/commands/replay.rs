//! `headwater replay`: rebuilds a projection, or does something else about its generations.

use super::{replay_follow::follow, say, table::cell};
use crate::{
    Outcome,
    cli::{Output, Replay},
    reach::{Fresh, Reached, answer, ask},
};
use anyhow::{Context, Result, bail};
use futures::StreamExt;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use serde_json::{Value, json};
use std::path::Path;

pub(crate) async fn run(data: &Path, command: &Replay, output: Output, runtime: &Runtime) -> Result<Outcome> {
    let reached = Reached::find(data, &command.reach, command.tenant.as_ref(), Fresh::Refuse, runtime).await?;
    let done = Asked {
        client: reached.client()?,
        reached: &reached,
        command,
        output,
    }
    .act(runtime)
    .await;
    reached.close().await;
    done
}

struct Asked<'a> {
    client: reqwest::Client,
    reached: &'a Reached,
    command: &'a Replay,
    output: Output,
}

impl Asked<'_> {
    async fn act(&self, runtime: &Runtime) -> Result<Outcome> {
        let Replay {
            aggregate,
            dry_run,
            wcu,
            cancel,
            switch_to,
            drop,
            check,
            tenant,
            ..
        } = self.command;
        let tenant = tenant.as_ref();
        if let Some(aggregate) = aggregate {
            return self.rewrite(aggregate, tenant).await;
        }
        if *dry_run {
            return self.compare(tenant).await;
        }
        if *cancel {
            return self
                .done(
                    "replays/cancel",
                    &json!({}),
                    "is cancelled; what it wrote is being deleted",
                )
                .await;
        }
        if let Some(generation) = switch_to {
            let body = of_tenant(json!({ "generation": generation }), tenant);
            return self
                .done("switch", &body, "is live; queries see it within seconds")
                .await;
        }
        if let Some(generation) = drop {
            let body = with_budget(json!({ "generation": generation }), *wcu);
            return self.done("drop", &body, "is being deleted").await;
        }
        if let Some(generation) = check {
            let body = json!({ "generation": generation });
            let checked = self.post("check", &body).await?;
            return self.watch(&checked, runtime).await;
        }
        let body = with_budget(of_tenant(json!({}), tenant), *wcu);
        let started = match self.post("replays", &body).await {
            Ok(started) => started,
            Err(error) if error.to_string().contains("replay-under-way") => self.under_way(error).await?,
            Err(error) => return Err(error),
        };
        self.watch(&started, runtime).await
    }

    fn route(&self, rest: &str, tenant: Option<&TenantId>) -> Result<reqwest::Url> {
        let mut parts = vec!["v1", "admin", "projections", &self.command.projection];
        parts.extend(rest.split('/'));
        self.reached.route(&parts, &[("tenant", tenant.map(TenantId::as_str))])
    }

    async fn post(&self, rest: &str, body: &Value) -> Result<Value> {
        ask(self.client.post(self.route(rest, None)?).json(body)).await
    }

    /// Something that is done at once, about a generation.
    async fn done(&self, rest: &str, body: &Value, what: &str) -> Result<Outcome> {
        let generation = self.post(rest, body).await?;
        match self.output {
            Output::Json => say(&generation),
            Output::Text => say(format_args!("{} {what}", name(&generation))),
        }
        Ok(Outcome::Done)
    }

    /// The replay that another call has begun, to be watched; unless this one asks for something of its own.
    async fn under_way(&self, refused: anyhow::Error) -> Result<Value> {
        if self.command.wcu.is_some() {
            return Err(refused);
        }
        let all = ask(self.client.get(self.route("replays", None)?)).await?;
        let mut replays = all["items"].as_array().into_iter().flatten();
        let tenant = self.command.tenant.as_ref().map_or(Value::Null, |tenant| json!(tenant));
        let found = replays.find(|one| {
            let state = one["state"].as_str().unwrap_or_default();
            !matches!(state, "kept" | "dropping") && one["tenant"] == tenant
        });
        found.map(|one| one["replay"].clone()).ok_or(refused)
    }

    async fn watch(&self, replay: &Value, runtime: &Runtime) -> Result<Outcome> {
        let generation = replay["generation"].as_u64().unwrap_or_default();
        let url = self.route("replays", None)?;
        let last = tokio::select! {
            last = follow(&self.client, url, generation, runtime) => last?,
            _ = tokio::signal::ctrl_c() => {
                let then = if self.reached.is_own() {
                    "it goes on where it is when a Headwater has the data folder open again"
                } else {
                    "it goes on in the process that keeps it"
                };
                bail!("stopped watching {}; {then} (--cancel ends it, the same command watches again)", name(replay))
            }
        };
        if self.output == Output::Json {
            say(&last);
        }
        match last["state"].as_str() {
            Some("kept") => {
                if self.output == Output::Text {
                    say(format_args!(
                        "{} is live: {} commits, {} rows, {:.0} write units; the one before is kept until --drop",
                        name(replay),
                        cell(&last, "commits"),
                        cell(&last, "rows"),
                        last["write_units"].as_f64().unwrap_or_default()
                    ));
                }
                Ok(Outcome::Done)
            }
            Some("check-failed") => bail!("{} is not shown to anybody: {}", name(replay), cell(&last, "problem")),
            _ => bail!("{} was cancelled", name(replay)),
        }
    }

    async fn rewrite(&self, aggregate: &str, tenant: Option<&TenantId>) -> Result<Outcome> {
        // The name of a kind has no slash; an id may.
        let named = aggregate
            .split_once('/')
            .filter(|(kind, _)| kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        let body = match named {
            Some((kind, id)) => json!({ "tenant": tenant, "aggregate": kind, "id": id }),
            None => json!({ "tenant": tenant, "id": aggregate }),
        };
        let rewritten = self.post("rewrite", &body).await?;
        match (self.output, rewritten["outcome"].as_str()) {
            (Output::Json, _) => say(&rewritten),
            (_, Some("written")) => say(format_args!(
                "{aggregate} is written anew at version {}, {} rows",
                cell(&rewritten, "version"),
                cell(&rewritten, "rows")
            )),
            (_, Some("newer")) => say(format_args!(
                "{aggregate} is there as new or newer; nothing was written"
            )),
            _ => say(format_args!("the log has nothing of {aggregate}; nothing was written")),
        }
        Ok(Outcome::Done)
    }

    /// Lists differences as they are found.
    async fn compare(&self, tenant: Option<&TenantId>) -> Result<Outcome> {
        let response = self.client.get(self.route("differences", tenant)?).send().await;
        let response = response.context("the Headwater cannot be reached")?;
        if !response.status().is_success() {
            answer(response).await?;
            bail!("the comparison was not accepted");
        }
        let mut chunks = response.bytes_stream();
        let mut rest = Vec::new();
        let mut totals = None;
        while let Some(chunk) = chunks.next().await {
            rest.extend_from_slice(&chunk.context("the connection was lost before the end")?);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let line: Value = serde_json::from_slice(&line).context("a line of the answer is not JSON")?;
                if let Some(problem) = line.get("problem") {
                    bail!("{} ({})", cell(problem, "detail"), cell(problem, "code"));
                }
                match (line.get("difference"), self.output) {
                    (Some(_), Output::Json) => say(&line),
                    (Some(difference), Output::Text) => say(told(difference)),
                    (None, _) => totals = line.get("totals").cloned().or(totals),
                }
            }
        }
        let totals = totals.context("the connection was lost before the end")?;
        let sums = &totals["total"];
        match self.output {
            Output::Json => say(json!({ "totals": totals })),
            Output::Text => say(format_args!(
                "{} aggregates of {} tenants compared: {} differences, {} of {} rows are there, {} parked",
                cell(sums, "aggregates"),
                cell(&totals, "tenants"),
                cell(sums, "differences"),
                cell(sums, "stored_rows"),
                cell(sums, "rows"),
                cell(sums, "parked")
            )),
        }
        let differ = sums["differences"] != 0
            || sums["rows"] != sums["stored_rows"]
            || sums["checksum"] != sums["stored_checksum"];
        if differ {
            bail!(
                "{} differs from the log; `headwater replay` rebuilds it",
                self.command.projection
            );
        }
        Ok(Outcome::Done)
    }
}

fn of_tenant(mut body: Value, tenant: Option<&TenantId>) -> Value {
    if let Some(tenant) = tenant {
        body["tenant"] = json!(tenant);
    }
    body
}

fn with_budget(mut body: Value, wcu: Option<f64>) -> Value {
    if let Some(wcu) = wcu {
        body["write_units_per_second"] = json!(wcu);
    }
    body
}

fn name(generation: &Value) -> String {
    format!("{}.{}", cell(generation, "projection"), cell(generation, "generation"))
}

fn told(difference: &Value) -> String {
    let of = |name| cell(difference, name);
    let row = difference["row"].as_str().map(|row| format!(" row {row}"));
    format!(
        "{}\t{}/{}/{}{}\tstored at {}, the log is at {}",
        of("kind"),
        of("tenant"),
        of("aggregate"),
        of("id"),
        row.unwrap_or_default(),
        of("stored_version"),
        of("log_version")
    )
}
