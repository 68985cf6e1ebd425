//! The order of a stream's sequence numbers.

/// What sequence numbers are compared by: they are decimal numbers of up to 40 digits, with or without leading zeros.
pub fn sequence_order(sequence: &str) -> (usize, &str) {
    let digits = sequence.trim_start_matches('0');
    (digits.len(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_are_compared_as_numbers_of_any_length() {
        let forty = "9".repeat(40);
        let mut numbers = ["100", "99", "000000000000000000101", forty.as_str(), "0"];
        numbers.sort_by(|a, b| sequence_order(a).cmp(&sequence_order(b)));
        assert_eq!(numbers, ["0", "99", "100", "000000000000000000101", forty.as_str()]);
    }
}
