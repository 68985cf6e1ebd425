//! From what the stores hold to the bins of an answer: merging, and filling what is empty.

use crate::{Answer, Bin, Error, Fill, Item, MAX_BINS, MAX_GROUPS, Query, Stat};
use headwater_kernel::Timestamp;
use headwater_read_models::metrics::Dimensions;
use std::collections::BTreeMap;

/// Most points whose values an answer is made of one by one, as percentiles are.
pub(crate) const MAX_POINTS: usize = 5_000_000;

/// What is known of some points together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    pub(crate) fn of(value: f64) -> Self {
        Self {
            count: 1,
            sum: value,
            min: value,
            max: value,
        }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// One bin while it is collected.
#[derive(Debug, Clone)]
enum Collected {
    Nothing,
    Summary(Summary),
    Values(Vec<f64>),
}

/// The bins of a query while they are collected, by group.
pub(crate) struct Collector<'a> {
    query: &'a Query,
    first: Timestamp,
    bins: usize,
    groups: BTreeMap<Dimensions, Vec<Collected>>,
    values: usize,
}

/// How many bins an interval has.
fn bins(from: Timestamp, to: Timestamp, bin: Bin) -> u64 {
    let span = i128::from(to.nanos()) - i128::from(bin.start(from).nanos());
    let length = i128::from(bin.nanos());
    u64::try_from((span + length - 1) / length).unwrap_or(u64::MAX)
}

impl<'a> Collector<'a> {
    /// Refuses what no answer can hold before anything is read.
    pub(crate) fn new(query: &'a Query) -> Result<Self, Error> {
        if query.from >= query.to {
            return Err(Error::EmptyInterval);
        }
        let bins = bins(query.from, query.to, query.bin);
        let fits = usize::try_from(bins).ok().filter(|bins| *bins <= MAX_BINS);
        Ok(Self {
            query,
            first: query.bin.start(query.from),
            bins: fits.ok_or(Error::TooManyBins { bins, max: MAX_BINS })?,
            groups: BTreeMap::new(),
            values: 0,
        })
    }

    /// The group of points with these dimensions; none when they are filtered out.
    pub(crate) fn group(&self, dimensions: &Dimensions) -> Option<Dimensions> {
        for (name, wanted) in &self.query.filters {
            let value = dimensions.get(name)?;
            if !wanted.contains(value) {
                return None;
            }
        }
        let by = |name: &String| Some((name.clone(), dimensions.get(name)?.clone()));
        Some(self.query.group_by.iter().filter_map(by).collect())
    }

    fn bin(&mut self, group: &Dimensions, time: Timestamp) -> Result<Option<&mut Collected>, Error> {
        if !self.groups.contains_key(group) {
            if self.groups.len() == MAX_GROUPS {
                return Err(Error::TooManyGroups { max: MAX_GROUPS });
            }
            self.groups.insert(group.clone(), vec![Collected::Nothing; self.bins]);
        }
        let past = time.nanos().saturating_sub(self.first.nanos()) / self.query.bin.nanos();
        let bins = self.groups.get_mut(group);
        Ok(bins
            .zip(usize::try_from(past).ok())
            .and_then(|(bins, past)| bins.get_mut(past)))
    }

    /// What is known of points of a group; all of them lie in the bin of `time`.
    pub(crate) fn summary(&mut self, group: &Dimensions, time: Timestamp, summary: Summary) -> Result<(), Error> {
        if let Some(bin) = self.bin(group, time)? {
            match bin {
                Collected::Summary(before) => before.add(summary),
                other => *other = Collected::Summary(summary),
            }
        }
        Ok(())
    }

    /// One point of a group, whose value counts by itself.
    pub(crate) fn value(&mut self, group: &Dimensions, time: Timestamp, value: f64) -> Result<(), Error> {
        self.values += 1;
        if self.values > MAX_POINTS {
            return Err(Error::TooManyPoints { max: MAX_POINTS });
        }
        if let Some(bin) = self.bin(group, time)? {
            match bin {
                Collected::Values(values) => values.push(value),
                other => *other = Collected::Values(vec![value]),
            }
        }
        Ok(())
    }

    /// The answer.
    pub(crate) fn finish(mut self) -> Result<Answer, Error> {
        if self.groups.is_empty() && self.query.group_by.is_empty() && self.query.fill != Fill::None {
            self.groups
                .insert(Dimensions::new(), vec![Collected::Nothing; self.bins]);
        }
        let query = self.query;
        let all = self.groups.len() as u64 * self.bins as u64;
        if query.fill != Fill::None && all > MAX_BINS as u64 {
            return Err(Error::TooManyBins {
                bins: all,
                max: MAX_BINS,
            });
        }
        let mut items = Vec::new();
        for (group, bins) in self.groups {
            let mut time = self.first;
            let mut previous = None;
            for bin in bins {
                let measured = stat(query.stat, bin);
                let (value, shown) = match (measured, query.fill) {
                    (Some(value), _) => (Some(value), true),
                    (None, Fill::None) => (None, false),
                    (None, Fill::Null) => (None, true),
                    (None, Fill::Zero) => (Some(0.0), true),
                    (None, Fill::Previous) => (previous, true),
                };
                previous = measured.or(previous);
                if shown {
                    let group = group.clone();
                    items.push(Item { time, value, group });
                }
                time = time.plus(query.bin.duration());
            }
        }
        if items.len() > MAX_BINS {
            let bins = items.len() as u64;
            return Err(Error::TooManyBins { bins, max: MAX_BINS });
        }
        Ok(Answer { items })
    }
}

fn stat(stat: Stat, collected: Collected) -> Option<f64> {
    match collected {
        Collected::Nothing => None,
        Collected::Summary(summary) => match stat {
            Stat::Avg => Some(summary.sum / summary.count as f64),
            Stat::Min => Some(summary.min),
            Stat::Max => Some(summary.max),
            Stat::Sum => Some(summary.sum),
            Stat::Count => Some(summary.count as f64),
            // Those are of values.
            Stat::P50 | Stat::P99 => None,
        },
        Collected::Values(mut values) => {
            let of_a_hundred = if stat == Stat::P50 { 50 } else { 99 };
            let rank = (values.len() * of_a_hundred).div_ceil(100).max(1);
            let (_, value, _) = values.select_nth_unstable_by(rank - 1, f64::total_cmp);
            Some(*value)
        }
    }
}
