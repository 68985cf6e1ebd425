//! Key parts: how tenants and ids become partition and sort keys, so that no id can reach into another's range.
//!
//! `%` and every byte up to and including `#` (0x23) are percent-encoded. The encoding is injective, and nothing that is encoded sorts
//! below `#`, so the subtree of `ACCOUNT#a` is exactly the range from `ACCOUNT#a` to `ACCOUNT#a#` + U+10FFFF: never `ACCOUNT#a0`.

use crate::TenantId;
use std::fmt::Write;

/// The character that sorts after every other in UTF-8.
pub const LAST: char = '\u{10FFFF}';

/// Most bytes of a DynamoDB partition key.
pub const MAX_PARTITION_KEY_BYTES: usize = 2_048;

/// Most bytes of a DynamoDB sort key.
pub const MAX_SORT_KEY_BYTES: usize = 1_024;

fn must_encode(byte: u8) -> bool {
    byte <= b'#' || byte == b'%'
}

/// The bytes that `part` takes once encoded.
pub fn encoded_len(part: &str) -> usize {
    part.bytes().map(|byte| if must_encode(byte) { 3 } else { 1 }).sum()
}

/// Encodes one key part.
pub fn encode(part: &str) -> String {
    let mut out = String::with_capacity(encoded_len(part));
    for c in part.chars() {
        if c.is_ascii() && must_encode(c as u8) {
            let _ = write!(out, "%{:02X}", c as u8);
        } else {
            out.push(c);
        }
    }
    out
}

/// Decodes what [`encode`] made; `None` for anything that it could not have made.
pub fn decode(encoded: &str) -> Option<String> {
    let mut out = String::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let byte = u8::from_str_radix(rest.get(at + 1..at + 3)?, 16).ok()?;
        out.push(char::from(byte));
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    (encode(&out) == encoded).then_some(out)
}

/// The partition key that holds a tenant's own rows: `TENANT#<tenant>`.
pub fn tenant(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}")
}

/// A partition key below a tenant: `TENANT#<tenant>#<part>#<part>`, each part encoded.
pub fn below_tenant<'a>(tenant: &TenantId, parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = self::tenant(tenant);
    for part in parts {
        out.push('#');
        out.push_str(&encode(part));
    }
    out
}

/// The tenant of a partition key, or `None` when the key is not a tenant's.
pub fn tenant_of(partition_key: &str) -> Option<TenantId> {
    let rest = partition_key.strip_prefix("TENANT#")?;
    TenantId::new(rest.split('#').next()?).ok()
}

/// The inclusive bounds of the range that holds `key` and all below it.
pub fn subtree(key: &str) -> (String, String) {
    (key.to_owned(), format!("{key}#{LAST}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_injectively_and_above_the_delimiter() {
        for part in [
            "",
            "a",
            "a#b",
            "a%23b",
            "%",
            " ",
            "!\"#$",
            "naïve",
            "🦀",
            "\u{0}\u{1f}\u{20}\u{24}",
        ] {
            let encoded = encode(part);
            assert_eq!(decode(&encoded).as_deref(), Some(part));
            assert_eq!(encoded.len(), encoded_len(part));
            assert!(encoded.bytes().all(|byte| byte > b'#'), "{encoded}");
        }
        assert_eq!(decode("%61"), None, "an encoding of what needs none is refused");
        assert_eq!(decode("%2"), None);
        assert_eq!(decode("%zz"), None);
        assert_eq!(decode("%é"), None);
    }

    #[test]
    fn a_subtree_leaves_out_siblings_with_the_same_beginning() {
        let (from, to) = subtree("ACCOUNT#1");
        let inside = |key: &str| *key >= *from && *key <= *to;
        assert!(inside("ACCOUNT#1"));
        assert!(inside("ACCOUNT#1#OPPORTUNITY#🦀"));
        for outside in [
            "ACCOUNT#10",
            "ACCOUNT#1%20",
            "ACCOUNT#1$",
            "ACCOUNT#0",
            "ACCOUNT#1\u{10FFFF}",
        ] {
            assert!(!inside(outside), "{outside}");
        }
    }

    #[test]
    fn reads_the_tenant_of_a_key() {
        let t = TenantId::new("acme-1").unwrap();
        assert_eq!(tenant_of(&tenant(&t)), Some(t.clone()));
        assert_eq!(tenant_of(&below_tenant(&t, ["products", "a#b"])), Some(t));
        assert_eq!(tenant_of("TENANT#"), None);
        assert_eq!(tenant_of("SHARD#x"), None);
    }
}
