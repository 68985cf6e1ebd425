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

/// Most attribute filters of a query on documents with parts; each one more doubles what an engine is asked.
const MAX_FILTERS: usize = 9;
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

/// What attribute filters ask of a document: of each of these sets it has to have one value. None without such a filter.
///
/// A document fits when one of its parts has all that its own attributes do not satisfy. Which filters those are is not known before, so every
/// choice of filters has a set: one of them is satisfied by the document itself, or all of them by one part. That is one clause for each choice
/// (511 for nine filters), where listing the ways to fit would take so many that OpenSearch refuses eight filters already (1,024 clauses).
pub(crate) fn wanted<'a>(mapping: &Mapping, filters: impl IntoIterator<Item = &'a Filter>) -> Vec<Vec<String>> {
    let filters: Vec<(&str, &[String])> = filters
        .into_iter()
        .filter_map(|filter| match filter {
            Filter::Attribute { name, any_of } => Some((name.as_str(), any_of.as_slice())),
            _ => None,
        })
        .collect();
    let own_values = |(name, values): &(&str, &'a [String])| values.iter().map(|value| own(name, value)).collect();
    let own: Vec<Vec<String>> = filters.iter().map(own_values).collect();
    if attributes(mapping).is_none_or(|field| field.parts.is_none()) {
        return own;
    }
    let choices = 1_u32..1 << filters.len().min(MAX_FILTERS);
    let set = |choice: u32| {
        let chosen = (0..filters.len()).filter(|at| choice & (1 << at) != 0);
        let of_itself = chosen.clone().flat_map(|at| own[at].iter().cloned());
        of_itself.chain(combinations(chosen.map(|at| filters[at]))).collect()
    };
    choices.map(set).collect()
}

/// Every choice of one value for each name, as a part has it; none for more names than a part can have.
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
    if by_name.len() > MAX_PART_ATTRIBUTES {
        return Vec::new();
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

/// Refuses too many filters, and those that ask for too many combinations.
pub(crate) fn check_count(mapping: &Mapping, query: &Query) -> Result<(), Error> {
    if attributes(mapping).is_none_or(|field| field.parts.is_none()) {
        return Ok(());
    }
    let by_attribute = |filter: &&Filter| matches!(filter, Filter::Attribute { .. });
    if query.filters.iter().filter(by_attribute).count() > MAX_FILTERS {
        return Err(Error::TooMany {
            what: "filters by attributes",
            max: MAX_FILTERS,
        });
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
