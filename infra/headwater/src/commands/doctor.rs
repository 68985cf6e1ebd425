//! `headwater doctor`: looks at everything that a process needs, and says what to do. Ends with 1 when something does not work.

use super::{say, serve};
use crate::{
    Outcome,
    cli::Output,
    config::{self, Config},
    doctor::{self, Findings, Level},
};
use anyhow::{Result, bail};
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(crate) async fn run(
    file: Option<&Path>,
    data: Option<PathBuf>,
    output: Output,
    runtime: &Runtime,
) -> Result<Outcome> {
    let configured =
        file.is_some() || config::is_in(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    let config = if configured {
        serve::read(file, data)
    } else {
        let any = ([127, 0, 0, 1], 0).into();
        let data = data.unwrap_or_else(|| ".headwater".into());
        Ok(Config::development(&data, any, any, TenantId::new("demo")?))
    };
    let findings = match config {
        Ok(config) => doctor::check(&config, runtime).await,
        Err(config::Faults(faults)) => {
            let mut findings = Findings::default();
            faults
                .iter()
                .for_each(|fault| findings.fail("configuration", fault.to_string()));
            findings
        }
    };
    let (failed, warned) = (findings.count(Level::Fail), findings.count(Level::Warn));
    match output {
        Output::Json => {
            let mut all = json!(findings);
            all["failed"] = failed.into();
            all["warned"] = warned.into();
            say(all);
        }
        Output::Text => findings.iter().for_each(say),
    }
    if failed > 0 {
        bail!("{failed} of {} checks failed", findings.iter().count());
    }
    Ok(Outcome::Done)
}
