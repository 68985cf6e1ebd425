//! What the values of a document's fields are compared as, the same for every adapter.

use crate::{DocumentBody, DocumentWrite, Error};
use headwater_kernel::Timestamp;
use headwater_read_models::search::{Field, FieldKind, MAX_PART_ATTRIBUTES, Mapping};
use serde_json::Value;

/// The separator between the tenant and the rest of a term; no tenant id holds it.
pub(crate) const SEPARATOR: char = '\0';
/// Longest text that results are sorted by, in characters.
const MAX_SORT: usize = 128;

/// Checks that a body is as the mapping says, so that a write fails before anything of its batch is done.
pub(crate) fn check(mapping: &Mapping, write: &DocumentWrite) -> Result<(), Error> {
    let DocumentBody::Put(body) = &write.body else {
        return Ok(());
    };
    let invalid = |reason: String| Error::InvalidDocument {
        id: write.id.to_string(),
        reason,
    };
    let object = body
        .as_object()
        .ok_or_else(|| invalid("it is not a JSON object".into()))?;
    for field in mapping.fields {
        let name = field.name;
        let value = object.get(name).unwrap_or(&Value::Null);
        let fits = value.is_null()
            || match field.kind {
                FieldKind::Text { .. } | FieldKind::Keyword { .. } => match value {
                    Value::Array(values) => values.iter().all(Value::is_string),
                    value => value.is_string(),
                },
                FieldKind::Integer | FieldKind::Time => number(field, value).is_some(),
                FieldKind::Attributes { .. } => value
                    .as_object()
                    .is_some_and(|map| map.values().all(|value| !value.is_object())),
            };
        let fits = fits && parts(field, body).all(|part| part_fits(field, part));
        if !fits {
            return Err(invalid(format!(
                "its field {name:?} is not what the mapping says ({:?})",
                field.kind
            )));
        }
    }
    Ok(())
}

fn part_fits(field: &Field, value: &Value) -> bool {
    match (field.kind, value) {
        (_, Value::Null) => true,
        (FieldKind::Attributes { .. }, Value::Object(map)) => {
            map.len() <= MAX_PART_ATTRIBUTES && map.values().all(Value::is_string)
        }
        (FieldKind::Attributes { .. }, _) => false,
        (_, Value::Array(values)) => values.iter().all(Value::is_string),
        (_, value) => value.is_string(),
    }
}

/// What a document's parts have of a field; nothing where the document has no parts.
pub(crate) fn parts<'a>(field: &Field, body: &'a Value) -> impl Iterator<Item = &'a Value> {
    let declared = field.parts;
    let list = declared
        .and_then(|parts| body.get(parts.list))
        .and_then(Value::as_array);
    let list = list.into_iter().flatten();
    list.filter_map(move |part| part.get(declared?.member))
}

/// The texts of a keyword, those of the document's parts too.
pub(crate) fn keywords<'a>(field: &Field, body: &'a Value) -> Vec<&'a str> {
    let own = body.get(field.name).into_iter();
    own.chain(parts(field, body)).flat_map(texts).collect()
}

pub(crate) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

/// The number that a column holds; a time as nanoseconds.
pub(crate) fn number(field: &Field, value: &Value) -> Option<i64> {
    match field.kind {
        FieldKind::Time => Timestamp::parse(value.as_str()?).ok().map(Timestamp::nanos),
        _ => value.as_i64(),
    }
}

/// What results are sorted by: words in lower case, so that `apple` and `Apple` stand together.
pub(crate) fn sort_text(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").chars().take(MAX_SORT).collect()
}

/// The heaviest text, a title or name: neighbouring words count there.
pub(crate) fn lead(mapping: &Mapping) -> Option<&'static str> {
    let texts = mapping
        .fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::Text { .. }));
    texts
        .max_by(|a, b| a.weight().total_cmp(&b.weight()))
        .map(|field| field.name)
}

/// How a text, number or boolean is compared: numbers without a fraction of zero.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(canonical_number(&number.to_string())),
        _ => None,
    }
}

/// `2.0` as `2`, `2e3` as `2000`; what is no number stays as it is.
pub(crate) fn canonical_number(text: &str) -> String {
    if text.parse::<i64>().is_ok_and(|whole| whole.to_string() == text) {
        return text.to_owned();
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match text.parse::<f64>() {
        Ok(number) if numeric && number.is_finite() => format!("{number}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert_eq!(scalar(&serde_json::json!(2.0)).unwrap(), canonical_number("2"));
        assert_eq!(scalar(&serde_json::json!(0.1)).unwrap(), canonical_number("0.10"));
        assert_eq!(canonical_number("5400 rpm"), "5400 rpm");
        assert_eq!(canonical_number("nan"), "nan");
    }
}
