//! The file: TOML, flattened to keys such as `dynamodb.region`, each with its line.

use super::place::{Fault, Faults, Place};
use std::{collections::BTreeMap, fs, path::Path};
use toml::de::{DeTable, DeValue};

/// A value as it was given, before it has the type of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Value>),
    /// From the environment: its key says what it is to be.
    Plain(String),
    /// What no key takes, by the name of its type.
    Other(&'static str),
}

impl Value {
    /// What it is, for a message.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Text(text) => format!("the text {text:?}"),
            Self::Plain(text) => format!("{text:?}"),
            Self::Integer(number) => format!("the number {number}"),
            Self::Boolean(flag) => format!("{flag}"),
            Self::List(_) => "a list".into(),
            Self::Other(kind) => format!("a {kind}"),
        }
    }
}

/// Values by key, with their places.
pub(super) type Given = BTreeMap<String, (Value, Place)>;

pub(super) fn read(path: &Path) -> Result<Given, Faults> {
    let text = fs::read_to_string(path).map_err(|error| fault(path, 0, format!("cannot be read: {error}")))?;
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let table = DeTable::parse(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        fault(path, line(at), error.message().to_owned())
    })?;
    let mut given = Given::new();
    flatten(table.get_ref(), "", &mut |key, value, at| {
        let place = Place::File {
            path: path.to_owned(),
            line: line(at),
        };
        given.insert(key, (value, place));
    });
    Ok(given)
}

fn fault(path: &Path, line: usize, what: String) -> Faults {
    let path = path.to_owned();
    Faults(vec![Fault {
        place: Place::File { path, line },
        what,
    }])
}

fn flatten(table: &DeTable<'_>, section: &str, take: &mut impl FnMut(String, Value, usize)) {
    for (name, value) in table {
        let key = if section.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{section}.{}", name.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => flatten(table, &key, take),
            // An empty section says nothing, and still it has to be a known one.
            DeValue::Table(_) => take(format!("{key}."), Value::Other("section"), name.span().start),
            other => take(key, self::value(other), name.span().start),
        }
    }
}

fn value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("number beyond 64 bits"), Value::Integer),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Array(list) => Value::List(list.iter().map(|item| self::value(item.get_ref())).collect()),
        DeValue::Float(_) => Value::Other("fraction"),
        DeValue::Datetime(_) => Value::Other("date"),
        DeValue::Table(_) => Value::Other("section"),
    }
}
