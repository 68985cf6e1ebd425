//! What can be a part of a key, and how it is written so that it sorts and cannot reach beyond its part.

use headwater_kernel::{Id, Timestamp, key};

/// A value that can stand in a key template. Personal data does not implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a key",
    label = "a key template names this field",
    note = "keys are made of Id, String, Timestamp, bool, u16, u32 and u64; personal data stands in no key, because a key cannot be forgotten"
)]
pub trait KeyPart {
    /// The encoded part; `None` keeps the row out of the index whose template names it.
    fn key_part(&self) -> Option<String>;
}

impl KeyPart for Id {
    fn key_part(&self) -> Option<String> {
        Some(key::encode(self.as_str()))
    }
}

impl KeyPart for String {
    fn key_part(&self) -> Option<String> {
        Some(key::encode(self))
    }
}

impl KeyPart for str {
    fn key_part(&self) -> Option<String> {
        Some(key::encode(self))
    }
}

/// RFC 3339 with nine digits after the point, so that text order is the order in time.
impl KeyPart for Timestamp {
    fn key_part(&self) -> Option<String> {
        let (seconds, nanos) = (
            self.nanos().div_euclid(1_000_000_000),
            self.nanos().rem_euclid(1_000_000_000),
        );
        let whole = Timestamp::from_nanos(seconds * 1_000_000_000).to_string();
        Some(format!("{}.{nanos:09}Z", whole.trim_end_matches('Z')))
    }
}

impl KeyPart for bool {
    fn key_part(&self) -> Option<String> {
        Some(self.to_string())
    }
}

macro_rules! unsigned {
    ($($integer:ty),*) => {$(
        /// Twenty digits, so that text order is the order of numbers.
        impl KeyPart for $integer {
            fn key_part(&self) -> Option<String> {
                Some(format!("{self:020}"))
            }
        }
    )*};
}
unsigned!(u16, u32, u64);

impl<T: KeyPart> KeyPart for Option<T> {
    fn key_part(&self) -> Option<String> {
        self.as_ref().and_then(KeyPart::key_part)
    }
}

impl<T: KeyPart + ?Sized> KeyPart for &T {
    fn key_part(&self) -> Option<String> {
        (**self).key_part()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_order_is_the_order_of_values() {
        let at = |nanos| Timestamp::from_nanos(nanos).key_part().unwrap();
        assert_eq!(at(0), "1970-01-01T00:00:00.000000000Z");
        assert!(at(1) > at(0) && at(1_000_000_000) > at(999_999_999) && at(-1) < at(0));
        assert!(9u64.key_part() < 10u64.key_part());
        assert_eq!("a#b".key_part().as_deref(), Some("a%23b"));
        assert_eq!(None::<Id>.key_part(), None);
    }
}
