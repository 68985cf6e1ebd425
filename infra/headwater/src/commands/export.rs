//! `headwater export`: what is new in events and read models, as Parquet; and `headwater export ddl`, for the engines that read it.

use super::say;
use crate::{
    Outcome,
    cli::{Export, ExportCommand, For, Output},
    config, exporting,
    reach::{Fresh, Reached, ask},
};
use anyhow::{Result, bail};
use headwater_export::ddl::{Engine, statements};
use headwater_runtime::Runtime;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// How often it is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(100);

pub(crate) async fn run(data: &Path, command: &Export, output: Output, runtime: &Runtime) -> Result<Outcome> {
    if let Some(ExportCommand::Ddl { engine, at }) = &command.ddl {
        ddl(data, *engine, at.as_deref());
        return Ok(Outcome::Done);
    }
    let (tenant, to) = (command.tenant.as_ref(), command.to.clone());
    let into = |config: &mut config::Config| {
        if let (Some(to), Some(export)) = (to, &mut config.export) {
            export.to = config::Objects::Folder(to);
        }
    };
    let reached = Reached::find_with(data, &command.reach, tenant, Fresh::Refuse, runtime, into).await?;
    let done = follow(&reached, command, runtime).await;
    reached.close().await;
    let done = done?;
    match output {
        Output::Json => say(&done),
        Output::Text => print(&done),
    }
    Ok(Outcome::Done)
}

async fn follow(reached: &Reached, command: &Export, runtime: &Runtime) -> Result<Value> {
    if command.to.is_some() && !reached.is_own() {
        bail!(
            "the Headwater at {} writes where its export.to says; stop it to export elsewhere with --to",
            reached.url
        );
    }
    let client = reached.client()?;
    let url = reached.route(&["v1", "admin", "exports"], &[])?;
    let mut asked = json!({});
    let only = command.events.then_some("events").or(command.views.then_some("views"));
    for (name, value) in [
        ("tenant", command.tenant.as_ref().map(|tenant| json!(tenant))),
        ("context", command.context.as_ref().map(|context| json!(context))),
        ("only", only.map(|only| json!(only))),
    ] {
        if let Some(value) = value {
            asked[name] = value;
        }
    }
    let begun = ask(client.post(url.clone()).json(&asked)).await?;
    loop {
        let status = ask(client.get(url.clone())).await?;
        if status["ended"] != begun["ended"] {
            if let Some(error) = status["error"].as_str() {
                bail!("{error}");
            }
            return Ok(status);
        }
        runtime.sleep(LOOK).await;
    }
}

fn print(done: &Value) {
    let Some(run) = done["run"].as_str() else {
        return say("nothing new");
    };
    for (table, rows) in done["rows"].as_object().into_iter().flatten() {
        say(format_args!("{table}\t{rows}"));
    }
    say(format_args!("{run}: {} files", done["files"]));
}

fn ddl(data: &Path, engine: For, at: Option<&str>) {
    let folder = data.join("exports").display().to_string();
    let (engine, usual) = match engine {
        For::Athena => (Engine::Athena, "s3://BUCKET/PREFIX"),
        For::Redshift => (Engine::Redshift, "s3://BUCKET/PREFIX"),
        For::Snowflake => (Engine::Snowflake, "s3://BUCKET/PREFIX"),
        For::Duckdb => (Engine::DuckDb, folder.as_str()),
    };
    let at = at.unwrap_or(usual);
    // Of a bucket nothing is known here: there, all tables have to have files.
    let present = |folder: &str| at.contains("://") || Path::new(at).join(folder).is_dir();
    say(statements(&exporting::catalogue(), engine, at, present).trim_end());
}
