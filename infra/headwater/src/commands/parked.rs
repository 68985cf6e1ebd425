//! `headwater parked list|show|retry|discard`.

use super::{
    say,
    table::{self, cell},
};
use crate::{
    Outcome,
    cli::{Output, Parked, ParkedAggregate, Reach},
    reach::{Fresh, Reached, ask},
};
use anyhow::{Result, bail};
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use serde_json::{Value, json};
use std::path::Path;

/// What is asked for, once clap has done its part.
enum Wanted {
    List(Option<String>, Option<TenantId>),
    Show(ParkedAggregate),
    Retry(ParkedAggregate),
    RetryAll(String, Option<TenantId>),
    Discard(ParkedAggregate),
}

fn wanted(command: Parked) -> (Wanted, Reach) {
    match command {
        Parked::List {
            projection,
            tenant,
            reach,
        } => (Wanted::List(projection, tenant), reach),
        Parked::Show { which, reach } => (Wanted::Show(which), reach),
        Parked::Discard { which, reach } => (Wanted::Discard(which), reach),
        Parked::Retry {
            projection,
            tenant,
            context: Some(context),
            aggregate: Some(aggregate),
            id: Some(id),
            reach,
            all: _,
        } if tenant.is_some() => {
            let which = tenant.map(|tenant| ParkedAggregate {
                projection: projection.clone(),
                tenant,
                context,
                aggregate,
                id,
            });
            (which.map_or(Wanted::RetryAll(projection, None), Wanted::Retry), reach)
        }
        // Without --all clap insists on the others.
        Parked::Retry {
            projection,
            tenant,
            reach,
            ..
        } => (Wanted::RetryAll(projection, tenant), reach),
    }
}

pub(crate) async fn run(data: &Path, command: Parked, output: Output, runtime: &Runtime) -> Result<Outcome> {
    let (wanted, reach) = wanted(command);
    let home = match &wanted {
        Wanted::List(_, tenant) | Wanted::RetryAll(_, tenant) => tenant.as_ref(),
        Wanted::Show(which) | Wanted::Retry(which) | Wanted::Discard(which) => Some(&which.tenant),
    };
    let reached = Reached::find(data, &reach, home, Fresh::Refuse, runtime).await?;
    let done = answer(&reached, &wanted, output).await;
    reached.close().await;
    done
}

async fn answer(reached: &Reached, wanted: &Wanted, output: Output) -> Result<Outcome> {
    let client = reached.client()?;
    let route = |which: &ParkedAggregate, verb: Option<&str>| {
        let ParkedAggregate {
            projection,
            tenant,
            context,
            aggregate,
            id,
        } = which;
        let mut parts = vec![
            "v1",
            "admin",
            "parked",
            projection,
            tenant.as_str(),
            context,
            aggregate,
            id,
        ];
        parts.extend(verb);
        reached.route(&parts, &[])
    };
    match wanted {
        Wanted::List(projection, tenant) => {
            let items = list(reached, &client, projection.as_deref(), tenant.as_ref()).await?;
            match output {
                Output::Json => say(json!({ "items": items })),
                Output::Text if items.is_empty() => say("nothing is parked"),
                Output::Text => print(&items),
            }
            Ok(Outcome::Done)
        }
        Wanted::Show(which) => {
            let shown = ask(client.get(route(which, None)?)).await?;
            match output {
                Output::Json => say(&shown),
                Output::Text => show(&shown),
            }
            Ok(Outcome::Done)
        }
        Wanted::Retry(which) => one(&ask(client.post(route(which, Some("retry"))?)).await?, output),
        Wanted::Discard(which) => one(&ask(client.post(route(which, Some("discard"))?)).await?, output),
        Wanted::RetryAll(projection, tenant) => {
            all(&retry_all(reached, &client, projection, tenant.as_ref()).await?, output)
        }
    }
}

/// All pages.
async fn list(
    reached: &Reached,
    client: &reqwest::Client,
    projection: Option<&str>,
    tenant: Option<&TenantId>,
) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let parameters = [
            ("projection", projection),
            ("tenant", tenant.map(TenantId::as_str)),
            ("limit", Some("200")),
            ("cursor", cursor.as_deref()),
        ];
        let mut page = ask(client.get(reached.route(&["v1", "admin", "parked"], &parameters)?)).await?;
        if let Some(more) = page["items"].as_array_mut() {
            items.append(more);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(items),
        }
    }
}

/// All pages; what became of each.
async fn retry_all(
    reached: &Reached,
    client: &reqwest::Client,
    projection: &str,
    tenant: Option<&TenantId>,
) -> Result<Vec<Value>> {
    let url = reached.route(&["v1", "admin", "parked", "retry"], &[])?;
    let mut body = json!({ "projection": projection });
    if let Some(tenant) = tenant {
        body["tenant"] = json!(tenant);
    }
    let mut items = Vec::new();
    loop {
        let mut page = ask(client.post(url.clone()).json(&body)).await?;
        if let Some(more) = page["items"].as_array_mut() {
            items.append(more);
        }
        match page["next_cursor"].take() {
            Value::Null => return Ok(items),
            next => body["cursor"] = next,
        }
    }
}

const HEADS: [&str; 9] = [
    "PROJECTION",
    "GENERATION",
    "TENANT",
    "CONTEXT",
    "AGGREGATE",
    "ID",
    "FROM",
    "SINCE",
    "REASON",
];

fn line(parked: &Value) -> [String; 9] {
    [
        "projection",
        "generation",
        "tenant",
        "context",
        "aggregate",
        "id",
        "first_sequence",
        "since",
        "reason",
    ]
    .map(|name| cell(parked, name))
}

fn print(items: &[Value]) {
    table::print(HEADS, items.iter().map(line).collect());
}

fn show(shown: &Value) {
    for (head, cell) in HEADS.iter().zip(line(shown)) {
        say(format_args!("{:12}{cell}", head.to_lowercase()));
    }
    let events = shown["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    if events.is_empty() {
        say("the log cannot show the commit that stops it");
    }
    for event in events {
        say(format_args!(
            "{:>12}  {}  {}  {}",
            cell(event, "sequence"),
            cell(event, "occurred_at"),
            cell(event, "type"),
            event["data"]
        ));
    }
}

fn one(outcome: &Value, output: Output) -> Result<Outcome> {
    if output == Output::Json {
        say(outcome);
    }
    let parked = &outcome["parked"];
    if outcome["outcome"] == "still-parked" {
        bail!(
            "{} is still parked, at {}: {}",
            cell(parked, "id"),
            cell(parked, "first_sequence"),
            cell(parked, "reason")
        );
    }
    if output == Output::Text {
        say(format_args!("{} is parked no more", cell(parked, "id")));
    }
    Ok(Outcome::Done)
}

fn all(items: &[Value], output: Output) -> Result<Outcome> {
    let still: Vec<&Value> = items.iter().filter(|one| one["outcome"] == "still-parked").collect();
    let applied = items.len() - still.len();
    match output {
        Output::Json => say(json!({ "items": items })),
        Output::Text if items.is_empty() => say("nothing is parked"),
        Output::Text => {
            say(format_args!("{applied} applied, {} still parked", still.len()));
            if !still.is_empty() {
                print(&still.iter().map(|one| one["parked"].clone()).collect::<Vec<_>>());
            }
        }
    }
    match (applied, still.len()) {
        (_, 0) => Ok(Outcome::Done),
        (0, still) => bail!("{still} are still parked"),
        _ => Ok(Outcome::InPart),
    }
}
