//! The deterministic simulation: a few hundred seeds of those that `cargo xtask simulate` plays by the thousand.
#![allow(clippy::print_stderr, reason = "a test")]

use headwater_tests::simulation::{
    seeds::{play_all, scopes},
    simulate,
};

#[test]
fn every_seed_ends_as_the_log_says() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let sums = play_all(0..120, threads, |course| {
        if !course.violations.is_empty() {
            eprintln!("{course}");
        }
    });
    assert!(sums.failed.is_empty(), "seeds that fail: {:?}", sums.failed);
    // It is worth something only if there is something to get wrong.
    assert!(sums.faults > 2_000 && sums.commits > 10_000, "{sums:?}");
    assert!(sums.switches.0 > 60 && sums.switches.1 > 0, "{sums:?}");
}

#[test]
fn a_seed_goes_the_same_way_twice() {
    let scopes = scopes();
    for seed in [900_001, 900_002, 900_003, 900_004] {
        let (once, again) = (simulate(seed, scopes.clone()), simulate(seed, scopes.clone()));
        assert_eq!(once, again);
    }
}
