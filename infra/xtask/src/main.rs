//! Repository chores: `cargo xtask arrows`, `cargo xtask bench append|lag|metrics|replay|search`, `cargo xtask counts FILE`,
//! `cargo xtask opensearch`, `cargo xtask simulate`.

mod arrows;
mod counts;
mod shipped;
mod simulate;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::Command};

/// Repository chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Checks that dependencies between crates point the way DESIGN says, that the contexts stay pure, and that the binary has one TLS stack
    /// and nothing that is for tests.
    Arrows,
    /// Runs a benchmark in release mode and prints its table.
    Bench {
        /// Which: append, lag, metrics, replay or search.
        name: String,
        /// Passed on to the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Sums what test runs have printed into one line of counts.
    Counts {
        /// The output of `cargo test`.
        output: PathBuf,
    },
    /// Starts an OpenSearch node for trying things out, until it is interrupted.
    Opensearch {
        /// Where it listens on 127.0.0.1.
        #[arg(long, default_value_t = 9200)]
        port: u16,
    },
    /// Plays seeds of the deterministic simulation.
    Simulate(simulate::Simulate),
}

fn main() -> Result<()> {
    match Cli::parse().chore {
        Chore::Arrows => arrows::check(),
        Chore::Bench { name, arguments } => bench(&name, &arguments),
        Chore::Counts { output } => counts::print(&output),
        Chore::Opensearch { port } => opensearch(port),
        Chore::Simulate(asked) => simulate::run(&asked),
    }
}

#[allow(clippy::print_stdout, reason = "says where it is")]
fn opensearch(port: u16) -> Result<()> {
    let node = headwater_engines::OpenSearch::start_at(port);
    println!("{} until this is interrupted", node.endpoint());
    loop {
        std::thread::park();
    }
}

fn bench(name: &str, arguments: &[String]) -> Result<()> {
    let (package, bench) = match name {
        "append" => ("headwater-tests", "append"),
        "lag" => ("headwater-tests", "lag"),
        "metrics" => ("headwater-metrics", "metrics"),
        "replay" => ("headwater-tests", "replay"),
        "search" => ("headwater-search", "search"),
        other => bail!("there is no benchmark {other:?}; use append, lag, metrics, replay or search"),
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["bench", "-p", package, "--bench", bench, "--"])
        .args(arguments)
        .status()?;
    if !status.success() {
        bail!("the benchmark {name} failed");
    }
    Ok(())
}
