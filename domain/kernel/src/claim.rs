//! Values that are unique within a tenant, although the event table has no unique constraint.

/// A value that one aggregate holds alone within its tenant and context: `gtin` = `0095205603217`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// What kind of value it is: lower case, stable for ever, part of a key.
    pub name: &'static str,
    /// The value, as it is compared.
    pub value: String,
    /// Where the value stands in the command's payload, as a JSON pointer, for the error that says it is taken.
    pub pointer: &'static str,
}
