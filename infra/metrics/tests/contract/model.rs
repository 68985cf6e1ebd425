//! The points in memory, and every answer made of them by the words of the port's description.

use headwater_kernel::Timestamp;
use headwater_metrics::{Fill, Item, Query, Stat};
use headwater_read_models::metrics::{Dimensions, Point};
use std::collections::BTreeMap;

/// Points of one tenant.
#[derive(Default)]
pub(crate) struct Model(BTreeMap<(String, Dimensions, Timestamp, u64), (u64, f64)>);

impl Model {
    pub(crate) fn write(&mut self, point: &Point) {
        let key = (point.series.clone(), point.dimensions.clone(), point.time, point.writer);
        let there = self.0.entry(key).or_insert((point.version, point.value));
        if point.version > there.0 {
            *there = (point.version, point.value);
        }
    }

    pub(crate) fn query(&self, query: &Query) -> Vec<Item> {
        let mut groups: BTreeMap<Dimensions, BTreeMap<Timestamp, Vec<f64>>> = BTreeMap::new();
        for ((series, dimensions, time, _), (_, value)) in &self.0 {
            let passes =
                |(name, wanted): (&String, &Vec<String>)| dimensions.get(name).is_some_and(|own| wanted.contains(own));
            if *series != query.series || !(query.from..query.to).contains(time) || !query.filters.iter().all(passes) {
                continue;
            }
            let of = |name: &String| Some((name.clone(), dimensions.get(name)?.clone()));
            let group = query.group_by.iter().filter_map(of).collect();
            let bins = groups.entry(group).or_default();
            bins.entry(query.bin.start(*time)).or_default().push(*value);
        }
        if groups.is_empty() && query.group_by.is_empty() {
            groups.insert(Dimensions::new(), BTreeMap::new());
        }
        let mut items = Vec::new();
        for (group, bins) in groups {
            let (mut time, mut previous) = (query.bin.start(query.from), None);
            while time < query.to {
                let measured = bins.get(&time).map(|values| stat(query.stat, values));
                let filled = match query.fill {
                    Fill::None => None,
                    Fill::Null => Some(None),
                    Fill::Zero => Some(Some(0.0)),
                    Fill::Previous => Some(previous),
                };
                if let Some(value) = measured.map(Some).or(filled) {
                    let group = group.clone();
                    items.push(Item { time, value, group });
                }
                previous = measured.or(previous);
                time = time.plus(query.bin.duration());
            }
        }
        items
    }
}

fn stat(stat: Stat, values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let sum: f64 = sorted.iter().sum();
    match stat {
        Stat::Avg => sum / count,
        Stat::Sum => sum,
        Stat::Count => count,
        Stat::Min => sorted[0],
        Stat::Max => sorted[sorted.len() - 1],
        Stat::P50 => sorted[(0.50 * count).ceil() as usize - 1],
        Stat::P99 => sorted[(0.99 * count).ceil() as usize - 1],
    }
}
