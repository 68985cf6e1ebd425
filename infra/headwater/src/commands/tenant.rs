//! `headwater tenant create|list`.

use super::say;
use crate::{
    Outcome,
    cli::{Output, Tenant},
    reach::{Fresh, Reached, answer},
};
use anyhow::{Context, Result};
use headwater_runtime::Runtime;
use serde_json::{Value, json};
use std::path::Path;

pub(crate) async fn run(data: &Path, command: Tenant, output: Output, runtime: &Runtime) -> Result<Outcome> {
    let (Tenant::Create { reach, .. } | Tenant::List { reach }) = &command;
    let fresh = match &command {
        Tenant::Create { .. } => Fresh::Begin,
        Tenant::List { .. } => Fresh::Refuse,
    };
    let reached = Reached::find(data, reach, None, fresh, runtime).await?;
    let url = format!("{}/v1/admin/tenants", reached.url);
    let result = async {
        let client = reached.client()?;
        let request = match &command {
            Tenant::Create { tenant, region, .. } => client.post(&url).json(&json!({ "id": tenant, "region": region })),
            Tenant::List { .. } => client.get(&url),
        };
        answer(request.send().await.with_context(|| format!("cannot reach {url}"))?).await
    }
    .await;
    reached.close().await;
    let body = result?;
    match output {
        Output::Json => say(&body),
        Output::Text => {
            let line = |tenant: &Value| {
                let member = |name: &str| tenant[name].as_str().unwrap_or_default().to_owned();
                say(format_args!(
                    "{}\t{}\t{}",
                    member("id"),
                    member("region"),
                    member("state")
                ));
            };
            match body["items"].as_array() {
                Some(items) => items.iter().for_each(line),
                None => line(&body),
            }
        }
    }
    Ok(Outcome::Done)
}
