//! The deterministic simulation: workers, writers, subscribers and an operator on the real code, over the engine in memory, on one thread.
//! A seed decides everything: which task runs next, how long each request takes, what fails, who crashes, how streams split and forget.
//!
//! - [`world`] is the executor with its virtual time; [`weather`] decides what becomes of each request; [`ledger`] holds every write
//!   against the [invariants](crate::invariants).
//! - [`plan`] says what a seed stands for, [`actors`] take part, [`troubles`] happen to them, [`play`] is the whole course of one seed.

pub mod actors;
pub mod ledger;
pub mod plan;
pub mod play;
mod replaying;
pub mod seeds;
mod tasks;
pub mod troubles;
pub mod weather;
pub mod world;

pub use play::{Course, simulate};

use std::sync::OnceLock;

/// Prints every request when it is set.
pub const VERBOSE: &str = "HEADWATER_SIMULATION_VERBOSE";

/// Whether [`VERBOSE`] is set.
pub fn is_verbose() -> bool {
    static VERBOSE_SET: OnceLock<bool> = OnceLock::new();
    *VERBOSE_SET.get_or_init(|| std::env::var_os(VERBOSE).is_some())
}

#[allow(clippy::print_stderr, reason = "asked for")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
