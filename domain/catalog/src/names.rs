//! How the names of the catalog are compared.

/// The form in which two names are the same: without regard to case and to how they are spaced.
pub(crate) fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold() {
        assert_eq!(folded("  Hewlett   PACKARD "), folded("hewlett packard"));
        assert_ne!(folded("a b"), folded("ab"));
    }
}
