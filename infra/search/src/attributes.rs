//! Attributes of a document and of its parts as exact values, and which of them a set of filters wants together.
//!
//! A document has one value for each of its own attributes. For each part it has one value for every combination of the part's attributes, so
//! that "a variant in XL and blue" is one look-up and never a variant in XL beside another in blue.

use crate::{
    Error, Filter, Query,
    validate::attributes,
    values::{canonical_number, parts, scalar, texts},
};
use headwater_read_models::search::{Field, MAX_PART_ATTRIBUTES, Mapping};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most combinations of values that the attribute filters of a query may ask of one part.
const MAX_COMBINATIONS: usize = 10_000;

/// The value of a document's own attribute as one text. The name's length in front makes it injective, whatever the two hold.
pub(crate) fn own(name: &str, value: &str) -> String {
    format!("{}:{name}{}", name.len(), canonical_number(value))
}

/// What a part has together, names in their order. No own value begins so.
fn together<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from("+");
    for (name, value) in pairs {
        let value = canonical_number(value);
        text.push_str(&format!("{}:{name}{}:{value}", name.len(), value.len()));
    }
    text
}

/// All that a document has: its own attributes, and every combination of each part's.
pub(crate) fn of_document(field: &Field, body: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, value) in body.get(field.name).and_then(Value::as_object).into_iter().flatten() {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        all.extend(values.iter().filter_map(scalar).map(|value| own(name, &value)));
    }
    for part in parts(field, body) {
        let pairs: Vec<(&str, &str)> = of_part(part).into_iter().take(MAX_PART_ATTRIBUTES).collect();
        for chosen in 1_u32..1 << pairs.len() {
            let chosen = pairs.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0);
            all.insert(together(chosen.map(|(_, pair)| *pair)));
        }
    }
    all
}

/// The attributes of a part, by name.
fn of_part(part: &Value) -> BTreeMap<&str, &str> {
    let map = part.as_object().into_iter().flatten();
    map.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect()
}

/// Whether the value of an attribute, or one of a list, is one of these.
pub(crate) fn is_one_of(value: &Value, any_of: &[String]) -> bool {
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let mut values = values.iter().filter_map(scalar);
    values.any(|value| {
        any_of
            .iter()
            .any(|one| canonical_number(one) == canonical_number(&value))
    })
}

/// The texts of a document's attributes, those of its parts too, each once.
pub(crate) fn words_of<'a>(field: &Field, body: &'a Value) -> Vec<&'a str> {
    let own = body.get(field.name).and_then(Value::as_object).into_iter();
    let own = own.flat_map(serde_json::Map::values).flat_map(texts);
    let of_parts: BTreeSet<&str> = parts(field, body).flat_map(of_part).map(|(_, value)| value).collect();
    own.chain(of_parts).collect()
}

/// One way to satisfy the attribute filters of a query.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Way {
    /// Each of these has one of its values among what a document has; all of them hold.
    pub(crate) all: Vec<Vec<String>>,
}

/// The ways to satisfy filters by attributes, of which one has to hold; `None` without such a filter.
pub(crate) fn ways<'a>(mapping: &Mapping, filters: impl IntoIterator<Item = &'a Filter>) -> Option<Vec<Way>> {
    let wanted: Vec<(&str, &[String])> = filters
        .into_iter()
        .filter_map(|filter| match filter {
            Filter::Attribute { name, any_of } => Some((name.as_str(), any_of.as_slice())),
            _ => None,
        })
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let own_values = |(name, values): &(&str, &[String])| values.iter().map(|value| own(name, value)).collect();
    if attributes(mapping).is_none_or(|field| field.parts.is_none()) {
        return Some(vec![Way {
            all: wanted.iter().map(own_values).collect(),
        }]);
    }
    let mut ways = Vec::new();
    each_subset(wanted.len(), &mut |of_part| {
        let own = wanted.iter().enumerate().filter(|(at, _)| !of_part.contains(at));
        let mut all: Vec<Vec<String>> = own.map(|(_, filter)| own_values(filter)).collect();
        if !of_part.is_empty() {
            all.push(combinations(of_part.iter().map(|at| wanted[*at])));
        }
        // What a part cannot have, no look-up finds.
        if all.iter().all(|values| !values.is_empty()) {
            ways.push(Way { all });
        }
    });
    Some(ways)
}

/// Calls with every subset of `0..count` that a part may satisfy.
fn each_subset(count: usize, call: &mut impl FnMut(&[usize])) {
    fn more(from: usize, count: usize, chosen: &mut Vec<usize>, call: &mut impl FnMut(&[usize])) {
        call(chosen);
        if chosen.len() == MAX_PART_ATTRIBUTES {
            return;
        }
        for at in from..count {
            chosen.push(at);
            more(at + 1, count, chosen, call);
            chosen.pop();
        }
    }
    more(0, count, &mut Vec::new(), call);
}

/// Every choice of one value for each name, as a part has it.
fn combinations<'a>(filters: impl Iterator<Item = (&'a str, &'a [String])>) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, values) in filters {
        let values = values.iter().map(String::as_str);
        // Two filters of one name want a value that both have.
        match by_name.get_mut(name) {
            Some(known) => {
                let values: Vec<&str> = values.collect();
                known.retain(|value| values.contains(value));
            }
            None => {
                by_name.insert(name, values.collect());
            }
        }
    }
    let mut choices: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    for (name, values) in by_name {
        let longer = choices.iter().flat_map(|choice| {
            let with = |value: &&'a str| choice.iter().copied().chain([(name, *value)]).collect();
            values.iter().map(with)
        });
        choices = longer.collect();
    }
    choices.into_iter().map(|choice| together(choice.into_iter())).collect()
}

/// Refuses filters that ask for too many combinations.
pub(crate) fn check_count(mapping: &Mapping, query: &Query) -> Result<(), Error> {
    if attributes(mapping).is_none_or(|field| field.parts.is_none()) {
        return Ok(());
    }
    // By how many filters they take; the next filter is added to each or not.
    let mut counts = [1_usize, 0, 0, 0, 0, 0];
    for filter in &query.filters {
        if let Filter::Attribute { any_of, .. } = filter {
            for taken in (1..counts.len()).rev() {
                counts[taken] = counts[taken].saturating_add(counts[taken - 1].saturating_mul(any_of.len()));
            }
        }
    }
    let all = counts.iter().fold(0_usize, |all, count| all.saturating_add(*count));
    if all > MAX_COMBINATIONS {
        return Err(Error::TooMany {
            what: "combinations of the values of attribute filters",
            max: MAX_COMBINATIONS,
        });
    }
    Ok(())
}
