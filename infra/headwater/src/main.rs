//! The binary `headwater`: the only place that turns configuration into adapters.
//!
//! `commands/` has one file per command of the command line; `config/` reads what `serve` is told; `assembly/` puts a process together of it;
//! `data_folder.rs` owns `DIR`.

// The futures of the AWS SDK nest deeply in those of an admin call: with CARGO_INCREMENTAL=0 the compiler counted 130 levels in the layout of
// one, where 128 are the default.
#![recursion_limit = "256"]

mod admin;
mod assembly;
mod cli;
mod commands;
mod config;
mod contexts;
mod data_folder;
mod doctor;
mod exporting;
mod logs;
mod metrics;
mod reach;
mod signals;

use clap::Parser;
use std::process::ExitCode;

/// Memory is taken by the threads that serve and given back by the engine's, and the other way round; glibc's arenas take a quarter more
/// processor time for that and twice the memory (`cargo xtask bench replay`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command came to; the process ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it.
    Done,
    /// Some of it.
    InPart,
}

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    logs::begin();
    headwater_runtime::tls::use_ring();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::InPart) => ExitCode::from(3),
        Err(error) => failed(&error),
    }
}

#[allow(clippy::print_stderr, reason = "errors go to the terminal")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("headwater: {error:#}");
    ExitCode::FAILURE
}
