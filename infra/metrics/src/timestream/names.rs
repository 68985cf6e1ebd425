//! Dimensions as one text. Names become keys of letters, digits and underscores, which mean themselves in a JSON path; values are JSON texts.

use headwater_read_models::metrics::Dimensions;
use serde_json::{Map, Value};

/// The longest value of a dimension that the service takes, in bytes.
pub(super) const MAX_VALUE: usize = 2_048;

/// The key of a dimension: its ASCII letters and digits, and for each other byte an underscore and two digits. One for each name.
pub(super) fn key(name: &str) -> String {
    let mut key = "d".to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => key.push(char::from(byte)),
            _ => key.push_str(&format!("_{byte:02x}")),
        }
    }
    key
}

/// The name of a key.
pub(super) fn name(key: &str) -> Option<String> {
    let mut parts = key.strip_prefix('d')?.split('_');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (byte, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(byte, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// All dimensions of a point as JSON, in one order.
pub(super) fn text(dimensions: &Dimensions) -> String {
    let keyed = dimensions
        .iter()
        .map(|(name, value)| (key(name), Value::from(value.as_str())));
    Value::from(keyed.collect::<Map<_, _>>()).to_string()
}

/// The names in such a text.
pub(super) fn names(text: &str) -> Vec<String> {
    let read: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    read.keys().filter_map(|key| name(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_and_tell_their_names() {
        for of in [
            "plan",
            "",
            "a_b",
            "a_5fb",
            "it's \"x\"",
            "größe",
            "\u{0}\n",
            "$.a[0]",
            "日本",
        ] {
            let key = key(of);
            assert!(
                key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
                "{key}"
            );
            assert_eq!(name(&key).as_deref(), Some(of));
        }
        let dimensions = Dimensions::from([("plan".into(), "p\"'".into()), ("a b".into(), String::new())]);
        assert_eq!(text(&dimensions), r#"{"da_20b":"","dplan":"p\"'"}"#);
        assert_eq!(names(&text(&dimensions)), ["a b", "plan"]);
        assert_eq!(text(&Dimensions::new()), "{}");
    }
}
