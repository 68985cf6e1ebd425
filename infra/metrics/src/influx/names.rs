//! Names and values as InfluxDB gets them. What a caller wrote reaches neither a line nor a statement as it is: it is encoded to letters,
//! digits and `._-%` first, which mean nothing to either, and every name and value of a statement goes through [`quote`].

use headwater_kernel::TenantId;

/// A percent sign and two digits for each byte that is no ASCII letter or digit and none of `.`, `_`, `-`. One text for each text, which is
/// also right in a URL.
pub(super) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A value that [`value`] makes of no text.
pub(super) const NO_VALUE: &str = "%none";

/// A dimension's value. A tag without a value is no tag, so the empty text has one too.
pub(super) fn value(text: &str) -> String {
    match text.is_empty() {
        true => "%".to_owned(),
        false => percent(text),
    }
}

/// What [`value`] was made of; none for a tag that is not there, and for what nobody made.
pub(super) fn read_value(encoded: &str) -> Option<String> {
    match encoded {
        "" => None,
        "%" => Some(String::new()),
        encoded => read(encoded),
    }
}

fn read(encoded: &str) -> Option<String> {
    let mut parts = encoded.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (byte, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(byte, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The measurement of a tenant's series. A tenant's id has no colon, so no other tenant has one that begins the same.
pub(super) fn measurement(tenant: &TenantId, series: &str) -> String {
    format!("{}{}", of_tenant(tenant), percent(series))
}

/// What all measurements of a tenant begin with.
pub(super) fn of_tenant(tenant: &TenantId) -> String {
    format!("{}:", tenant.as_str())
}

/// The series of a tenant's measurement.
pub(super) fn read_series(tenant: &TenantId, measurement: &str) -> Option<String> {
    read(measurement.strip_prefix(&of_tenant(tenant))?)
}

/// The tag of a dimension; its beginning keeps it apart from the writer's.
pub(super) fn tag(dimension: &str) -> String {
    format!("d.{}", percent(dimension))
}

/// The dimension of a tag.
pub(super) fn read_tag(tag: &str) -> Option<String> {
    read(tag.strip_prefix("d.")?)
}

/// What stands around a name of a statement.
pub(super) const NAME: char = '"';
/// What stands around a text of a statement.
pub(super) const TEXT: char = '\'';

/// A name or a text as InfluxQL reads it back.
pub(super) fn quote(text: &str, mark: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\\' | '"' | '\'' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push(mark);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How InfluxQL reads what stands in quotes: what it means, and what comes after it.
    fn lexed(statement: &str) -> Option<(String, &str)> {
        let mark = statement.chars().next()?;
        let mut read = String::new();
        let mut chars = statement.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == mark => return Some((read, &statement[at + 1..])),
                '\n' | '\0' => return None,
                '\\' => match chars.next()?.1 {
                    'n' => read.push('\n'),
                    c @ ('\\' | '"' | '\'') => read.push(c),
                    _ => return None,
                },
                c => read.push(c),
            }
        }
        None
    }

    /// Texts of what has a meaning somewhere, the same in every run.
    fn hostile() -> impl Iterator<Item = String> {
        const PIECES: [&str; 22] = [
            "'", "\"", "\\", "\n", "\r", "\t", " ", ",", "=", "%", "%2", "%none", "#", ";", "--", "/*", "a", "é", "🦀",
            "$x", "/.*/", "\u{1}",
        ];
        let mut state = 7_u64;
        let mut below = move |bound: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        };
        (0..20_000).map(move |_| (0..below(8)).map(|_| PIECES[below(PIECES.len())]).collect())
    }

    #[test]
    fn what_is_quoted_is_read_back_and_ends_where_it_should() {
        for text in hostile() {
            for mark in [NAME, TEXT] {
                let statement = format!("{} OR 1", quote(&text, mark));
                assert_eq!(lexed(&statement), Some((text.clone(), " OR 1")), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_encoded_has_no_meaning_and_is_read_back() {
        for text in hostile() {
            let encoded = value(&text);
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-%".contains(c);
            assert!(!encoded.is_empty() && encoded.chars().all(plain), "{encoded}");
            assert_eq!(read_value(&encoded), Some(text.clone()));
            assert_eq!(read_tag(&tag(&text)), Some(text.clone()));
            assert_ne!(encoded, NO_VALUE);
        }
        for nobodys in ["", "%4", "%zz", "%é", "%FF"] {
            assert_eq!(read_value(nobodys), None, "{nobodys:?}");
        }
    }

    #[test]
    fn no_measurement_of_a_tenant_is_read_as_anothers() {
        let tenant = |id| TenantId::new(id).unwrap();
        let ours = measurement(&tenant("acme"), "a:b");
        assert_eq!(ours, "acme:a%3Ab");
        assert_eq!(read_series(&tenant("acme"), &ours), Some("a:b".to_owned()));
        assert_eq!(read_series(&tenant("acm"), &ours), None);
        assert_eq!(read_series(&tenant("acme-2"), &ours), None);
    }
}
