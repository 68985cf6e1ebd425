//! Stored values in one form each, so that two items can be compared whichever way a store prints a number.

use aws_sdk_dynamodb::types::AttributeValue;
use std::{collections::BTreeMap, hash::Hash};

/// A value in its one form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Canonical {
    Null,
    Bool(bool),
    /// Whether it is negative, its digits without zeros at either end, and the power of ten of the last.
    Number(bool, String, i64),
    Text(String),
    List(Vec<Canonical>),
    Map(BTreeMap<String, Canonical>),
    /// Nothing that a repository writes.
    Foreign(String),
}

/// The one form of a value.
pub(crate) fn canonical(value: &AttributeValue) -> Canonical {
    match value {
        AttributeValue::Null(_) => Canonical::Null,
        AttributeValue::Bool(flag) => Canonical::Bool(*flag),
        AttributeValue::N(digits) => number(digits),
        AttributeValue::S(text) => Canonical::Text(text.clone()),
        AttributeValue::L(items) => Canonical::List(items.iter().map(canonical).collect()),
        AttributeValue::M(members) => Canonical::Map(
            members
                .iter()
                .map(|(name, value)| (name.clone(), canonical(value)))
                .collect(),
        ),
        other => Canonical::Foreign(format!("{other:?}")),
    }
}

fn number(text: &str) -> Canonical {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, power) = match rest.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().unwrap_or(0)),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let power = power - i64::try_from(fraction.len()).unwrap_or(0);
    let digits = digits.trim_start_matches('0');
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return Canonical::Number(false, String::new(), 0);
    }
    let power = power + i64::try_from(digits.len() - kept.len()).unwrap_or(0);
    Canonical::Number(negative, kept.to_owned(), power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        let same = |a: &str, b: &str| assert_eq!(number(a), number(b), "{a} {b}");
        same("23000.0", "23000");
        same("2.3E4", "23000");
        same("2.3e+4", "23000");
        same("-0.00120", "-1.2e-3");
        same("0", "-0.0");
        same("18446744073709551615", "18446744073709551615.0");
        for (a, b) in [("1", "10"), ("1", "-1"), ("0.1", "0.01"), ("101", "11")] {
            assert_ne!(number(a), number(b), "{a} {b}");
        }
    }
}
