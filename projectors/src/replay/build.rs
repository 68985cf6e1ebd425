//! Which of two builds has the newer folds.

use std::collections::BTreeMap;

/// Whether folds are newer than others: none older, and one newer or added.
pub(crate) fn is_newer(folds: &BTreeMap<String, u32>, than: &BTreeMap<String, u32>) -> bool {
    let older = folds
        .iter()
        .any(|(name, version)| than.get(name).is_some_and(|than| version < than));
    !older
        && folds
            .iter()
            .any(|(name, version)| than.get(name).is_none_or(|than| version > than))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_folds_are_those_of_which_none_is_older() {
        let folds = |all: &[(&str, u32)]| {
            all.iter()
                .map(|(name, v)| ((*name).to_owned(), *v))
                .collect::<BTreeMap<_, _>>()
        };
        let one = folds(&[("crm.accounts", 1)]);
        let two = folds(&[("crm.accounts", 2)]);
        let both = folds(&[("crm.accounts", 1), ("crm.opportunities", 1)]);
        let mixed = folds(&[("crm.accounts", 2), ("crm.opportunities", 0)]);
        assert!(is_newer(&two, &one) && !is_newer(&one, &two) && !is_newer(&one, &one));
        assert!(is_newer(&both, &one) && !is_newer(&mixed, &both));
    }
}
