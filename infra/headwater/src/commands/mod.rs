//! One file per command.

mod audit_log;
mod dev;
mod doctor;
mod export;
mod import;
mod import_again;
mod import_lines;
#[cfg(feature = "lambda")]
mod lambda;
mod openapi;
mod parked;
mod projections;
mod replay;
mod replay_follow;
mod serve;
mod table;
mod tenant;
mod token;

use crate::{
    Outcome,
    cli::{Cli, Command, Import},
};
use anyhow::Result;
use clap::CommandFactory;
use headwater_runtime::Runtime;
use std::{
    io::{ErrorKind, Write},
    process::exit,
};

/// What a shell tells of a process that SIGPIPE ended.
const READER_GONE: i32 = 128 + 13;

/// Runs a command to its end.
pub(crate) async fn run(cli: Cli) -> Result<Outcome> {
    let runtime = Runtime::tokio();
    let Cli {
        command,
        data,
        output,
        dev,
    } = cli;
    let given = data.clone();
    let data = data.unwrap_or_else(|| ".headwater".into());
    match command {
        None => dev::run(&data, &dev, &runtime).await,
        Some(Command::Dev(dev)) => dev::run(&data, &dev, &runtime).await,
        Some(Command::Serve(configured)) => serve::run(configured.config.as_deref(), given, &runtime).await,
        #[cfg(feature = "lambda")]
        Some(Command::Lambda(configured)) => lambda::run(configured.config.as_deref(), given, &runtime).await,
        Some(Command::Doctor(configured)) => doctor::run(configured.config.as_deref(), given, output, &runtime).await,
        Some(Command::Token(request)) => token::run(&data, request, output, &runtime),
        Some(Command::Tenant(command)) => tenant::run(&data, command, output, &runtime).await,
        Some(Command::Import(Import::Products { files, tenant, reach })) => {
            import::run(&data, files, &tenant, &reach, output, &runtime).await
        }
        Some(Command::Projections { tenant, reach }) => {
            projections::run(&data, tenant.as_ref(), &reach, output, &runtime).await
        }
        Some(Command::Parked(command)) => parked::run(&data, command, output, &runtime).await,
        Some(Command::Replay(command)) => replay::run(&data, &command, output, &runtime).await,
        Some(Command::AuditLog(command)) => audit_log::run(&data, command, output, &runtime).await,
        Some(Command::Export(command)) => export::run(&data, &command, output, &runtime).await,
        Some(Command::Openapi) => openapi::run(&runtime).await,
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "headwater", &mut std::io::stdout());
            Ok(Outcome::Done)
        }
    }
}

/// Prints a line for whoever called, person or program.
///
/// Who reads no further, as `head` does, ends the command as SIGPIPE would; what cannot be written elsewhere, as on a full disk, ends it as failed.
#[allow(clippy::print_stderr, reason = "what cannot be said there is said here")]
fn say(line: impl std::fmt::Display) {
    let Err(why) = writeln!(std::io::stdout(), "{line}") else {
        return;
    };
    if why.kind() == ErrorKind::BrokenPipe {
        exit(READER_GONE);
    }
    eprintln!("the output cannot be written: {why}");
    exit(1);
}
