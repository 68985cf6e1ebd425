//! A document as the engine gets and keeps it: see [`layout`](super::layout). Filling an index spends most of its time here, so a text is split into
//! chunks once and what comes of it is written as JSON as it is.

use super::{
    layout::{code_token, counted, entry, token, word_token},
    words,
};
use crate::{
    DocumentBody, DocumentWrite, attributes,
    text::{
        analysis::{Chunk, chunks, code},
        completions::beginnings,
        phrases,
    },
    validate,
    values::{keywords, number, sort_text, texts},
};
use headwater_read_models::search::{Field, FieldKind, Mapping};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

/// What is stored of a write.
struct Stored<'a> {
    write: &'a DocumentWrite,
    searched: Vec<(String, Searched<'a>)>,
}

/// What is searched of a document, by the name of the engine's field.
#[derive(Serialize)]
#[serde(untagged)]
enum Searched<'a> {
    Borrowed(&'a str),
    Text(String),
    Texts(Vec<String>),
    Number(i64),
}

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &self.write.version)?;
        match &self.write.body {
            DocumentBody::Tombstone { state } => {
                map.serialize_entry("deleted", &true)?;
                if let Some(state) = state {
                    map.serialize_entry("source", state)?;
                }
            }
            DocumentBody::Put(body) => map.serialize_entry("source", body)?,
        }
        for (name, value) in &self.searched {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What is stored of a write, as JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn document(mapping: &Mapping, write: &DocumentWrite) -> Result<String, serde_json::Error> {
    let searched = match &write.body {
        DocumentBody::Tombstone { .. } => Vec::new(),
        DocumentBody::Put(body) => searched(mapping, write, body),
    };
    serde_json::to_string(&Stored { write, searched })
}

/// The texts of a field of which words are taken, split.
pub(super) struct Read<'a> {
    pub(super) field: &'a Field,
    pub(super) texts: Vec<Vec<Chunk>>,
}

/// The fields that have words, of texts or otherwise.
pub(super) fn read<'a>(mapping: &'a Mapping, body: &Value) -> Vec<Read<'a>> {
    let of_field = |field: &'a Field| {
        let texts = match field.kind {
            FieldKind::Attributes { .. } => attributes::words_of(field, body),
            FieldKind::Keyword { .. } => keywords(field, body),
            _ => body.get(field.name).map(texts).unwrap_or_default(),
        };
        Read {
            field,
            texts: texts.into_iter().map(chunks).collect(),
        }
    };
    let has_words = |field: &&Field| field.weight() > 0.0 || matches!(field.kind, FieldKind::Text { .. });
    mapping.fields.iter().filter(has_words).map(of_field).collect()
}

fn searched<'a>(mapping: &Mapping, write: &'a DocumentWrite, body: &Value) -> Vec<(String, Searched<'a>)> {
    let tenant = write.scope.tenant().as_str();
    let mut searched = vec![
        ("tenant".to_owned(), Searched::Borrowed(tenant)),
        ("id".to_owned(), Searched::Borrowed(write.id.as_str())),
    ];
    let mut tokens = Vec::new();
    let read = read(mapping, body);
    for one in read
        .iter()
        .filter(|one| matches!(one.field.kind, FieldKind::Text { .. }))
    {
        let in_order: Vec<String> = one.texts.iter().map(|text| phrases::in_order(text).join(" ")).collect();
        if !in_order.is_empty() {
            searched.push((format!("t_{}", one.field.name), Searched::Texts(in_order)));
        }
    }
    for field in mapping.fields {
        add_field(&mut searched, &mut tokens, field, body);
    }
    let words = words::occurrences(mapping, &read);
    searched.push(("words".to_owned(), Searched::Text(words::text(tenant, &words))));
    let implied = validate::attributes(mapping).map(|field| field.name);
    for of_word in words.chunk_by(|a, b| a.word == b.word) {
        if of_word.iter().all(|one| Some(one.field) == implied) {
            continue;
        }
        let fields = of_word.chunk_by(|a, b| a.field == b.field);
        tokens.extend(fields.map(|same| word_token(same[0].field, &same[0].word)));
    }
    searched.push(("values".to_owned(), Searched::Text(tokens.join(" "))));
    let begun = beginnings(mapping, body);
    let begun = begun.iter().map(|word| entry(tenant, word)).collect();
    searched.push(("begun".to_owned(), Searched::Texts(begun)));
    searched
}

/// What a field is filtered, counted and sorted by.
fn add_field(searched: &mut Vec<(String, Searched<'_>)>, tokens: &mut Vec<String>, field: &Field, body: &Value) {
    let name = || format!("f_{}", field.name);
    let given = body.get(field.name).filter(|value| !value.is_null());
    match field.kind {
        FieldKind::Text { sort, .. } => {
            let texts = given.filter(|_| sort).map(texts).unwrap_or_default();
            if let Some(first) = texts.first() {
                searched.push((name(), Searched::Text(sort_text(first))));
            }
        }
        FieldKind::Keyword { exact_boost, .. } => {
            let values = keywords(field, body);
            tokens.extend(values.iter().map(|value| token(field.name, value)));
            if exact_boost > 0.0 {
                tokens.extend(values.iter().map(|value| code_token(field.name, &code(value))));
            }
            if field.countable() && !values.is_empty() {
                let values = values.iter().map(|value| counted(value)).collect();
                searched.push((name(), Searched::Texts(values)));
            }
        }
        FieldKind::Integer | FieldKind::Time => {
            if let Some(number) = given.and_then(|value| number(field, value)) {
                searched.push((name(), Searched::Number(number)));
            }
        }
        FieldKind::Attributes { .. } => {
            let values = attributes::of_document(field, body);
            tokens.extend(values.iter().map(|value| token(field.name, value)));
        }
    }
}
