//! Personal data: one type that marks it, persists it in a tagged envelope from the first day, and cannot slip into a key, a search
//! document or a log line, because it implements nothing that those need.

use crate::Id;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, ser::SerializeMap};
use serde_json::{Value, json};
use std::{borrow::Cow, fmt};

/// The member that tags an envelope.
const TAG: &str = "$pd";

/// What readers see in place of a value that was forgotten.
const ERASED: &str = "[erased]";

/// A value about a person. It has no `Display`, `Hash` or `Ord`, and its `Debug` prints nothing of the value.
///
/// Persisted as `{"$pd": {"v": 0, "subject": …, "value": …}}` (v0 is plain); an erased one has no `value`.
#[derive(Clone, PartialEq, Eq)]
pub enum Personal<T> {
    /// The value can be read.
    Known {
        /// Whose data it is; the aggregate's id unless said otherwise.
        subject: Id,
        /// The value.
        value: T,
    },
    /// The subject was forgotten.
    Erased,
}

impl<T> Personal<T> {
    /// Marks a value as being about `subject`.
    pub fn about(subject: &Id, value: T) -> Self {
        Self::Known {
            subject: subject.clone(),
            value,
        }
    }

    /// The value, unless it was forgotten.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Erased => None,
        }
    }
}

/// Replaces every envelope in a stored JSON document by what a reader who may see it gets: the value, or `[erased]`.
pub(crate) fn reveal(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(reveal),
        Value::Object(members) => {
            if members.len() == 1
                && let Some(Value::Object(envelope)) = members.get_mut(TAG)
                && envelope.contains_key("v")
            {
                *value = envelope.remove("value").unwrap_or_else(|| json!(ERASED));
            } else {
                members.values_mut().for_each(reveal);
            }
        }
        _ => {}
    }
}

impl Personal<()> {
    /// See the function of the module: the one place where envelopes become plain values, at the edge.
    pub fn reveal(value: &mut Value) {
        reveal(value);
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known { .. } => "Personal(..)",
            Self::Erased => "Personal(erased)",
        })
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Envelope<'a, T> {
            v: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            subject: Option<&'a Id>,
            #[serde(skip_serializing_if = "Option::is_none")]
            value: Option<&'a T>,
        }
        let envelope = match self {
            Self::Known { subject, value } => Envelope {
                v: 0,
                subject: Some(subject),
                value: Some(value),
            },
            Self::Erased => Envelope {
                v: 0,
                subject: None,
                value: None,
            },
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(TAG, &envelope)?;
        map.end()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Tagged {
            #[serde(rename = "$pd")]
            envelope: Envelope,
        }
        #[derive(Deserialize)]
        struct Envelope {
            v: u32,
            subject: Option<Id>,
            value: Option<Value>,
        }
        let Tagged { envelope } = Tagged::deserialize(deserializer)?;
        if envelope.v != 0 {
            return Err(serde::de::Error::custom(format_args!(
                "personal data of envelope version {} was not decrypted before it was read",
                envelope.v
            )));
        }
        match (envelope.subject, envelope.value) {
            (Some(subject), Some(value)) => {
                // The error of a value would quote it, so only its kind is told.
                let value = serde_json::from_value(value)
                    .map_err(|_| serde::de::Error::custom("personal data has another type than its field"))?;
                Ok(Self::Known { subject, value })
            }
            _ => Ok(Self::Erased),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Personal<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Personal_{}", T::schema_name()).into()
    }

    /// The schema of what readers see.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("x-personal-data".into(), json!(true));
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Personal<String> {
        Personal::about(&Id::new("L1").unwrap(), "Ada".to_owned())
    }

    #[test]
    fn persists_in_its_envelope_and_is_revealed_at_the_edge() {
        let mut stored =
            serde_json::to_value(json!({ "name": ada(), "gone": Personal::<String>::Erased, "n": [1] })).unwrap();
        assert_eq!(
            stored["name"],
            json!({ "$pd": { "v": 0, "subject": "L1", "value": "Ada" } })
        );
        assert_eq!(stored["gone"], json!({ "$pd": { "v": 0 } }));
        assert_eq!(
            serde_json::from_value::<Personal<String>>(stored["name"].clone()).unwrap(),
            ada()
        );
        assert_eq!(
            serde_json::from_value::<Personal<String>>(stored["gone"].clone()).unwrap(),
            Personal::Erased
        );
        Personal::reveal(&mut stored);
        assert_eq!(stored, json!({ "name": "Ada", "gone": "[erased]", "n": [1] }));
    }

    #[test]
    fn says_nothing_of_the_value() {
        assert_eq!(format!("{:?}", ada()), "Personal(..)");
        let error = serde_json::from_value::<Personal<u8>>(serde_json::to_value(ada()).unwrap()).unwrap_err();
        assert!(!error.to_string().contains("Ada"), "{error}");
        let sealed = json!({ "$pd": { "v": 1, "subject": "L1", "c": "…" } });
        assert!(serde_json::from_value::<Personal<String>>(sealed).is_err());
    }
}
