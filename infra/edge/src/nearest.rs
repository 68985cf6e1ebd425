//! Did you mean: the nearest of the known names.

/// The name that was probably meant, if one is near: at most a third of its letters differ.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is far longer than any name is no misspelling, and not worth its quadratic time.
    let wanted: Vec<char> = wanted.chars().take(64).collect();
    let all = known.into_iter().map(|name| (distance(&wanted, name), name));
    let (distance, name) = all.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.chars().count().max(wanted.len()).div_ceil(3)).then_some(name)
}

/// Levenshtein's distance.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (n, letter) in b.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = n + 1;
        for (m, other) in a.iter().enumerate() {
            let replaced = diagonal + usize::from(*other != letter);
            diagonal = row[m + 1];
            row[m + 1] = replaced.min(diagonal + 1).min(row[m] + 1);
        }
    }
    row[a.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_that_was_meant() {
        let known = ["create", "change-price", "discontinue"];
        assert_eq!(nearest("change_price", known), Some("change-price"));
        assert_eq!(nearest("Create", known), Some("create"));
        assert_eq!(nearest("explode", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
