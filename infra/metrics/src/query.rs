//! What can be asked of a series, and what is answered.

use crate::Bin;
use headwater_kernel::Timestamp;
use headwater_read_models::metrics::Dimensions;
use std::collections::BTreeMap;

/// Most bins of an answer, of all its groups together.
pub const MAX_BINS: usize = 11_000;

/// Most groups of an answer.
pub const MAX_GROUPS: usize = 1_000;

/// What is made of the points of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stat {
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// Their sum.
    Sum,
    /// How many.
    Count,
    /// The value at or below which half of them lie: of `n` in order the one at `⌈0.50 n⌉`, so always one that was measured.
    P50,
    /// The same for 99 of a hundred.
    P99,
}

/// What stands for a bin in which nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fill {
    /// Nothing: the bin is left out.
    #[default]
    None,
    /// No value.
    Null,
    /// 0.
    Zero,
    /// The value of the bin before it in the interval; no value before the first.
    Previous,
}

/// A question to one series of the tenant whose scope goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The series.
    pub series: String,
    /// From here, inclusive.
    pub from: Timestamp,
    /// To here, exclusive. A bin that the interval cuts counts only what lies in it.
    pub to: Timestamp,
    /// How it is cut.
    pub bin: Bin,
    /// What is made of each bin.
    pub stat: Stat,
    /// Only points whose dimensions have one of these values each; without a value none.
    pub filters: BTreeMap<String, Vec<String>>,
    /// One line of bins for each combination of these dimensions' values; a point that lacks one is in the group without it. None: one line.
    pub group_by: Vec<String>,
    /// What stands for empty bins. A group is filled over the whole interval; without any point in it there is no group, and without
    /// `group_by` the one line is filled all the same.
    pub fill: Fill,
}

/// One bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Where the bin begins, also when the interval cuts it.
    pub time: Timestamp,
    /// What is made of it; none where nothing was measured and nothing is filled in, and where a sum passes what a number holds on its way.
    pub value: Option<f64>,
    /// The dimensions by which it was grouped.
    pub group: Dimensions,
}

/// The bins in order of group and then of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The bins.
    pub items: Vec<Item>,
}
