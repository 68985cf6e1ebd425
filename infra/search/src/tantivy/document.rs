//! From a written document to the engine's.

use super::schema::{FieldLayout, Layout, key_term, tenant_term};
use crate::{
    DocumentBody, DocumentWrite, attributes,
    text::{
        analysis::{chunks, code, pair},
        completions::beginnings,
    },
    values::{keywords, number, sort_text, texts},
};
use headwater_read_models::search::FieldKind;
use serde_json::Value;
use tantivy::{
    TantivyDocument, schema,
    tokenizer::{PreTokenizedString, Token},
};

/// The engine's document.
pub(super) fn document(layout: &Layout, write: &DocumentWrite) -> TantivyDocument {
    let tenant = write.scope.tenant().as_str();
    let mut document = TantivyDocument::default();
    document.add_text(layout.key, key_term(tenant, write.id.as_str()));
    document.add_text(layout.id, write.id.as_str());
    document.add_u64(layout.version, write.version);
    match &write.body {
        DocumentBody::Tombstone { state } => {
            document.add_u64(layout.deleted, 1);
            if let Some(state) = state {
                document.add_bytes(layout.source, state.to_string().as_bytes());
            }
        }
        DocumentBody::Put(body) => {
            document.add_text(layout.tenant, tenant);
            document.add_bytes(layout.source, body.to_string().as_bytes());
            for word in beginnings(layout.mapping, body) {
                document.add_text(layout.begun, tenant_term(tenant, &word));
            }
            for field in &layout.fields {
                add_field(&mut document, tenant, field, body);
            }
        }
    }
    document
}

fn add_field(document: &mut TantivyDocument, tenant: &str, layout: &FieldLayout, body: &Value) {
    let given = body.get(layout.field.name).filter(|value| !value.is_null());
    match layout.field.kind {
        FieldKind::Text { .. } => {
            let texts = given.map(texts).unwrap_or_default();
            if let (Some(column), Some(first)) = (layout.column, texts.first()) {
                document.add_text(column, sort_text(first));
            }
            add_words(document, tenant, layout, &texts);
        }
        FieldKind::Keyword { .. } => {
            let mut values = keywords(layout.field, body);
            values.sort_unstable();
            values.dedup();
            for value in &values {
                if let Some(column) = layout.column {
                    document.add_text(column, value);
                }
                if let Some(field) = layout.value {
                    document.add_text(field, tenant_term(tenant, value));
                }
                if let Some(field) = layout.code {
                    document.add_text(field, tenant_term(tenant, &code(value)));
                }
            }
            add_words(document, tenant, layout, &values);
        }
        FieldKind::Integer | FieldKind::Time => {
            if let (Some(column), Some(number)) = (layout.column, given.and_then(|value| number(layout.field, value))) {
                document.add_i64(column, number);
            }
        }
        FieldKind::Attributes { .. } => {
            if let Some(field) = layout.value {
                for value in attributes::of_document(layout.field, body) {
                    document.add_text(field, tenant_term(tenant, &value));
                }
            }
            add_words(document, tenant, layout, &attributes::words_of(layout.field, body));
        }
    }
}

fn add_words(document: &mut TantivyDocument, tenant: &str, layout: &FieldLayout, texts: &[&str]) {
    let Some(field) = layout.word else { return };
    let (mut words, mut pairs) = (Vec::new(), Vec::new());
    let mut place = 0;
    for text in texts {
        let chunks = chunks(text);
        for chunk in &chunks {
            words.extend(chunk.placed().into_iter().map(|(part, word)| (place + part, word)));
            place += chunk.parts.len();
        }
        // No phrase goes over the end of a text.
        place += 1;
        if layout.pair.is_some() {
            let parts: Vec<&String> = chunks.iter().flat_map(|chunk| &chunk.parts).collect();
            pairs.extend(parts.windows(2).map(|two| pair(two[0], two[1])));
        }
    }
    // What a chunk is as a whole stands where it begins; the engine takes places in order.
    words.sort_by_key(|(place, _)| *place);
    add_tokens(document, tenant, field, words);
    if let Some(field) = layout.pair {
        add_tokens(document, tenant, field, pairs.into_iter().enumerate().collect());
    }
}

fn add_tokens(document: &mut TantivyDocument, tenant: &str, field: schema::Field, words: Vec<(usize, String)>) {
    let token = |(position, word): (usize, String)| Token {
        offset_from: 0,
        offset_to: 0,
        position,
        text: tenant_term(tenant, &word),
        position_length: 1,
    };
    let tokens = words.into_iter().map(token).collect();
    document.add_pre_tokenized_text(
        field,
        PreTokenizedString {
            text: String::new(),
            tokens,
        },
    );
}
