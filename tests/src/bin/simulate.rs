//! `cargo xtask simulate`: plays seeds of the simulation. `--seed N` one, `--seeds N` as many, `--from N` from there on.
#![allow(clippy::print_stdout, reason = "a command")]

use headwater_tests::simulation::seeds::play_all;
use std::{process::ExitCode, time::Instant};

/// A fifth of a seed's time is taking and giving memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut from, mut seeds, mut threads) = (0, 100, std::thread::available_parallelism().map_or(1, usize::from));
    while let (Some(name), value) = (arguments.next(), arguments.next()) {
        let Some(value) = value.and_then(|value| value.parse::<u64>().ok()) else {
            println!("{name} takes a number");
            return ExitCode::FAILURE;
        };
        match name.as_str() {
            "--seed" => (from, seeds) = (value, 1),
            "--seeds" => seeds = value,
            "--from" => from = value,
            "--threads" => threads = usize::try_from(value).unwrap_or(1),
            other => {
                println!("there is no {other}; use --seed, --seeds, --from or --threads");
                return ExitCode::FAILURE;
            }
        }
    }
    if headwater_tests::simulation::is_verbose() {
        // Not the SDK's: its spans draw numbers for their ids, and another course is played.
        let ours = "headwater_projectors=debug,headwater_event_log=debug,headwater_tests=debug";
        let filter = tracing_subscriber::EnvFilter::new(ours);
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .without_time()
            .init();
    }
    #[allow(clippy::disallowed_methods, reason = "how long it really takes")]
    let started = Instant::now();
    let sums = play_all(from..from + seeds, threads, |course| {
        if !course.violations.is_empty() || seeds == 1 {
            println!("{course}  trace {:016x}", course.trace.0);
        } else if course.seed % 500 == 499 {
            println!("{course}");
        }
    });
    let took = started.elapsed().as_secs_f64();
    println!(
        "{} seeds on {threads} threads in {took:.1} s ({:.1} s per 100): {} steps, {} requests ({} with a fault), {} commits, {} rebuilds, {} switches by hand, {} virtual hours",
        sums.seeds,
        took / sums.seeds.max(1) as f64 * 100.0,
        sums.steps,
        sums.requests,
        sums.faults,
        sums.commits,
        sums.switches.0,
        sums.switches.1,
        sums.seconds / 3_600,
    );
    if sums.failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("{} fail: {:?}", sums.failed.len(), sums.failed);
    ExitCode::FAILURE
}
