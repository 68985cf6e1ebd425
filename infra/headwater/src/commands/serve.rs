//! `headwater serve`: one process of an installation, until Ctrl-C or SIGTERM.

use super::say;
use crate::{
    Outcome,
    assembly::{Addresses, Process, Stopped},
    config::{self, Config},
    signals::{Signals, until_signalled},
};
use anyhow::Result;
use headwater_runtime::Runtime;
use std::path::{Path, PathBuf};

pub(crate) async fn run(file: Option<&Path>, data: Option<PathBuf>, runtime: &Runtime) -> Result<Outcome> {
    let config = read(file, data)?;
    let mut signals = Signals::listen()?;
    let roles: Vec<&str> = config.roles.iter().map(|role| role.as_str()).collect();
    let Some(process) = until_signalled(&mut signals, Process::start(config, runtime)).await? else {
        return Ok(Outcome::Done);
    };
    greet(&roles.join(", "), process.addresses());
    signals.next().await;
    signals.exit_on_next(runtime);
    report(&process.stop().await);
    Ok(Outcome::Done)
}

/// The configuration of a file and the environment; `--data` counts more than both.
pub(super) fn read(file: Option<&Path>, data: Option<PathBuf>) -> Result<Config, config::Faults> {
    let given = data.and_then(|data| data.into_os_string().into_string().ok());
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = environment.filter(|(name, _)| given.is_none() || name != "HEADWATER_DATA");
    config::read(
        file,
        environment.chain(given.iter().map(|data| ("HEADWATER_DATA".to_owned(), data.clone()))),
    )
}

fn greet(roles: &str, addresses: Addresses) {
    let Addresses { http, grpc, metrics } = addresses;
    say(format_args!(
        "Headwater serves: {roles}.\n  HTTP  http://{http}\n  gRPC  {grpc}"
    ));
    if let Some(metrics) = metrics {
        say(format_args!("  metrics  http://{metrics}/metrics"));
    }
}

/// Says what the end has cut, if it has.
#[allow(clippy::print_stderr, reason = "the last words of a process")]
pub(super) fn report(stopped: &Stopped) {
    let cut = stopped.to_string();
    if !cut.is_empty() {
        eprintln!("headwater: the time to drain was over; cut: {cut}");
    }
}
