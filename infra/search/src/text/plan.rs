//! What a text means for one tenant's words: which words it has, what else each may be written as, and how rare they are.
//!
//! A plan is made for the first page and travels in the cursor. So the pages of one query are scored by the same numbers, and what is
//! written between them moves no document that did not change.

use super::{
    analysis::{self, chunks, pair, runs, stem},
    completions::Completion,
    forms::is_mended,
    phrases::{apart, phrases},
    same::Same,
};
use crate::{Error, Filter, Relevance};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Words that count; a longer text is cut.
const MAX_WORDS: usize = 16;
/// Fewer hits than this are hardly any: then half of the words are enough.
pub(crate) const FEW: usize = 10;
/// A word that so few documents have may be a typing error of theirs.
const RARE: u64 = 2;
/// A word that is near to a rare one is what was meant when so many times as many documents have it.
const COMMON: u64 = 10;
/// The most words, and bytes, of a model number that is typed with spaces.
const MAX_OF_CODE: usize = 4;
const MAX_CODE: usize = 24;
/// How much less a compound counts than the pair of words it stands for, and a pair than the compound.
const COMPOUND: f32 = 0.8;

/// A planned text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// One for each word of the text.
    pub(crate) groups: Vec<Group>,
    /// Neighbouring words, as one.
    pub(crate) pairs: Vec<Group>,
    /// Words that have to stand next to each other.
    pub(crate) phrases: Vec<Vec<String>>,
    /// The text with its words mended, if no document has some of them as typed, or hardly any and many have one that is near.
    pub(crate) mended: Option<String>,
    /// Mean length of each of the mapping's fields, in words; and of the lead field, in pairs.
    pub(crate) lengths: Vec<Exact>,
    /// How many groups a document has to match.
    pub(crate) required: u32,
    /// The whole text as a code.
    pub(crate) code: String,
    /// By field, what a word counts that is found there; none when it counts 1 in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) weights: Vec<(String, Exact)>,
    /// What the words of documents count that fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) boosts: Vec<(Filter, Exact)>,
}

impl Plan {
    /// The plan with half of the words enough, for a text that hardly anything matches; none when they are enough already.
    pub(crate) fn relaxed(&self) -> Option<Self> {
        let half = u32::try_from(self.groups.len().div_ceil(2)).unwrap_or(u32::MAX);
        (half < self.required).then(|| Self {
            required: half,
            ..self.clone()
        })
    }
}

/// A word of the text in all the forms it is looked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Inverse document frequency.
    pub(crate) idf: Exact,
    /// Forms and how much each counts.
    pub(crate) forms: Vec<(String, Exact)>,
    /// Words that are one form when a document has them all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) together: Vec<(Vec<String>, Exact)>,
}

impl Group {
    /// All words that it is looked for by.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let forms = self.forms.iter().map(|(form, _)| form.as_str());
        forms.chain(self.together.iter().flat_map(|(words, _)| words).map(String::as_str))
    }
}

/// A float that is read back bit by bit, as scores of two pages are compared exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub(crate) struct Exact(pub(crate) f32);

impl From<u32> for Exact {
    fn from(bits: u32) -> Self {
        Self(f32::from_bits(bits))
    }
}

impl From<Exact> for u32 {
    fn from(exact: Exact) -> Self {
        exact.0.to_bits()
    }
}

/// The statistics of one tenant's words, wherever they are kept.
pub(crate) trait Words {
    /// Documents of the tenant.
    fn documents(&self) -> u64;

    /// In how many documents the word is, of the field where it is most frequent; pairs aside.
    fn of_word(&self, word: &str) -> Result<u64, Error>;

    /// In how many documents the word is two neighbouring ones.
    fn of_pair(&self, word: &str) -> Result<u64, Error>;

    /// What else a word may be that hardly any document has; what each form counts, and in how many documents it is.
    fn forms(&self, word: &str, last: bool) -> Result<Vec<(String, f32, u64)>, Error>;

    /// What a word may become that is typed so far, the most frequent first.
    fn completions(&self, typed: &str) -> Result<Vec<Completion>, Error>;

    /// As [`Plan::lengths`].
    fn lengths(&self) -> Result<Vec<Exact>, Error>;

    /// Of a word in either form.
    fn of(&self, word: &str) -> Result<u64, Error> {
        Ok(self.of_word(word)?.max(self.of_pair(word)?))
    }

    /// Robertson and Spärck Jones, as Lucene has it: never negative.
    fn idf(&self, frequency: u64) -> Exact {
        let (all, n) = (self.documents().max(frequency) as f32, frequency as f32);
        Exact((1.0 + (all - n + 0.5) / (n + 0.5)).ln())
    }
}

/// Plans a text for a tenant that has set `relevance`; none when it has no word.
pub(crate) fn plan(words: &impl Words, text: &str, relevance: &Relevance) -> Result<Option<Plan>, Error> {
    let spelled = spelled(words, &apart(text))?;
    if spelled.is_empty() {
        return Ok(None);
    }
    let mut known: Vec<String> = spelled.iter().map(|word| stem(word)).collect();
    let mut same = Same::find(words, &relevance.synonyms, &known, |_| true)?;
    let mut rarities = Vec::new();
    let mut groups = Vec::new();
    let mut meant: Vec<Option<String>> = vec![None; spelled.len()];
    let mut absent = vec![false; spelled.len()];
    for (at, stemmed) in known.iter_mut().enumerate() {
        let frequency = words.of(stemmed)?;
        let mut forms = vec![(stemmed.clone(), Exact(1.0))];
        let mut rarity = frequency;
        absent[at] = frequency == 0 && !same.has(at);
        if absent[at] {
            let last = at + 1 == spelled.len();
            for (form, weight, frequency) in words.forms(stemmed, last)? {
                rarity = rarity.max(frequency);
                if meant[at].is_none() && is_mended(weight) {
                    meant[at] = Some(form.clone());
                }
                forms.push((form, Exact(weight)));
            }
        } else if (1..=RARE).contains(&frequency) {
            for (form, ..) in words.forms(stemmed, false)? {
                if meant[at].is_none() && words.of(&form)? >= COMMON * frequency {
                    meant[at] = Some(form);
                }
            }
        }
        if let Some(mended) = meant[at].clone().filter(|_| absent[at]) {
            *stemmed = mended;
        }
        rarities.push(rarity);
        groups.push(Group {
            forms,
            ..Group::default()
        });
    }
    same.extend(Same::find(words, &relevance.synonyms, &known, |at| absent[at])?);
    for ((group, rarity), same) in groups.iter_mut().zip(&mut rarities).zip(same.found) {
        *rarity = same.frequency.max(*rarity);
        group.idf = words.idf(*rarity);
        for (form, weight) in same.forms {
            if !group.forms.iter().any(|(own, _)| *own == form) {
                group.forms.push((form, weight));
            }
        }
        group.together = same.together;
    }
    let mut pairs = Vec::new();
    for (at, two) in spelled.windows(2).enumerate() {
        let joined = pair(&two[0], &two[1]);
        let compound = words.of_word(&joined)?;
        let frequency = words.of_pair(&joined)?.max(compound);
        if frequency == 0 {
            continue;
        }
        if compound > 0 {
            for group in &mut groups[at..at + 2] {
                group.forms.push((joined.clone(), Exact(COMPOUND)));
            }
            (at..at + 2).filter(|at| absent[*at]).for_each(|at| meant[at] = None);
        }
        pairs.push(Group {
            idf: words.idf(frequency),
            forms: vec![(joined, Exact(1.0))],
            ..Group::default()
        });
    }
    for (at, code) in codes(words, &spelled)? {
        for group in &mut groups[at.clone()] {
            group.forms.push((code.clone(), Exact(COMPOUND)));
        }
        at.filter(|at| absent[*at]).for_each(|at| meant[at] = None);
    }
    let required = required(&groups);
    Ok(Some(Plan {
        groups,
        pairs,
        phrases: phrases(text),
        mended: mended(spelled, meant),
        lengths: words.lengths()?,
        required,
        code: analysis::code(text),
        weights: exact(&relevance.weights),
        boosts: exact(&relevance.boosts),
    }))
}

/// Model numbers that are typed with spaces, of more than two words: where their words stand, and how a document has them. `WF 1000 XM5` is
/// `wf1000xm5`; what each of its words is elsewhere does not matter.
fn codes(words: &impl Words, spelled: &[String]) -> Result<Vec<(Range<usize>, String)>, Error> {
    let mut codes = Vec::new();
    for length in 3..=MAX_OF_CODE {
        for (at, typed) in spelled.windows(length).enumerate() {
            let code = typed.concat();
            let digits = code.chars().filter(char::is_ascii_digit).count();
            let is_code = digits > 0 && code.chars().count() > digits && code.len() <= MAX_CODE;
            if is_code && words.of(&code)? > 0 {
                codes.push((at..at + length, code));
            }
        }
    }
    Ok(codes)
}

fn exact<T: Clone>(factors: &[(T, f32)]) -> Vec<(T, Exact)> {
    let exact = factors.iter().map(|(what, factor)| (what.clone(), Exact(*factor)));
    exact.collect()
}

/// The words with those that were mended as they are meant; none when all are.
fn mended(spelled: Vec<String>, meant: Vec<Option<String>>) -> Option<String> {
    let any = meant.iter().any(Option::is_some);
    let words = spelled.into_iter().zip(meant);
    let words: Vec<String> = words.map(|(word, meant)| meant.unwrap_or(word)).collect();
    any.then(|| words.join(" "))
}

/// All words up to three, three quarters of more.
fn required(groups: &[Group]) -> u32 {
    let all = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    (all * 3).div_ceil(4).max(1)
}

/// The words of a text as this tenant's documents may spell them: what is written with a hyphen or as number and unit is one word when
/// some document has it so, and its parts otherwise.
fn spelled(words: &impl Words, text: &str) -> Result<Vec<String>, Error> {
    let mut spelled: Vec<String> = Vec::new();
    for chunk in chunks(text) {
        let whole = chunk.parts.concat();
        if chunk.parts.len() > 1 && words.of(&chunk.joined())? > 0 {
            spelled.push(whole);
        } else {
            for part in chunk.parts {
                match runs(&part) {
                    Some((head, tail)) if words.of(&stem(&part))? == 0 => {
                        spelled.extend([head.to_owned(), tail.to_owned()]);
                    }
                    _ => spelled.push(part),
                }
            }
        }
        if spelled.len() >= MAX_WORDS {
            break;
        }
    }
    spelled.truncate(MAX_WORDS);
    let mut seen = std::collections::HashSet::new();
    spelled.retain(|word| seen.insert(stem(word)));
    Ok(spelled)
}
