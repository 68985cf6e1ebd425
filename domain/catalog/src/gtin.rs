//! Global Trade Item Numbers: what is one, when two are the same, and how they are claimed. A number is one product's or one of its variants'.

use headwater_kernel::{Claim, Rejection};

/// Most GTINs of one product or variant. Families of cartridges and cables have more than a hundred.
pub const MAX_GTINS: usize = 200;

/// The 14 digits under which GTINs are compared: shorter ones are filled up with zeros from the left (GS1 General Specifications,
/// 3.2.1). `None` unless it is 8 to 14 digits of which the last checks the others.
///
/// GS1 has 8, 12, 13 and 14 digits. The lengths between are such numbers whose leading zeros a spreadsheet took; the check digit
/// still holds for them.
pub fn normalized(gtin: &str) -> Option<String> {
    if !(8..=14).contains(&gtin.len()) || !gtin.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{gtin:0>14}");
    // Weights 3 and 1 in turn, 3 for the leftmost of 14 (section 7.9); with its own digit the sum is a multiple of ten.
    let sum: u32 = padded
        .bytes()
        .zip([3, 1].into_iter().cycle())
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .sum();
    sum.is_multiple_of(10).then_some(padded)
}

/// The claims of these numbers.
pub(crate) fn claims<'a>(gtin: impl IntoIterator<Item = &'a String>) -> Vec<Claim> {
    let claim = |value| Claim {
        name: "gtin",
        value,
        pointer: "/gtin",
    };
    gtin.into_iter()
        .filter_map(|gtin| normalized(gtin))
        .map(claim)
        .collect()
}

/// Checks the GTINs of a product or variant and leaves out those that repeat an earlier one in another or the same spelling.
pub(crate) fn checked(gtin: Vec<String>) -> Result<Vec<String>, Rejection> {
    if gtin.len() > MAX_GTINS {
        let detail = format!("there are {} GTINs; at most {MAX_GTINS} are allowed", gtin.len());
        return Err(Rejection::field("too-many", "/gtin", detail));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut kept = Vec::with_capacity(gtin.len());
    for (index, gtin) in gtin.into_iter().enumerate() {
        let Some(normalized) = normalized(&gtin) else {
            let detail = "a GTIN has 8 to 14 digits, the last of which checks the others; look for a mistyped digit";
            return Err(Rejection::field("not-a-gtin", format!("/gtin/{index}"), detail));
        };
        if seen.insert(normalized) {
            kept.push(gtin);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_gtin_by_its_check_digit() {
        for (gtin, normal) in [
            ("96385074", "00000096385074"),
            ("095205603217", "00095205603217"),
            ("0095205603217", "00095205603217"),
            ("00095205603217", "00095205603217"),
            ("85896333746", "00085896333746"),
        ] {
            assert_eq!(normalized(gtin).as_deref(), Some(normal));
        }
        for not in [
            "",
            "9638507",
            "0095205603218",
            "009520560321X",
            "000095205603217",
            "٩٦٣٨٥٠٧٤",
        ] {
            assert_eq!(normalized(not), None, "{not}");
        }
    }

    #[test]
    fn a_repeat_is_kept_once() {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            checked(list(&["095205603217", "96385074", "0095205603217"])),
            Ok(list(&["095205603217", "96385074"]))
        );
        assert_eq!(checked(list(&["96385074", "1"])).unwrap_err().pointer, "/gtin/1");
        assert_eq!(checked(vec!["96385074".to_owned(); 201]).unwrap_err().code, "too-many");
    }
}
