//! Which store answers which part of an interval: whole days, hours and minutes come from rollups, what the interval cuts from finer ones.

use crate::Bin;
use headwater_kernel::Timestamp;

/// What points are kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// The points themselves.
    Points,
    Minutes,
    Hours,
    Days,
}

impl Level {
    const FROM_THE_COARSEST: [(Self, Bin); 3] = [
        (Self::Days, Bin::DAY),
        (Self::Hours, Bin::HOUR),
        (Self::Minutes, Bin::MINUTE),
    ];
}

/// A part of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) level: Level,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// The parts of an interval in order, each at the coarsest level that answers it exactly in bins of this length.
pub(crate) fn parts(from: Timestamp, to: Timestamp, bin: Bin) -> Vec<Part> {
    let mut parts = Vec::new();
    cut(from, to, bin, &Level::FROM_THE_COARSEST, &mut parts);
    parts
}

fn cut(from: Timestamp, to: Timestamp, bin: Bin, levels: &[(Level, Bin)], parts: &mut Vec<Part>) {
    if from >= to {
        return;
    }
    let Some(((level, length), finer)) = levels.split_first() else {
        let level = Level::Points;
        return parts.push(Part { level, from, to });
    };
    if !bin.is_made_of(*length) {
        return cut(from, to, bin, finer, parts);
    }
    let last = length.start(to);
    let first = match length.start(from) {
        start if start == from => start,
        start => start.plus(length.duration()),
    };
    if first >= last {
        return cut(from, to, bin, finer, parts);
    }
    cut(from, first, bin, finer, parts);
    parts.push(Part {
        level: *level,
        from: first,
        to: last,
    });
    cut(last, to, bin, finer, parts);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn shown(from: &str, to: &str, bin: &str) -> Vec<String> {
        let parts = parts(at(from), at(to), bin.parse().unwrap());
        let whole: Vec<_> = parts.windows(2).map(|pair| pair[0].to == pair[1].from).collect();
        assert!(whole.iter().all(|whole| *whole), "{parts:?}");
        assert_eq!(parts.first().map(|part| part.from), Some(at(from)));
        assert_eq!(parts.last().map(|part| part.to), Some(at(to)));
        parts
            .iter()
            .map(|part| format!("{:?} {}", part.level, part.from))
            .collect()
    }

    #[test]
    fn whole_bins_come_from_the_coarsest_rollup() {
        let day = ("2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z");
        assert_eq!(shown(day.0, day.1, "1d"), ["Days 2026-03-01T00:00:00Z"]);
        assert_eq!(shown(day.0, day.1, "6h"), ["Hours 2026-03-01T00:00:00Z"]);
        assert_eq!(shown(day.0, day.1, "90m"), ["Minutes 2026-03-01T00:00:00Z"]);
    }

    #[test]
    fn what_is_cut_comes_from_finer_ones() {
        assert_eq!(
            shown("2026-03-01T22:59:30Z", "2026-03-03T01:01:00.5Z", "1d"),
            [
                "Points 2026-03-01T22:59:30Z",
                "Hours 2026-03-01T23:00:00Z",
                "Days 2026-03-02T00:00:00Z",
                "Hours 2026-03-03T00:00:00Z",
                "Minutes 2026-03-03T01:00:00Z",
                "Points 2026-03-03T01:01:00Z",
            ]
        );
        assert_eq!(
            shown("2026-03-01T00:00:01Z", "2026-03-01T00:00:02Z", "1d"),
            ["Points 2026-03-01T00:00:01Z"]
        );
        assert_eq!(
            shown("2026-03-01T10:30:00Z", "2026-03-01T11:30:00Z", "1h"),
            ["Minutes 2026-03-01T10:30:00Z"]
        );
    }
}
