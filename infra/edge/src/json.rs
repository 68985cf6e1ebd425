//! JSON of callers, taken strictly: one value, no member twice, so that what is checked is what is meant.

use crate::Problem;
use ::http::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Parses a JSON text.
///
/// # Errors
/// 400 `invalid-json` with line and column, also when a member comes twice or anything follows the value.
pub fn parse_json(text: &[u8]) -> Result<Value, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let parsed = Strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-json",
            format!("this is not JSON as it is taken here: {error}"),
        )
    })
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the member `{}` comes twice", name)));
            }
            object.insert(name, members.next_value_seed(Strict)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_integers_and_refuses_what_is_ambiguous() {
        let text = br#"{"a":[1,-2,18446744073709551615,1.5,null,true,"x"]}"#;
        assert_eq!(parse_json(text).unwrap().to_string().as_bytes(), text);
        for bad in [
            "",
            "{",
            "{} {}",
            "[1,]",
            "{\"a\":1,\"a\":2}",
            "nul",
            "\u{feff}{}",
            &"[".repeat(10_000),
        ] {
            assert_eq!(
                parse_json(bad.as_bytes()).unwrap_err().code(),
                "invalid-json",
                "{bad:.20}"
            );
        }
        let detail = parse_json(b"{\"a\": {\"b\": 1,\n \"b\": 2}}")
            .unwrap_err()
            .detail()
            .to_owned();
        assert!(detail.contains("`b` comes twice at line 2"), "{detail}");
        assert!(parse_json(b"\"\xff\"").is_err());
    }
}
