//! What every adapter refuses of a query before it asks its engine, by the kind's mapping.

use crate::{Error, Filter, MAX_LIMIT, Query, Sort, attributes};
use headwater_read_models::search::{Field, FieldKind, Mapping};

/// The most filters and facets of a query.
const MAX_CLAUSES: usize = 64;
/// The most values of one filter.
const MAX_VALUES: usize = 1_024;
/// The most values of a facet.
const MAX_FACET_SIZE: usize = 1_000;

/// Checks limits, and that every field named exists and can be used so.
///
/// # Errors
/// What [`Error::is_callers`] names, but for cursors.
pub fn validate(mapping: &Mapping, query: &Query) -> Result<(), Error> {
    if query.limit == 0 || query.limit > MAX_LIMIT {
        return Err(Error::InvalidLimit {
            limit: query.limit,
            max: MAX_LIMIT,
        });
    }
    at_most("filters", query.filters.len(), MAX_CLAUSES)?;
    at_most("facets", query.facets.len(), MAX_CLAUSES)?;
    at_most("values of a facet", query.facet_size, MAX_FACET_SIZE)?;
    at_most("boosts", query.relevance.boosts.len(), MAX_CLAUSES)?;
    let boosted = query.relevance.boosts.iter().map(|(documents, _)| documents);
    for filter in query.filters.iter().chain(boosted) {
        match filter {
            Filter::Equals { field, any_of } => {
                at_most("values of a filter", any_of.len(), MAX_VALUES)?;
                known(mapping, field, "filter by", |kind| {
                    matches!(kind.kind, FieldKind::Keyword { .. })
                })?;
            }
            Filter::Range { field, .. } => {
                let ranged = |kind: &Field| matches!(kind.kind, FieldKind::Integer | FieldKind::Time);
                known(mapping, field, "filter by a range of", ranged)?;
            }
            Filter::Attribute { any_of, name } => {
                at_most("values of a filter", any_of.len(), MAX_VALUES)?;
                if attributes(mapping).is_none() {
                    let field = format!("attr.{}", name.chars().take(100).collect::<String>());
                    return Err(Error::UnknownField {
                        field,
                        usage: "filter by",
                        nearest: None,
                    });
                }
            }
        }
    }
    attributes::check_count(mapping, query)?;
    for facet in &query.facets {
        known(mapping, facet, "count", Field::countable)?;
    }
    if let Some(field) = &query.collapse {
        known(mapping, field, "collapse by", Field::countable)?;
    }
    if let Sort::Field { name, .. } = &query.sort {
        known(mapping, name, "sort by", Field::sortable)?;
    }
    Ok(())
}

/// The field that holds a kind's attributes, if it has any.
pub fn attributes(mapping: &Mapping) -> Option<&'static Field> {
    mapping
        .fields
        .iter()
        .find(|field| matches!(field.kind, FieldKind::Attributes { .. }))
}

fn at_most(what: &'static str, count: usize, max: usize) -> Result<(), Error> {
    if count > max {
        Err(Error::TooMany { what, max })
    } else {
        Ok(())
    }
}

pub(crate) fn known(
    mapping: &Mapping,
    name: &str,
    usage: &'static str,
    fits: impl Fn(&Field) -> bool,
) -> Result<(), Error> {
    if mapping.field(name).is_some_and(&fits) {
        return Ok(());
    }
    let usable = mapping
        .fields
        .iter()
        .filter(|field| fits(field))
        .map(|field| field.name);
    let nearest = usable
        .min_by_key(|candidate| distance(name, candidate))
        .map(str::to_owned);
    Err(Error::UnknownField {
        field: name.chars().take(100).collect(),
        usage,
        nearest,
    })
}

/// Edit distance (Levenshtein 1966) of the first 100 characters, a swap of neighbours counting one (Damerau's restricted form).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    distances(a, b).last().copied().unwrap_or(0)
}

/// As [`distance`], of the beginning of `b` that is nearest to `a`.
pub(crate) fn distance_to_beginning(a: &str, b: &str) -> usize {
    distances(a, b).into_iter().min().unwrap_or(0)
}

/// The distances to every beginning of `b`, the shortest first.
fn distances(a: &str, b: &str) -> Vec<usize> {
    let a: Vec<char> = a.chars().take(100).collect();
    let b: Vec<char> = b.chars().take(100).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits_and_swaps() {
        for (a, b, expected) in [
            ("", "", 0),
            ("brand", "brand", 0),
            ("barnd", "brand", 1),
            ("color", "colour", 1),
            ("a", "xyz", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
        for (a, b, expected) in [
            ("head", "headset", 0),
            ("haed", "headset", 1),
            ("hed", "headset", 1),
            ("x", "", 1),
        ] {
            assert_eq!(distance_to_beginning(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn names_the_nearest_field() {
        static MAPPING: Mapping = Mapping {
            kind: "things",
            version: 1,
            fields: &[Field::facet("brand", 1.0), Field::integer("price_cents")],
        };
        let query = Query {
            facets: vec!["barnd".into()],
            ..Query::default()
        };
        let error = validate(&MAPPING, &query).unwrap_err();
        assert_eq!(error.to_string(), "cannot count \"barnd\"; did you mean \"brand\"?");
        let sort = Sort::Field {
            name: "price".into(),
            descending: false,
        };
        let error = validate(
            &MAPPING,
            &Query {
                sort,
                ..Query::default()
            },
        )
        .unwrap_err();
        assert!(error.to_string().contains("price_cents"), "{error}");
        assert!(
            validate(
                &MAPPING,
                &Query {
                    limit: 101,
                    ..Query::default()
                }
            )
            .is_err()
        );
        assert!(
            validate(
                &MAPPING,
                &Query {
                    limit: 0,
                    ..Query::default()
                }
            )
            .is_err()
        );
    }
}
