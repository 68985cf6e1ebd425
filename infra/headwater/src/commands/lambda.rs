//! `headwater lambda`: an AWS Lambda function that keeps the projections, mapped to the streams of the event tables.

use super::serve;
use crate::{Outcome, assembly::lambda::Function};
use anyhow::Result;
use headwater_runtime::Runtime;
use std::path::{Path, PathBuf};

pub(crate) async fn run(file: Option<&Path>, data: Option<PathBuf>, runtime: &Runtime) -> Result<Outcome> {
    let function = Function::start(serve::read(file, data)?, runtime).await?;
    headwater_projectors::lambda::serve(function.handler.clone()).await?;
    Ok(Outcome::Done)
}
