//! Suggestions as someone types: what can be asked, and what is answered.

use crate::{Error, validate, values::lead};
use headwater_read_models::search::{Field, Mapping};
use serde::{Serialize, Serializer};
use std::fmt;

/// The most suggestions of one answer.
pub const MAX_SUGGESTIONS: usize = 20;

/// A text as far as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestQuery {
    /// What is typed so far. The last word is not complete unless something stands after it, a space for one. A text without a word has no
    /// suggestions, nor has one of more than 200 characters; no text is wrong.
    pub text: String,
    /// The most suggestions, 1 to [`MAX_SUGGESTIONS`].
    pub limit: usize,
    /// Only of this kind; none for all kinds.
    pub kind: Option<SuggestionKind>,
}

impl SuggestQuery {
    /// Ten suggestions of all kinds.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            limit: 10,
            kind: None,
        }
    }
}

/// What a suggestion is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SuggestionKind {
    /// The words typed, with the last one complete or with the one that follows it in names: something to search for.
    Words,
    /// What this field says of a document: its name, if it is the heaviest text; else a value to filter by.
    Field(String),
}

impl SuggestionKind {
    /// Those that documents of a mapping have.
    pub fn of(mapping: &Mapping) -> Vec<Self> {
        let lead = lead(mapping);
        let fields = mapping.fields.iter();
        let fields = fields.filter(|field| lead == Some(field.name) || suggests(field));
        let fields = fields.map(|field| Self::Field(field.name.to_owned()));
        [Self::Words].into_iter().chain(fields).collect()
    }
}

impl fmt::Display for SuggestionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Words => "words",
            Self::Field(name) => name,
        })
    }
}

impl From<&str> for SuggestionKind {
    fn from(name: &str) -> Self {
        match name {
            "words" => Self::Words,
            field => Self::Field(field.to_owned()),
        }
    }
}

impl Serialize for SuggestionKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something to go on with. Whatever it is made of, a document of the tenant has it that searches find now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The whole text, as it would be typed or as the document has it.
    pub text: String,
    /// What it is.
    pub kind: SuggestionKind,
    /// The text with what answers to the typed words in `<em>`; everything else is escaped for HTML.
    pub highlighted: String,
}

/// Whether values of a field are suggested: they can be counted and are searched by their words.
pub(crate) fn suggests(field: &Field) -> bool {
    field.countable() && field.weight() > 0.0
}

/// Checks the limit, and that there are suggestions of the kind.
///
/// # Errors
/// [`Error::InvalidLimit`] and [`Error::UnknownField`].
pub(crate) fn check(mapping: &Mapping, query: &SuggestQuery) -> Result<(), Error> {
    if query.limit == 0 || query.limit > MAX_SUGGESTIONS {
        return Err(Error::InvalidLimit {
            limit: query.limit,
            max: MAX_SUGGESTIONS,
        });
    }
    let Some(SuggestionKind::Field(name)) = &query.kind else {
        return Ok(());
    };
    let lead = lead(mapping);
    validate::known(mapping, name, "suggest", |field| {
        suggests(field) || lead == Some(field.name)
    })
}
