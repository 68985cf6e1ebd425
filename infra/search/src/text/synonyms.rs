//! Words that mean the same. A term is looked up by its words without what stands between them, so `t-shirt`, `T shirts` and `tshirt` are one.

use super::analysis::{chunks, stem};
use std::collections::HashMap;

/// What each term also finds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Synonyms {
    /// Terms that are found together, each as its words. Kept once, however many terms find them.
    found: Vec<Vec<Vec<String>>>,
    /// Of each term, which of them it finds.
    by_term: HashMap<String, Vec<usize>>,
}

impl Synonyms {
    /// Each of `terms` finds all of `finds`.
    pub(crate) fn add<'a>(&mut self, terms: &[impl AsRef<str>], finds: impl IntoIterator<Item = &'a str>) {
        for term in terms {
            let of_term = self.by_term.entry(key(&words(term.as_ref()))).or_default();
            of_term.push(self.found.len());
        }
        let mut found: Vec<Vec<String>> = finds.into_iter().map(words).collect();
        found.retain(|words| !words.is_empty());
        self.found.push(found);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_term.is_empty()
    }

    /// What these words, stemmed, find too: each as its words, other than these.
    pub(crate) fn of<'a>(&'a self, typed: &'a [String]) -> impl Iterator<Item = &'a [String]> {
        let key = key(typed);
        let groups = self.by_term.get(&key).into_iter().flatten();
        let all = groups.flat_map(|at| &self.found[*at]).map(Vec::as_slice);
        // Several words find themselves when they are typed as one.
        all.filter(move |found| *found != typed && (found.len() > 1 || self::key(found) != key))
    }

    /// How many terms there are, on both sides.
    pub(crate) fn terms(&self) -> usize {
        self.by_term.len() + self.found.iter().map(Vec::len).sum::<usize>()
    }
}

fn key(words: &[impl AsRef<str>]) -> String {
    words.iter().map(AsRef::as_ref).collect()
}

fn words(term: &str) -> Vec<String> {
    let chunks = chunks(term);
    chunks
        .iter()
        .flat_map(|chunk| &chunk.parts)
        .map(|part| stem(part))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_found_however_it_is_written() {
        let mut synonyms = Synonyms::default();
        let both = ["T-Shirt", "tee"];
        synonyms.add(&both, both);
        synonyms.add(&["notebooks"], ["laptop", "portable computer", "!"]);
        let of = |typed: &[&str]| {
            let typed: Vec<String> = typed.iter().map(|word| (*word).to_owned()).collect();
            synonyms.of(&typed).map(|words| words.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(of(&["t", "shirt"]), ["tee"]);
        assert_eq!(of(&["tshirt"]), ["t shirt", "tee"]);
        assert_eq!(of(&["tee"]), ["t shirt"]);
        assert_eq!(of(&["notebook"]), ["laptop", "portable computer"]);
        assert_eq!(of(&["laptop"]), Vec::<String>::new());
        assert_eq!(of(&["t"]), Vec::<String>::new());
    }
}
