//! What must hold, as small functions: of a row and its version, of leases, positions and the feed. The simulation asks them after every
//! write, the tests of projections at their end.

use crate::{
    account::Event,
    projections::{Balance, Numbers, compare},
};
use headwater_kernel::Id;
use headwater_read_models::{EventContext, Fold};
use std::collections::{BTreeMap, BTreeSet};

/// One commit of an account, as far as the invariants go.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Sequence of its first event.
    pub first: u64,
    /// Its events.
    pub events: Vec<Event>,
}

impl Committed {
    /// Sequence of its last event.
    pub fn version(&self) -> u64 {
        self.first + self.events.len() as u64 - 1
    }
}

/// What an account's projections show at a version, without the commits that were discarded.
pub fn fold<F: Fold<Source = crate::account::Account>>(
    id: &Id,
    history: &[Committed],
    version: u64,
    discarded: &BTreeSet<u64>,
) -> F {
    let mut state = F::empty(id);
    let actor = headwater_kernel::Actor::new("fold");
    for commit in history.iter().filter(|commit| commit.version() <= version) {
        if discarded.contains(&commit.first) {
            continue;
        }
        for (sequence, event) in (commit.first..).zip(&commit.events) {
            let at = EventContext {
                id,
                sequence,
                time: headwater_kernel::Timestamp::from_nanos(0),
                actor: &actor,
                writer: 0,
                begins_commit: sequence == commit.first,
            };
            compare(|| state.apply(&at, event));
        }
    }
    state
}

/// A history has no gap and nothing twice.
pub fn history_is_whole(history: &[Committed]) -> Option<String> {
    let mut version = 0;
    for commit in history {
        if commit.first != version + 1 {
            return Some(format!("the log goes from {version} to {}", commit.first));
        }
        version = commit.version();
    }
    None
}

/// A row is at a version of its source, and is what the source folds to there: neither behind nor ahead, no commit applied twice. Commits
/// in `maybe` may have been discarded or not.
pub fn row_is_its_fold(
    id: &Id,
    history: &[Committed],
    version: u64,
    row: &Balance,
    maybe: &BTreeSet<u64>,
) -> Option<String> {
    if !history.iter().any(|commit| commit.version() == version) {
        return Some(format!("{id}: a row at {version}, where no commit ends"));
    }
    let matches = |discarded: &BTreeSet<u64>| fold::<Balance>(id, history, version, discarded) == *row;
    (!subsets(maybe).iter().any(matches)).then(|| {
        let wanted = fold::<Balance>(id, history, version, &BTreeSet::new());
        format!("{id}: {row:?} at {version}, not {wanted:?}")
    })
}

/// A head's state is what the source folds to at its version.
pub fn head_is_its_fold(id: &Id, history: &[Committed], version: u64, state: &Numbers) -> Option<String> {
    if !history.iter().any(|commit| commit.version() == version) {
        return Some(format!("{id}: a head at {version}, where no commit ends"));
    }
    let wanted = fold::<Numbers>(id, history, version, &BTreeSet::new());
    (wanted != *state).then(|| format!("{id}: {state:?} at {version}, not {wanted:?}"))
}

fn subsets(of: &BTreeSet<u64>) -> Vec<BTreeSet<u64>> {
    let mut all = vec![BTreeSet::new()];
    for one in of {
        let with: Vec<BTreeSet<u64>> = all
            .iter()
            .map(|set| set.iter().copied().chain([*one]).collect())
            .collect();
        all.extend(with);
    }
    all
}

/// A version only grows.
pub fn version_grows(what: &str, before: u64, after: u64) -> Option<String> {
    (after < before).then(|| format!("{what}: went from version {before} back to {after}"))
}

/// A lease as it stands: who holds it, and under which fence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Nobody when `None`.
    pub owner: Option<String>,
    /// Grows with every change of owner.
    pub fence: u64,
}

/// A fence never goes back, and a new owner has a higher one: so no two ever hold one lease by fence.
pub fn lease_changes_hands_with_a_higher_fence(key: &str, before: &Holder, after: &Holder) -> Option<String> {
    if after.fence < before.fence {
        return Some(format!("lease {key}: fence {} after {}", after.fence, before.fence));
    }
    let another = after.owner.is_some() && after.owner != before.owner;
    (another && after.fence == before.fence)
        .then(|| format!("lease {key}: {before:?} and {after:?} hold it under one fence"))
}

/// Everything at or before a position has had its effect: `reached` tells how far a projection is with an account, and whether it is
/// parked. `records` are (account, version).
pub fn position_is_behind_its_effect<'a, K: 'a + std::fmt::Debug>(
    records: impl IntoIterator<Item = (&'a K, u64)>,
    reached: impl Fn(&K) -> u64,
) -> Option<String> {
    let ahead = records.into_iter().find(|(key, version)| reached(key) < *version);
    ahead.map(|(key, version)| {
        format!(
            "the position is past {key:?} at {version}, which is at {}",
            reached(key)
        )
    })
}

/// What is live for everybody only goes forward, unless somebody asked for the way back; and it is a generation that came to its end.
pub fn a_switch_goes_forward(projection: &str, before: u32, after: u32, asked: bool, complete: bool) -> Option<String> {
    if before == after {
        return None;
    }
    if after < before && !asked {
        return Some(format!(
            "{projection}: generation {after} is live after {before}, and nobody asked"
        ));
    }
    (!complete).then(|| format!("{projection}: generation {after} is live and not complete"))
}

/// Each commit is in the feed once: what is there, how often, and what should be.
pub fn feed_has_each_once<K: Ord + std::fmt::Debug>(
    seen: &BTreeMap<K, u32>,
    wanted: impl IntoIterator<Item = K>,
) -> Vec<String> {
    let twice = seen.iter().filter(|(_, times)| **times > 1);
    let mut differences: Vec<String> = twice
        .map(|(commit, times)| format!("{commit:?} is {times} times in the feed"))
        .collect();
    let missing = wanted.into_iter().filter(|commit| !seen.contains_key(commit));
    differences.extend(missing.map(|commit| format!("{commit:?} is not in the feed")));
    differences
}
