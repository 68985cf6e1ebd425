//! From a kind's mapping to the engine's fields. Everything that is searched is a term that begins with the tenant, so one tenant's words
//! are in no other's dictionary, counts or expansions.
//!
//! | field | holds |
//! |---|---|
//! | `_key` | tenant and id; deletes and look-ups go by it; tombstones have it too |
//! | `_tenant` | the tenant; live documents alone have it, so what is not there cannot match |
//! | `_begun` | words that are completed while they are typed |
//! | `_id`, `_version`, `_deleted`, `_source` | columns, and the stored JSON |
//! | `NAME` | the column of a field: facets, ranges, sort |
//! | `NAME:value` | exact values; `NAME:code` without case and punctuation; `NAME:word` words; `NAME:pair` neighbouring words as one |

use crate::{
    text::analysis,
    values::{SEPARATOR, lead},
};
use headwater_read_models::search::{Field, FieldKind, Mapping};
use tantivy::schema::{self, FAST, IndexRecordOption, STORED, Schema, SchemaBuilder, TextFieldIndexing, TextOptions};

/// Longest value that is a term as it is; of a longer one the term is a hash.
const MAX_TERM: usize = 512;

/// The engine's fields of a kind.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) mapping: &'static Mapping,
    pub(super) schema: Schema,
    pub(super) key: schema::Field,
    pub(super) tenant: schema::Field,
    pub(super) begun: schema::Field,
    pub(super) id: schema::Field,
    pub(super) version: schema::Field,
    pub(super) deleted: schema::Field,
    pub(super) source: schema::Field,
    /// In the order of the mapping.
    pub(super) fields: Vec<FieldLayout>,
}

/// The engine's fields of one field of a kind.
#[derive(Debug, Clone)]
pub(super) struct FieldLayout {
    pub(super) field: &'static Field,
    pub(super) column: Option<schema::Field>,
    pub(super) value: Option<schema::Field>,
    pub(super) code: Option<schema::Field>,
    pub(super) word: Option<schema::Field>,
    pub(super) pair: Option<schema::Field>,
}

impl Layout {
    pub(super) fn new(mapping: &'static Mapping) -> Self {
        let mut builder = Schema::builder();
        let lead = lead(mapping);
        let fields = mapping
            .fields
            .iter()
            .map(|field| field_layout(&mut builder, field, lead))
            .collect();
        let key = builder.add_text_field("_key", terms(IndexRecordOption::Basic, false) | STORED);
        let tenant = builder.add_text_field("_tenant", terms(IndexRecordOption::Basic, false).set_fast("raw"));
        let begun = builder.add_text_field("_begun", terms(IndexRecordOption::Basic, false));
        let id = builder.add_text_field("_id", TextOptions::default().set_fast("raw"));
        let version = builder.add_u64_field("_version", FAST);
        let deleted = builder.add_u64_field("_deleted", FAST);
        let source = builder.add_bytes_field("_source", STORED);
        Self {
            mapping,
            key,
            tenant,
            begun,
            id,
            version,
            deleted,
            source,
            fields,
            schema: builder.build(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&FieldLayout> {
        self.fields.iter().find(|layout| layout.field.name == name)
    }

    /// What must be the same for an index to be used on.
    pub(super) fn fingerprint(&self) -> String {
        let schema = serde_json::to_string(&self.schema).unwrap_or_default();
        format!(
            "mapping {} analysis {}\n{schema}\n",
            self.mapping.version,
            analysis::VERSION
        )
    }
}

fn field_layout(builder: &mut SchemaBuilder, field: &'static Field, lead: Option<&str>) -> FieldLayout {
    let name = field.name;
    let mut layout = FieldLayout {
        field,
        column: None,
        value: None,
        code: None,
        word: None,
        pair: None,
    };
    let column = TextOptions::default().set_fast("raw");
    match field.kind {
        FieldKind::Text { sort, .. } => {
            layout.column = sort.then(|| builder.add_text_field(name, column));
        }
        FieldKind::Keyword { facet, exact_boost, .. } => {
            layout.column = facet.then(|| builder.add_text_field(name, column));
            layout.value =
                Some(builder.add_text_field(&format!("{name}:value"), terms(IndexRecordOption::Basic, false)));
            layout.code = (exact_boost > 0.0)
                .then(|| builder.add_text_field(&format!("{name}:code"), terms(IndexRecordOption::Basic, false)));
        }
        FieldKind::Integer | FieldKind::Time => layout.column = Some(builder.add_i64_field(name, FAST)),
        FieldKind::Attributes { .. } => {
            layout.value =
                Some(builder.add_text_field(&format!("{name}:value"), terms(IndexRecordOption::Basic, false)));
        }
    }
    if field.weight() > 0.0 {
        // Phrases are looked for in texts alone.
        let record = match field.kind {
            FieldKind::Text { .. } => IndexRecordOption::WithFreqsAndPositions,
            _ => IndexRecordOption::WithFreqs,
        };
        layout.word = Some(builder.add_text_field(&format!("{name}:word"), terms(record, true)));
        if lead == Some(name) {
            layout.pair =
                Some(builder.add_text_field(&format!("{name}:pair"), terms(IndexRecordOption::WithFreqs, true)));
        }
    }
    layout
}

fn terms(record: IndexRecordOption, norms: bool) -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_index_option(record)
        .set_fieldnorms(norms);
    TextOptions::default().set_indexing_options(indexing)
}

/// The term of a document.
pub(super) fn key_term(tenant: &str, id: &str) -> String {
    format!("{tenant}{SEPARATOR}{id}")
}

/// The term of a word or value of a tenant.
pub(super) fn tenant_term(tenant: &str, value: &str) -> String {
    if value.len() <= MAX_TERM {
        return format!("{tenant}{SEPARATOR}{value}");
    }
    use sha2::{Digest, Sha256};
    let hash: String = Sha256::digest(value).iter().map(|byte| format!("{byte:02x}")).collect();
    // No shorter value begins with the separator's neighbour, which keeps hashes apart from values.
    format!("{tenant}{SEPARATOR}{SEPARATOR}{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_no_other_value() {
        let long = "x".repeat(600);
        let term = tenant_term("a", &long);
        assert!(term.len() < 200);
        assert_ne!(term, tenant_term("a", &"x".repeat(601)));
    }
}
