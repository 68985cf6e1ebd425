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
#[derive(Debug)]
enum Collected {
    Summary(Summary),
    Values(Vec<f64>),
}

/// The bins of a group in which something was measured, by their number.
type Bins = BTreeMap<usize, Collected>;

/// The bins of a query while they are collected, by group.
pub(crate) struct Collector<'a> {
    query: &'a Query,
    first: Timestamp,
    bins: usize,
    groups: BTreeMap<Dimensions, Bins>,
    /// Bins that something was measured in, of all groups.
    measured: usize,
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
            measured: 0,
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

    /// Adds to the bin of a time; refuses more bins and groups than an answer can have before they take memory.
    fn add(&mut self, group: &Dimensions, time: Timestamp, new: Collected) -> Result<(), Error> {
        if !self.groups.contains_key(group) {
            if self.groups.len() == MAX_GROUPS {
                return Err(Error::TooManyGroups { max: MAX_GROUPS });
            }
            self.groups.insert(group.clone(), Bins::new());
        }
        let past = time.nanos().saturating_sub(self.first.nanos()) / self.query.bin.nanos();
        let (Some(bins), Ok(past)) = (self.groups.get_mut(group), usize::try_from(past)) else {
            return Ok(());
        };
        match (bins.get_mut(&past), new) {
            (Some(Collected::Summary(before)), Collected::Summary(more)) => before.add(more),
            (Some(Collected::Values(before)), Collected::Values(more)) => before.extend(more),
            (_, new) => {
                self.measured += 1;
                too_many(self.measured as u64)?;
                bins.insert(past, new);
            }
        }
        Ok(())
    }

    /// What is known of points of a group; all of them lie in the bin of `time`.
    pub(crate) fn summary(&mut self, group: &Dimensions, time: Timestamp, summary: Summary) -> Result<(), Error> {
        self.add(group, time, Collected::Summary(summary))
    }

    /// One point of a group, whose value counts by itself.
    pub(crate) fn value(&mut self, group: &Dimensions, time: Timestamp, value: f64) -> Result<(), Error> {
        self.values += 1;
        if self.values > MAX_POINTS {
            return Err(Error::TooManyPoints { max: MAX_POINTS });
        }
        self.add(group, time, Collected::Values(vec![value]))
    }

    /// The answer.
    pub(crate) fn finish(mut self) -> Result<Answer, Error> {
        if self.groups.is_empty() && self.query.group_by.is_empty() {
            self.groups.insert(Dimensions::new(), Bins::new());
        }
        let query = self.query;
        if query.fill != Fill::None {
            too_many(self.groups.len() as u64 * self.bins as u64)?;
        }
        let mut items = Vec::new();
        for (group, bins) in self.groups {
            let mut previous = None;
            let mut shown = 0;
            for (number, bin) in bins {
                fill(query, self.first, &group, shown..number, previous, &mut items);
                let value = stat(query.stat, bin);
                items.push(item(query, self.first, &group, number, value));
                previous = value;
                shown = number + 1;
            }
            fill(query, self.first, &group, shown..self.bins, previous, &mut items);
        }
        Ok(Answer { items })
    }
}

fn too_many(bins: u64) -> Result<(), Error> {
    match bins > MAX_BINS as u64 {
        true => Err(Error::TooManyBins { bins, max: MAX_BINS }),
        false => Ok(()),
    }
}

fn item(query: &Query, first: Timestamp, group: &Dimensions, number: usize, value: Option<f64>) -> Item {
    let past = query.bin.nanos().saturating_mul(number as i64);
    let time = Timestamp::from_nanos(first.nanos().saturating_add(past));
    let group = group.clone();
    Item { time, value, group }
}

/// Bins in which nothing was measured.
fn fill(
    query: &Query,
    first: Timestamp,
    group: &Dimensions,
    empty: std::ops::Range<usize>,
    previous: Option<f64>,
    items: &mut Vec<Item>,
) {
    let value = match query.fill {
        Fill::None => return,
        Fill::Null => None,
        Fill::Zero => Some(0.0),
        Fill::Previous => previous,
    };
    items.extend(empty.map(|number| item(query, first, group, number, value)));
}

/// None where it is no number: a sum without end.
fn stat(stat: Stat, collected: Collected) -> Option<f64> {
    let value = match collected {
        Collected::Summary(summary) => match stat {
            Stat::Avg => summary.sum / summary.count as f64,
            Stat::Min => summary.min,
            Stat::Max => summary.max,
            Stat::Sum => summary.sum,
            Stat::Count => summary.count as f64,
            // Those are of values.
            Stat::P50 | Stat::P99 => return None,
        },
        Collected::Values(mut values) => {
            let of_a_hundred = if stat == Stat::P50 { 50 } else { 99 };
            let rank = (values.len() * of_a_hundred).div_ceil(100).max(1);
            *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
        }
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_answer_can_hold_is_refused_while_it_is_collected() {
        let query = Query {
            series: "s".to_owned(),
            from: Timestamp::from_nanos(0),
            to: Timestamp::from_nanos(7 * Bin::DAY.nanos()),
            bin: Bin::MINUTE,
            stat: Stat::Sum,
            filters: BTreeMap::new(),
            group_by: vec!["n".to_owned()],
            fill: Fill::None,
        };
        let mut collector = Collector::new(&query).unwrap();
        let group = |n: usize| Dimensions::from([("n".to_owned(), n.to_string())]);
        let minute = |n: usize| Timestamp::from_nanos(n as i64 * Bin::MINUTE.nanos());
        for n in 0..MAX_BINS {
            collector
                .summary(&group(n % 2), minute(n / 2), Summary::of(1.0))
                .unwrap();
        }
        // One that is there takes more.
        collector.summary(&group(0), minute(0), Summary::of(1.0)).unwrap();
        let more = collector.summary(&group(2), minute(0), Summary::of(1.0));
        assert!(matches!(more, Err(Error::TooManyBins { bins: 11_001, .. })), "{more:?}");
    }
}
