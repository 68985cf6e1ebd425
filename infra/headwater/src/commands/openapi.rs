//! `headwater openapi`: the document that `/openapi.json` serves, from a process of its own that keeps nothing.

use super::say;
use crate::{
    Outcome,
    server::{Addresses, Server},
};
use anyhow::{Context, Result};
use headwater_runtime::Runtime;

pub(crate) async fn run(runtime: &Runtime) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let any = ([127, 0, 0, 1], 0).into();
    let server = Server::start(folder.path(), Addresses { http: any, grpc: any }, true, runtime).await?;
    let url = format!("http://{}/openapi.json", server.addresses().http);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let text = client
        .get(&url)
        .send()
        .await
        .context("this process does not answer itself")?
        .text()
        .await?;
    server.stop().await;
    say(text);
    Ok(Outcome::Done)
}
