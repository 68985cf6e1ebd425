//! Between JSON and DynamoDB's attribute values. Numbers stay exact: they travel as their digits.

use crate::Error;
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamo_schema::is_own_attribute;
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn to_attribute(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(flag),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(items) => AttributeValue::L(items.into_iter().map(to_attribute).collect()),
        Value::Object(members) => AttributeValue::M(
            members
                .into_iter()
                .map(|(name, value)| (name, to_attribute(value)))
                .collect(),
        ),
    }
}

fn from_attribute(value: AttributeValue) -> Option<Value> {
    Some(match value {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(flag) => Value::Bool(flag),
        AttributeValue::N(digits) => Value::Number(parse(&digits)?),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::L(items) => Value::Array(items.into_iter().map(from_attribute).collect::<Option<_>>()?),
        AttributeValue::M(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| Some((name, from_attribute(value)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

fn parse(digits: &str) -> Option<Number> {
    if let Ok(integer) = digits.parse::<i64>() {
        return Some(integer.into());
    }
    if let Ok(integer) = digits.parse::<u64>() {
        return Some(integer.into());
    }
    Number::from_f64(digits.parse().ok()?)
}

/// Discriminator, version and attributes of a stored row.
pub(crate) fn read(item: Item) -> Result<(String, u64, Map<String, Value>), Error> {
    let entity = item
        .get("entity")
        .and_then(|value| value.as_s().ok())
        .cloned()
        .unwrap_or_default();
    let version = item
        .get("version")
        .and_then(|value| value.as_n().ok())
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Error::unreadable(&entity, "it has no version"))?;
    let mut attributes = Map::new();
    for (name, value) in item {
        if !is_own_attribute(&name) {
            let value = from_attribute(value)
                .ok_or_else(|| Error::unreadable(&entity, format!("{name} has a foreign type")))?;
            attributes.insert(name, value);
        }
    }
    Ok((entity, version, attributes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_round_trips_exactly() {
        for value in [
            json!(i64::MIN),
            json!(u64::MAX),
            json!(2.13),
            json!(7.5e-10),
            json!(23000.0),
            json!({ "a": [1, "x", null, true], "$pd": { "v": 0, "value": "Ada" } }),
        ] {
            let back = from_attribute(to_attribute(value.clone())).unwrap();
            // 23000.0 comes back as 23000: one number, and serde reads either as f64.
            assert_eq!(back.as_f64(), value.as_f64());
            if !value.is_f64() {
                assert_eq!(back, value);
            }
        }
    }
}
