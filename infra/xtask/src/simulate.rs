//! `cargo xtask simulate --seed N` plays one course of the deterministic simulation again; `--seeds 10000` is the nightly command.

use anyhow::{Result, bail};
use std::process::Command;

/// Which seeds to play.
#[derive(clap::Args)]
pub(crate) struct Simulate {
    /// One seed, as it was printed; with every request when `--verbose`.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// So many.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// From this one on.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Prints every request, what it does, and what the workers say.
    #[arg(long)]
    verbose: bool,
    /// Built without optimisation: quicker for a few seeds.
    #[arg(long)]
    debug: bool,
}

/// Plays them.
pub(crate) fn run(asked: &Simulate) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "-p", "headwater-tests", "--bin", "simulate"]);
    if !asked.debug {
        command.arg("--release");
    }
    command.arg("--");
    match asked.seed {
        Some(seed) => command.args(["--seed", &seed.to_string()]),
        None => command.args(["--seeds", &asked.seeds.to_string(), "--from", &asked.from.to_string()]),
    };
    if asked.verbose {
        command.env("HEADWATER_SIMULATION_VERBOSE", "1");
    }
    if !command.status()?.success() {
        bail!("there are seeds that fail; play one again with `cargo xtask simulate --seed N --verbose`");
    }
    Ok(())
}
