//! What a search document is and how its fields are searched, declared once per kind. A search engine's adapter derives its schema from
//! this, so a new kind needs no change of any adapter. Nothing here knows an engine.
//!
//! The document's JSON is the source: what is declared here are the fields of that JSON. A document holds no personal data; `Personal<T>`
//! serialises as an envelope, which is neither a text nor a number, so no field kind takes it.

use serde::{Serialize, de::DeserializeOwned};

/// A document of one kind: the folded state of one aggregate as a search engine stores it.
pub trait SearchDocument: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind, plural, as in the API and in index names: `products`.
    const KIND: &'static str;

    /// How its fields are searched.
    fn mapping() -> &'static Mapping;
}

/// How the documents of a kind are searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    /// The kind, as in [`SearchDocument::KIND`].
    pub kind: &'static str,
    /// Raised when the fields change; an index of another version is filled anew from the log.
    pub version: u32,
    /// The fields. A field of the document that is not listed is stored and answered, and neither searched nor filtered.
    pub fields: &'static [Field],
}

impl Mapping {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One top-level field of a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Its name in the document's JSON, in filters, in sorts and in facets.
    pub name: &'static str,
    /// How it is searched.
    pub kind: FieldKind,
    /// Where parts of the document have such a value too. For keywords that are not counted, and for attributes.
    pub parts: Option<Parts>,
}

/// The parts of a document, such as the variants of a product: a list of objects, of which one member belongs to a field.
///
/// A keyword of a part is found as the document's own. Attributes of parts are different: filters by several of them hold when those that the
/// document's own attributes do not satisfy are all satisfied by one of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The top-level member of the document that is the list.
    pub list: &'static str,
    /// The member of each of its objects: a text or a list of texts for a keyword, a map of at most [`MAX_PART_ATTRIBUTES`] names to texts for
    /// attributes.
    pub member: &'static str,
}

/// Most attributes of a part; each combination of them is found by one look-up.
pub const MAX_PART_ATTRIBUTES: usize = 5;

/// How a field is searched. Weights multiply a field's part of the relevance; 0 leaves the field out of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldKind {
    /// Words of a language: searched, highlighted, optionally sorted by (letters' case ignored).
    Text {
        /// Weight of a word found here.
        weight: f32,
        /// Whether results can be sorted by it.
        sort: bool,
    },
    /// A name or code, or a list of them: filtered by exactly.
    Keyword {
        /// Whether its values can be counted.
        facet: bool,
        /// Weight of a word found here; 0 when free text does not look here.
        weight: f32,
        /// Added when the whole query is this value, letters' case and punctuation aside: what a SKU or a GTIN needs. 0 for none.
        exact_boost: f32,
    },
    /// A whole number within 64 bits: ranges and sort.
    Integer,
    /// A time in RFC 3339: ranges and sort, as nanoseconds since 1970.
    Time,
    /// A map of names to texts, numbers or booleans: filtered by `attr.NAME` exactly.
    Attributes {
        /// Weight of a word found in any of its texts.
        weight: f32,
    },
}

impl Field {
    const fn of(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            kind,
            parts: None,
        }
    }

    /// The same field, of the document's parts too.
    #[must_use]
    pub const fn with_parts(self, list: &'static str, member: &'static str) -> Self {
        Self {
            parts: Some(Parts { list, member }),
            ..self
        }
    }

    /// A [`FieldKind::Text`].
    pub const fn text(name: &'static str, weight: f32) -> Self {
        Self::of(name, FieldKind::Text { weight, sort: false })
    }

    /// A [`FieldKind::Text`] that results can be sorted by.
    pub const fn sortable_text(name: &'static str, weight: f32) -> Self {
        Self::of(name, FieldKind::Text { weight, sort: true })
    }

    /// A [`FieldKind::Keyword`] whose values can be counted and whose words are found with this weight.
    pub const fn facet(name: &'static str, weight: f32) -> Self {
        Self::of(
            name,
            FieldKind::Keyword {
                facet: true,
                weight,
                exact_boost: 0.0,
            },
        )
    }

    /// A [`FieldKind::Keyword`] that comes first when it is the query.
    pub const fn code(name: &'static str, weight: f32, exact_boost: f32) -> Self {
        Self::of(
            name,
            FieldKind::Keyword {
                facet: false,
                weight,
                exact_boost,
            },
        )
    }

    /// A [`FieldKind::Keyword`] for filters alone.
    pub const fn keyword(name: &'static str) -> Self {
        Self::of(
            name,
            FieldKind::Keyword {
                facet: false,
                weight: 0.0,
                exact_boost: 0.0,
            },
        )
    }

    /// A [`FieldKind::Integer`].
    pub const fn integer(name: &'static str) -> Self {
        Self::of(name, FieldKind::Integer)
    }

    /// A [`FieldKind::Time`].
    pub const fn time(name: &'static str) -> Self {
        Self::of(name, FieldKind::Time)
    }

    /// A [`FieldKind::Attributes`].
    pub const fn attributes(name: &'static str, weight: f32) -> Self {
        Self::of(name, FieldKind::Attributes { weight })
    }

    /// Whether results can be sorted by it.
    pub const fn sortable(&self) -> bool {
        matches!(
            self.kind,
            FieldKind::Text { sort: true, .. } | FieldKind::Integer | FieldKind::Time
        )
    }

    /// Whether its values can be counted.
    pub const fn countable(&self) -> bool {
        matches!(self.kind, FieldKind::Keyword { facet: true, .. })
    }

    /// The weight of a word found in it.
    pub const fn weight(&self) -> f32 {
        match self.kind {
            FieldKind::Text { weight, .. } | FieldKind::Keyword { weight, .. } | FieldKind::Attributes { weight } => {
                weight
            }
            FieldKind::Integer | FieldKind::Time => 0.0,
        }
    }
}
