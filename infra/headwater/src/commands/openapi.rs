//! `headwater openapi`: the document that `/openapi.json` serves, from a process of its own that keeps nothing.

use super::say;
use crate::{Outcome, assembly::Process, config::Config};
use anyhow::{Context, Result};
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;

pub(crate) async fn run(runtime: &Runtime) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let any = ([127, 0, 0, 1], 0).into();
    let process = Process::start(
        Config::development(folder.path(), any, any, TenantId::new("demo")?),
        runtime,
    )
    .await?;
    let url = format!("http://{}/openapi.json", process.addresses().http);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let text = client
        .get(&url)
        .send()
        .await
        .context("this process does not answer itself")?
        .text()
        .await?;
    process.stop().await;
    say(text);
    Ok(Outcome::Done)
}
