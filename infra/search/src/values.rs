//! What the values of a document's fields are compared as, the same for every adapter.

use crate::{DocumentBody, DocumentWrite, Error};
use headwater_kernel::Timestamp;
use headwater_read_models::search::{Field, FieldKind, Mapping};
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
        let Some(value) = object.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        let fits = match field.kind {
            FieldKind::Text { .. } | FieldKind::Keyword { .. } => match value {
                Value::Array(values) => values.iter().all(Value::is_string),
                value => value.is_string(),
            },
            FieldKind::Integer | FieldKind::Time => number(field, value).is_some(),
            FieldKind::Attributes { .. } => value
                .as_object()
                .is_some_and(|map| map.values().all(|value| !value.is_object())),
        };
        if !fits {
            return Err(invalid(format!(
                "its field {name:?} is not what the mapping says ({:?})",
                field.kind
            )));
        }
    }
    Ok(())
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

/// The value of an attribute as one text. The name's length in front makes it injective, whatever the two hold.
pub(crate) fn attribute_value(name: &str, value: &str) -> String {
    format!("{}:{name}{value}", name.len())
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
    fn values_of_attributes_cannot_be_confused() {
        assert_ne!(attribute_value("a", "bc"), attribute_value("ab", "c"));
        assert_ne!(attribute_value("1:a", ""), attribute_value("1", ":a"));
        assert_eq!(scalar(&serde_json::json!(2.0)).unwrap(), canonical_number("2"));
        assert_eq!(scalar(&serde_json::json!(0.1)).unwrap(), canonical_number("0.10"));
        assert_eq!(canonical_number("5400 rpm"), "5400 rpm");
        assert_eq!(canonical_number("nan"), "nan");
    }
}
