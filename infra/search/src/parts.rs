//! Which parts of a hit are what a query asked for: of a product the variants.

use crate::{Filter, Query, attributes, text::analysis::code, values::texts};
use headwater_read_models::search::{Field, FieldKind, Mapping};
use serde_json::Value;

/// The ids of a hit's parts that satisfy what the hit does not by itself: filters by attributes and keywords, and a text that is a code as a
/// whole. `None` when nothing of the query is about parts, or the hit satisfies it all by itself.
///
/// Bounds: as many as the document has parts; a part without a text `id` is not named.
pub fn matched_parts<'a>(mapping: &Mapping, query: &Query, source: &'a Value) -> Option<Vec<&'a str>> {
    let list = mapping.fields.iter().find_map(|field| field.parts)?.list;
    let all = source.get(list)?.as_array()?;
    let mut wanted: Vec<Wanted<'_>> = query
        .filters
        .iter()
        .filter_map(|filter| of_filter(mapping, filter))
        .collect();
    let typed = query.text.as_deref().map(code).filter(|code| !code.is_empty());
    wanted.extend(typed.map(|code| Wanted::Code(codes(mapping), code)));
    wanted.retain(|wanted| !wanted.is_own(source));
    // A text that no part has as its code says nothing of parts.
    wanted.retain(|wanted| !matches!(wanted, Wanted::Code(..)) || all.iter().any(|part| wanted.is_of(part)));
    if wanted.is_empty() {
        return None;
    }
    let matched = all.iter().filter(|part| wanted.iter().all(|wanted| wanted.is_of(part)));
    Some(matched.filter_map(|part| part.get("id")?.as_str()).collect())
}

/// What a document or one of its parts has to have.
enum Wanted<'a> {
    Attribute(&'static Field, &'a str, &'a [String]),
    Keyword(&'static Field, &'a [String]),
    /// One of these fields has a value that is this code.
    Code(Vec<&'static Field>, String),
}

fn of_filter<'a>(mapping: &Mapping, filter: &'a Filter) -> Option<Wanted<'a>> {
    match filter {
        Filter::Attribute { name, any_of } => {
            let field = crate::validate::attributes(mapping).filter(|field| field.parts.is_some())?;
            Some(Wanted::Attribute(field, name, any_of))
        }
        Filter::Equals { field, any_of } => {
            let field = mapping.field(field).filter(|field| field.parts.is_some())?;
            Some(Wanted::Keyword(field, any_of))
        }
        Filter::Range { .. } => None,
    }
}

fn codes(mapping: &Mapping) -> Vec<&'static Field> {
    let exact = |field: &&Field| matches!(field.kind, FieldKind::Keyword { exact_boost, .. } if exact_boost > 0.0);
    mapping.fields.iter().filter(exact).collect()
}

impl Wanted<'_> {
    fn is_own(&self, source: &Value) -> bool {
        self.holds(|field| source.get(field.name))
    }

    fn is_of(&self, part: &Value) -> bool {
        self.holds(|field| part.get(field.parts?.member))
    }

    fn holds<'a>(&self, given: impl Fn(&Field) -> Option<&'a Value>) -> bool {
        match self {
            Self::Attribute(field, name, any_of) => {
                let value = given(field).and_then(|map| map.get(name));
                value.is_some_and(|value| attributes::is_one_of(value, any_of))
            }
            Self::Keyword(field, any_of) => {
                let values = given(field).map(texts).unwrap_or_default();
                values.iter().any(|value| any_of.iter().any(|one| one == value))
            }
            Self::Code(fields, wanted) => fields.iter().any(|field| {
                let values = given(field).map(texts).unwrap_or_default();
                values.iter().any(|value| code(value) == *wanted)
            }),
        }
    }
}
