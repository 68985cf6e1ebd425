//! Which leases a worker should go for. A pure function of what it has seen, so that the simulation and the tests can run it by the
//! thousand.
//!
//! A worker's share is the number of leases over the number of workers that hold any, itself included, rounded up. Up to its share it
//! takes what nobody holds. When nothing is free it steals one lease a round, from whoever has most, if that one has at least two more
//! than itself: each theft makes the spread smaller, so thefts come to an end (no two workers can want each other's).

use std::collections::BTreeMap;

/// A lease that a worker should go for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The lease's key.
    pub key: String,
    /// Whether a living worker holds it.
    pub steals: bool,
}

/// What `me` should go for: `free` are the keys that nobody alive holds, `held` the living holders by key. `draw` is any random number;
/// it keeps workers that start together from all wanting the same.
pub fn plan(me: &str, free: &[String], held: &BTreeMap<String, String>, draw: u64) -> Vec<Claim> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::from([(me, 0)]);
    for owner in held.values() {
        *count.entry(owner).or_default() += 1;
    }
    let mine = count.get(me).copied().unwrap_or(0);
    let share = (free.len() + held.len()).div_ceil(count.len());
    let place = |len: usize| usize::try_from(draw % len.max(1) as u64).unwrap_or(0);
    if !free.is_empty() {
        let start = place(free.len());
        let wanted = free.iter().cycle().skip(start).take(free.len());
        return wanted
            .take(share.saturating_sub(mine))
            .map(|key| Claim {
                key: key.clone(),
                steals: false,
            })
            .collect();
    }
    // Of those that have most, any.
    let most = count.values().max().copied().unwrap_or(0);
    if most < mine + 2 {
        return Vec::new();
    }
    let victims: Vec<&str> = count
        .iter()
        .filter(|(_, n)| **n == most)
        .map(|(owner, _)| *owner)
        .collect();
    let victim = victims[place(victims.len())];
    let theirs: Vec<&String> = held
        .iter()
        .filter(|(_, owner)| *owner == victim)
        .map(|(key, _)| key)
        .collect();
    vec![Claim {
        key: theirs[place(theirs.len())].clone(),
        steals: true,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets workers play in turn until nobody wants anything.
    fn settle(shards: usize, workers: usize, start: &[usize]) -> (BTreeMap<String, String>, usize) {
        let keys: Vec<String> = (0..shards).map(|n| format!("crm#{n:03}")).collect();
        let mut held: BTreeMap<String, String> = keys
            .iter()
            .zip(start)
            .map(|(key, worker)| (key.clone(), format!("w{worker}")))
            .collect();
        let mut moves = 0;
        for round in 0..10_000_u64 {
            let mut quiet = true;
            for worker in 0..workers {
                let free: Vec<String> = keys.iter().filter(|key| !held.contains_key(*key)).cloned().collect();
                let me = format!("w{worker}");
                for claim in plan(&me, &free, &held, round.wrapping_mul(31) + worker as u64) {
                    assert_eq!(claim.steals, held.contains_key(&claim.key));
                    held.insert(claim.key, me.clone());
                    moves += 1;
                    quiet = false;
                }
            }
            if quiet {
                return (held, moves);
            }
        }
        panic!("{workers} workers steal {shards} shards in circles");
    }

    #[test]
    fn every_start_settles_with_a_spread_of_one_and_few_moves() {
        for shards in [0, 1, 2, 3, 7, 16, 100] {
            for workers in 1..=7 {
                for start in [vec![], vec![0; shards], (0..shards).map(|n| n % 2).collect()] {
                    let (held, moves) = settle(shards, workers, &start);
                    assert_eq!(held.len(), shards, "nothing is left lying");
                    let counts: Vec<usize> = (0..workers)
                        .map(|w| held.values().filter(|owner| **owner == format!("w{w}")).count())
                        .collect();
                    let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
                    assert!(spread <= 1, "{shards} shards over {workers}: {counts:?}");
                    assert!(moves <= 2 * shards, "{shards} shards over {workers} took {moves} moves");
                }
            }
        }
    }
}
