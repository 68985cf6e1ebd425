//! Attributes of a product: names with a text, a number or a truth value each.

use headwater_kernel::{Rejection, text};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Number;
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Most attributes of one product.
pub const MAX_ATTRIBUTES: usize = 500;

/// Most characters of an attribute's name.
const MAX_NAME: usize = 255;

/// Most characters of an attribute's text. Lists of compatible devices are long.
const MAX_TEXT: usize = 10_000;

/// Most bytes that all attributes take as JSON, so that a commit with everything else stays below 300 KB.
const MAX_JSON_BYTES: usize = 128 * 1024;

/// The value of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Attribute {
    /// `true` or `false`.
    Flag(bool),
    /// A finite number; an integer stays one.
    Number(Number),
    /// A text.
    Text(String),
}

/// Attributes by name.
pub type Attributes = BTreeMap<String, Attribute>;

impl Attribute {
    /// The number as a float, for comparing; `None` for what is no number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            Self::Flag(_) | Self::Text(_) => None,
        }
    }
}

impl From<bool> for Attribute {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Attribute {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// By hand, because the message of an untagged enum does not say what would be right.
impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Attribute;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number or a boolean")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Attribute, E> {
                Ok(Attribute::Flag(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Attribute, E> {
                Ok(Attribute::Number(value.into()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Attribute, E> {
                Ok(Attribute::Number(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Attribute, E> {
                Number::from_f64(value)
                    .map(Attribute::Number)
                    .ok_or_else(|| E::custom("the number is not finite"))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Attribute, E> {
                Ok(Attribute::Text(value.to_owned()))
            }

            fn visit_string<E: de::Error>(self, value: String) -> Result<Attribute, E> {
                Ok(Attribute::Text(value))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Attribute {
    fn schema_name() -> Cow<'static, str> {
        "Attribute".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"], "maxLength": MAX_TEXT })
    }
}

/// Checks names, texts and sizes.
pub(super) fn check(attributes: &Attributes) -> Result<(), Rejection> {
    if attributes.len() > MAX_ATTRIBUTES {
        let detail = format!(
            "there are {} attributes; at most {MAX_ATTRIBUTES} are allowed",
            attributes.len()
        );
        return Err(Rejection::field("too-many", "/attributes", detail));
    }
    let mut bytes = 0;
    for (name, attribute) in attributes {
        // A pointer with the name as it came, but no longer than what a name may be.
        let pointer = || {
            let shown: String = name.chars().take(MAX_NAME).collect();
            format!("/attributes/{}", shown.replace('~', "~0").replace('/', "~1"))
        };
        // `$` begins what the formats keep for themselves, such as the envelope of personal data.
        if name.starts_with('$') {
            return Err(Rejection::field(
                "reserved-name",
                pointer(),
                "the name of an attribute cannot begin with $",
            ));
        }
        text::line(&pointer(), name, MAX_NAME)?;
        if let Attribute::Text(text) = attribute {
            text::lines(&pointer(), text, MAX_TEXT)?;
        }
        bytes += json_len(name) + 2;
        bytes += match attribute {
            Attribute::Text(text) => json_len(text),
            Attribute::Flag(_) | Attribute::Number(_) => 24,
        };
    }
    if bytes > MAX_JSON_BYTES {
        let detail = format!("the attributes take {bytes} bytes as JSON; at most {MAX_JSON_BYTES} are allowed");
        return Err(Rejection::field("too-long", "/attributes", detail));
    }
    Ok(())
}

/// The bytes of a JSON string with its quotes.
fn json_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, attribute: impl Into<Attribute>) -> Result<(), Rejection> {
        check(&Attributes::from([(name.to_owned(), attribute.into())]))
    }

    #[test]
    fn keeps_what_a_number_was() {
        let text = r#"{"a":6,"b":6.0,"c":18446744073709551615,"d":true,"e":"6"}"#;
        let attributes: Attributes = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&attributes).unwrap(), text);
        assert_eq!(attributes["b"].as_f64(), Some(6.0));
    }

    #[test]
    fn refuses_what_is_not_scalar() {
        for value in ["null", "[1]", "{}"] {
            let error = serde_json::from_str::<Attribute>(value).unwrap_err().to_string();
            assert!(error.contains("expected a string, a number or a boolean"), "{error}");
        }
    }

    #[test]
    fn bounds_names_texts_and_the_whole() {
        assert_eq!(one("n_weight", 1), Ok(()));
        assert_eq!(one("t_compatibility", "x".repeat(10_000).as_str()), Ok(()));
        assert_eq!(one("t", "x".repeat(10_001).as_str()).unwrap_err().code, "too-long");
        let envelope = one("$pd", 1).unwrap_err();
        assert_eq!(
            (envelope.code, envelope.pointer.as_str()),
            ("reserved-name", "/attributes/$pd")
        );
        assert_eq!(one("", 1).unwrap_err().code, "blank");
        assert_eq!(one(&"a/".repeat(200), 1).unwrap_err().code, "too-long");
        let many = |count, text: &str| check(&(0..count).map(|n| (n.to_string(), text.into())).collect());
        assert_eq!(many(500, "x"), Ok(()));
        assert_eq!(many(501, "x").unwrap_err().code, "too-many");
        assert_eq!(many(14, &"\u{1}".repeat(10_000)).unwrap_err().pointer, "/attributes");
    }
}
