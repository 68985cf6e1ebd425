//! Columns, and how they follow from the JSON schema of what they hold.

use serde_json::{Map, Value};

/// The types of columns. A column keeps its type for ever: readers have files of all ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8.
    Text,
    /// 64 bits, signed.
    Integer,
    /// 64 bits, IEEE 754.
    Double,
    /// True or false.
    Boolean,
    /// Microseconds since 1970, UTC.
    Timestamp,
    /// JSON text: what is a list or an object.
    Json,
}

impl ColumnType {
    /// Its name, as golden files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
            Self::Json => "json",
        }
    }
}

/// A column. All may be null: a file that is older than a column does not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name: small letters, digits and `_`.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
    /// The member of the data that it holds; `None` for what the export itself writes.
    pub member: Option<String>,
}

impl Column {
    /// One that the export itself writes.
    pub(crate) fn own(name: &str, ty: ColumnType) -> Self {
        Self {
            name: name.to_owned(),
            ty,
            member: None,
        }
    }
}

/// The mark of [`Personal`](headwater_kernel::Personal) in a schema.
const PERSONAL: &str = "x-personal-data";

/// Members of an object by its schema, with the types of their columns. What is marked as personal data has none: this is the one place that
/// decides so. Within lists and objects it is taken out of each value.
pub(crate) fn members(schema: &Value) -> Vec<(String, ColumnType)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let typed = |(name, member): (&String, &Value)| Some((name.clone(), column_type(schema, member)?));
    properties.into_iter().flatten().filter_map(typed).collect()
}

/// The type of a member; `None` for personal data.
fn column_type(root: &Value, member: &Value) -> Option<ColumnType> {
    let Some(member) = resolved(root, member) else {
        return Some(ColumnType::Json);
    };
    if member.get(PERSONAL).is_some() {
        return None;
    }
    // `Option<T>` of a type with a name: T, or null.
    for choice in ["anyOf", "oneOf"] {
        let Some(options) = member.get(choice).and_then(Value::as_array) else {
            continue;
        };
        let not_null = |option: &&Value| option.get("type") != Some(&Value::from("null"));
        let types: Vec<_> = options
            .iter()
            .filter(not_null)
            .map(|option| column_type(root, option))
            .collect();
        return match types.as_slice() {
            [] => Some(ColumnType::Json),
            [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
            // A choice of which one is personal is personal.
            types if types.contains(&None) => None,
            _ => Some(ColumnType::Json),
        };
    }
    if member.contains_key("const") || member.contains_key("enum") {
        let values = member
            .get("enum")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let all = values
            .iter()
            .chain(member.get("const"))
            .filter(|value| !value.is_null());
        return Some(if all.into_iter().all(Value::is_string) {
            ColumnType::Text
        } else {
            ColumnType::Json
        });
    }
    let names: Vec<&str> = match member.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => Vec::new(),
    };
    Some(match (names.as_slice(), member.get("format").and_then(Value::as_str)) {
        (["string"], Some("date-time")) => ColumnType::Timestamp,
        (["string"], _) => ColumnType::Text,
        (["integer"], _) => ColumnType::Integer,
        (["number"], _) => ColumnType::Double,
        (["boolean"], _) => ColumnType::Boolean,
        _ => ColumnType::Json,
    })
}

/// A schema behind its references; marks beside a reference count too.
fn resolved(root: &Value, schema: &Value) -> Option<Map<String, Value>> {
    let mut members = schema.as_object()?.clone();
    // Definitions may refer to one another, and not in a circle where values are finite: an object ends it.
    for _ in 0..16 {
        let Some(Value::String(reference)) = members.remove("$ref") else {
            return Some(members);
        };
        let found = root.pointer(reference.strip_prefix('#')?)?.as_object()?.clone();
        members.extend(found);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_follow_from_the_schema_and_personal_data_has_no_column() {
        let schema = json!({
            "$defs": {
                "Name": { "type": "string", "x-personal-data": true },
                "Id": { "type": "string" },
                "Status": { "oneOf": [{ "type": "string", "const": "open" }, { "type": "string", "const": "won" }] },
            },
            "properties": {
                "id": { "$ref": "#/$defs/Id" },
                "owner": { "anyOf": [{ "$ref": "#/$defs/Id" }, { "type": "null" }] },
                "name": { "$ref": "#/$defs/Name" },
                "email": { "anyOf": [{ "$ref": "#/$defs/Name" }, { "type": "null" }] },
                "phone": { "type": ["string", "null"], "x-personal-data": true },
                "status": { "$ref": "#/$defs/Status" },
                "cents": { "type": ["integer", "null"], "format": "int64" },
                "share": { "type": "number" },
                "closed": { "type": "boolean" },
                "at": { "type": ["string", "null"], "format": "date-time" },
                "lines": { "type": "array", "items": {} },
                "either": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
                "kind": { "enum": ["a", "b", null] },
                "anything": true,
            }
        });
        let mut found = members(&schema);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let found: Vec<_> = found.iter().map(|(name, ty)| format!("{name}:{}", ty.name())).collect();
        let expected = "anything:json at:timestamp cents:integer closed:boolean either:json id:text kind:text lines:json owner:text \
                        share:double status:text";
        assert_eq!(found.join(" "), expected);
    }
}
