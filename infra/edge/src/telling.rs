//! How much of what goes wrong is logged: while a store does not answer, every request says so.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Lines of a second.
const TOLD: u32 = 10;

/// Lets the first lines of each second through, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Telling(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    /// Since when, in monotonic time.
    began: Duration,
    told: u32,
    left_out: u64,
}

impl Telling {
    /// Whether a line may be told now; then how many were not since the last one that was.
    pub(crate) fn may(&self, now: Duration) -> Option<u64> {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(second.began) >= Duration::from_secs(1) {
            (second.began, second.told) = (now, 0);
        }
        if second.told == TOLD {
            second.left_out += 1;
            return None;
        }
        second.told += 1;
        Some(std::mem::take(&mut second.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_second_are_told_and_the_others_counted() {
        let telling = Telling::default();
        let at = |millis| telling.may(Duration::from_millis(millis));
        assert!((0..10).all(|n| at(5_000 + n) == Some(0)));
        assert!((0..25).all(|n| at(5_100 + n).is_none()));
        assert_eq!(at(6_000), Some(25));
        assert_eq!(at(6_001), Some(0));
    }
}
