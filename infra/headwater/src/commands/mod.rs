//! One file per command.

mod dev;
mod import;
mod import_lines;
mod openapi;
mod tenant;
mod token;

use crate::{
    Outcome,
    cli::{Cli, Command, Import},
};
use anyhow::Result;
use clap::CommandFactory;
use headwater_runtime::Runtime;

/// Runs a command to its end.
pub(crate) async fn run(cli: Cli) -> Result<Outcome> {
    let runtime = Runtime::tokio();
    let Cli {
        command,
        data,
        output,
        dev,
    } = cli;
    match command {
        None => dev::run(&data, &dev, &runtime).await,
        Some(Command::Dev(dev)) => dev::run(&data, &dev, &runtime).await,
        Some(Command::Token(request)) => token::run(&data, request, &runtime),
        Some(Command::Tenant(command)) => tenant::run(&data, command, output, &runtime).await,
        Some(Command::Import(Import::Products { files, tenant, reach })) => {
            import::run(&data, files, &tenant, &reach, output, &runtime).await
        }
        Some(Command::Openapi) => openapi::run(&runtime).await,
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "headwater", &mut std::io::stdout());
            Ok(Outcome::Done)
        }
    }
}

/// Prints a line for whoever called, person or program.
#[allow(clippy::print_stdout, reason = "this is the output of the command")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}
