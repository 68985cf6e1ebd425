//! What a text means for one tenant's words: which words it has, what else each may be written as, and how rare they are.
//!
//! A plan is made for the first page and travels in the cursor. So the pages of one query are scored by the same numbers, and what is
//! written between them moves no document that did not change.

use super::{
    analysis::{self, chunks, pair, runs, stem},
    expand,
    schema::{Layout, tenant_term},
    terms,
};
use crate::Error;
use serde::{Deserialize, Serialize};
use tantivy::Searcher;

/// Words that count; a longer text is cut.
const MAX_WORDS: usize = 16;
/// How much less a compound counts than the pair of words it stands for, and a pair than the compound.
const COMPOUND: f32 = 0.8;

/// A planned text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// One for each word of the text.
    pub(super) groups: Vec<Group>,
    /// Neighbouring words, as one.
    pub(super) pairs: Vec<Group>,
    /// Mean length of each of the mapping's fields, in words; and of the lead field, in pairs.
    pub(super) lengths: Vec<Exact>,
    /// How many groups a document has to match.
    pub(super) required: u32,
    /// The whole text as a code.
    pub(super) code: String,
}

impl Plan {
    /// The plan with half of the words enough, for a text that hardly anything matches; none when they are enough already.
    pub(super) fn relaxed(&self) -> Option<Self> {
        let half = u32::try_from(self.groups.len().div_ceil(2)).unwrap_or(u32::MAX);
        (half < self.required).then(|| Self {
            required: half,
            ..self.clone()
        })
    }
}

/// A word of the text in all the forms it is looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// Inverse document frequency.
    pub(super) idf: Exact,
    /// Forms and how much each counts.
    pub(super) forms: Vec<(String, Exact)>,
}

/// A float that is read back bit by bit, as scores of two pages are compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub(super) struct Exact(pub(super) f32);

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

/// The statistics of one tenant's words.
pub(super) struct Words<'a> {
    pub(super) searcher: &'a Searcher,
    pub(super) layout: &'a Layout,
    pub(super) tenant: &'a str,
    /// Documents of the tenant.
    documents: u64,
}

impl<'a> Words<'a> {
    pub(super) fn new(searcher: &'a Searcher, layout: &'a Layout, tenant: &'a str) -> Result<Self, Error> {
        Ok(Self {
            searcher,
            layout,
            tenant,
            documents: terms::frequency(searcher, layout.tenant, tenant)?,
        })
    }

    /// In how many documents the word is, of the field where it is most frequent; pairs aside.
    fn of_word(&self, word: &str) -> Result<u64, Error> {
        let term = tenant_term(self.tenant, word);
        let fields = self.layout.fields.iter().filter_map(|field| field.word);
        fields
            .map(|field| terms::frequency(self.searcher, field, &term))
            .try_fold(0, |most, n| Ok(most.max(n?)))
    }

    /// In how many documents the word is two neighbouring ones.
    fn of_pair(&self, word: &str) -> Result<u64, Error> {
        let term = tenant_term(self.tenant, word);
        let fields = self.layout.fields.iter().filter_map(|field| field.pair);
        fields
            .map(|field| terms::frequency(self.searcher, field, &term))
            .try_fold(0, |most, n| Ok(most.max(n?)))
    }

    /// Of a word in either form.
    fn of(&self, word: &str) -> Result<u64, Error> {
        Ok(self.of_word(word)?.max(self.of_pair(word)?))
    }

    /// Robertson and Spärck Jones, as Lucene has it: never negative.
    fn idf(&self, frequency: u64) -> Exact {
        let (all, n) = (self.documents.max(frequency) as f32, frequency as f32);
        Exact((1.0 + (all - n + 0.5) / (n + 0.5)).ln())
    }
}

/// Plans a text; none when it has no word.
pub(super) fn plan(words: &Words<'_>, text: &str) -> Result<Option<Plan>, Error> {
    let spelled = spelled(words, text)?;
    if spelled.is_empty() {
        return Ok(None);
    }
    let mut groups = Vec::new();
    for (at, word) in spelled.iter().enumerate() {
        let stemmed = stem(word);
        let frequency = words.of(&stemmed)?;
        let mut forms = vec![(stemmed.clone(), Exact(1.0))];
        let mut rarity = frequency;
        if frequency == 0 {
            let last = at + 1 == spelled.len();
            for (form, weight, frequency) in expand::forms(words, &stemmed, last)? {
                rarity = rarity.max(frequency);
                forms.push((form, Exact(weight)));
            }
        }
        groups.push(Group {
            idf: words.idf(rarity),
            forms,
        });
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
        }
        pairs.push(Group {
            idf: words.idf(frequency),
            forms: vec![(joined, Exact(1.0))],
        });
    }
    let required = required(&groups);
    let mut lengths = Vec::new();
    let fields = words.layout.fields.iter().map(|field| field.word);
    for field in fields.chain([words.layout.fields.iter().find_map(|field| field.pair)]) {
        lengths.push(Exact(
            field.map_or(Ok(1.0), |field| terms::mean_length(words.searcher, field))?,
        ));
    }
    Ok(Some(Plan {
        groups,
        pairs,
        lengths,
        required,
        code: analysis::code(text),
    }))
}

/// All words up to three, three quarters of more.
fn required(groups: &[Group]) -> u32 {
    let all = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    (all * 3).div_ceil(4).max(1)
}

/// The words of a text as this tenant's documents may spell them: what is written with a hyphen or as number and unit is one word when
/// some document has it so, and its parts otherwise.
fn spelled(words: &Words<'_>, text: &str) -> Result<Vec<String>, Error> {
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
