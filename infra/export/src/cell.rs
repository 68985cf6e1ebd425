//! From an event or a row to the cells of its columns.

use crate::{
    Column, ColumnType, Error, Table, TableKind,
    table::{DELETED, SOURCE, VERSION},
};
use headwater_kernel::{Commit, RecordedEvent, Timestamp};
use serde_json::{Map, Value};

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Of a column of texts or JSON.
    Text(String),
    /// Of a column of integers, or of timestamps in microseconds.
    Integer(i64),
    /// Of a column of doubles.
    Double(f64),
    /// Of a column of booleans.
    Boolean(bool),
}

impl Cell {
    /// Bytes that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 24,
            _ => 16,
        }
    }
}

/// The tag of an envelope of personal data, as `headwater_kernel::Personal` persists it.
const ENVELOPE: &str = "$pd";

/// Takes personal data out of a value, whatever its schema says: members that are envelopes, and envelopes in lists.
fn without_personal(value: &mut Value) {
    let is_envelope = |value: &Value| value.as_object().is_some_and(|members| members.contains_key(ENVELOPE));
    match value {
        Value::Array(items) => {
            items.retain(|item| !is_envelope(item));
            items.iter_mut().for_each(without_personal);
        }
        Value::Object(members) => {
            members.retain(|_, member| !is_envelope(member));
            members.values_mut().for_each(without_personal);
        }
        _ => {}
    }
}

fn micros(time: Timestamp) -> Cell {
    Cell::Integer(time.nanos().div_euclid(1_000))
}

/// A value as a column has it; `None` when it has another type.
fn typed(ty: ColumnType, value: Value) -> Option<Option<Cell>> {
    Some(Some(match (ty, value) {
        (_, Value::Null) => return Some(None),
        (ColumnType::Text, Value::String(text)) => Cell::Text(text),
        (ColumnType::Timestamp, Value::String(text)) => micros(Timestamp::parse(&text).ok()?),
        (ColumnType::Integer, Value::Number(number)) => Cell::Integer(number.as_i64()?),
        (ColumnType::Double, Value::Number(number)) => Cell::Double(number.as_f64()?),
        (ColumnType::Boolean, Value::Bool(flag)) => Cell::Boolean(flag),
        (ColumnType::Json, mut value) => {
            without_personal(&mut value);
            Cell::Text(value.to_string())
        }
        _ => return None,
    }))
}

/// The cells of members of the data. A member of several types has several columns, of which one takes the value.
fn data_cell(
    table: &Table,
    column: &Column,
    member: &str,
    data: &Map<String, Value>,
    of: &impl Fn() -> String,
) -> Result<Option<Cell>, Error> {
    let Some(value) = data.get(member) else {
        return Ok(None);
    };
    if let Some(cell) = typed(column.ty, value.clone()) {
        let first =
            |other: &&Column| other.member.as_deref() == Some(member) && typed(other.ty, value.clone()).is_some();
        // JSON takes everything: it is the last one asked.
        let mut others = table.columns.iter().filter(first);
        let better = column.ty == ColumnType::Json && others.any(|other| other.ty != ColumnType::Json);
        return Ok(cell.filter(|_| !better));
    }
    let elsewhere =
        |other: &Column| other.member.as_deref() == Some(member) && typed(other.ty, value.clone()).is_some();
    if table.columns.iter().any(elsewhere) {
        return Ok(None);
    }
    Err(Error::Type {
        table: table.name.clone(),
        column: column.name.clone(),
        wanted: column.ty.name(),
        of: of(),
    })
}

/// The cells of an event, whose data has the current schema version.
///
/// # Errors
/// [`Error::Type`] when its data is not what its schema says.
pub fn event_cells(
    table: &Table,
    run: &str,
    commit: &Commit,
    recorded: &RecordedEvent<'_>,
) -> Result<Vec<Option<Cell>>, Error> {
    let data: Value = serde_json::from_str(recorded.event.data.get()).unwrap_or_default();
    let empty = Map::new();
    let data = data.as_object().unwrap_or(&empty);
    let text = |text: &str| Some(Cell::Text(text.to_owned()));
    let of = || format!("the event {}", recorded.id);
    let cell = |column: &Column| {
        if let Some(member) = &column.member {
            return data_cell(table, column, member, data, &of);
        }
        Ok(match column.name.as_str() {
            "event_id" => text(&recorded.id.to_string()),
            "event_type" => text(&recorded.event.event_type),
            "event_schema_version" => Some(Cell::Integer(i64::from(recorded.event.schema_version))),
            "event_sequence" => Some(Cell::Integer(i64::try_from(recorded.sequence).unwrap_or(i64::MAX))),
            "event_recorded_at" => Some(micros(recorded.time)),
            "event_command_id" => text(&commit.command_id),
            "event_correlation_id" => commit.correlation_id.as_deref().and_then(text),
            "event_causation_id" => commit.causation_id.as_deref().and_then(text),
            "aggregate_id" => text(commit.id.as_str()),
            _ => text(run),
        })
    };
    debug_assert_eq!(table.kind, TableKind::Events);
    table.columns.iter().map(cell).collect()
}

/// The cells of a row of a read model at a version of its source, such as `leads/L1`; `None` says that the source has no row of this kind at
/// that version.
///
/// # Errors
/// [`Error::Type`] when it is not what its schema says.
pub fn row_cells(
    table: &Table,
    run: &str,
    source: &str,
    version: u64,
    row: Option<&Map<String, Value>>,
) -> Result<Vec<Option<Cell>>, Error> {
    let cell = |column: &Column| match (&column.member, row) {
        (Some(member), Some(row)) => data_cell(table, column, member, row, &|| format!("the row of {source}")),
        (Some(_), None) => Ok(None),
        (None, _) => Ok(Some(match column.name.as_str() {
            SOURCE => Cell::Text(source.to_owned()),
            VERSION => Cell::Integer(i64::try_from(version).unwrap_or(i64::MAX)),
            DELETED => Cell::Boolean(row.is_none()),
            _ => Cell::Text(run.to_owned()),
        })),
    };
    debug_assert_eq!(table.kind, TableKind::Rows);
    table.columns.iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table() -> Table {
        let mut table = Table::new("crm_lead".into(), TableKind::Rows);
        table.add(vec![
            ("n".into(), ColumnType::Integer),
            ("at".into(), ColumnType::Timestamp),
            ("people".into(), ColumnType::Json),
        ]);
        table
    }

    #[test]
    fn values_take_the_types_of_their_columns_and_persons_are_left_out() {
        let person = json!({ "$pd": { "v": 0, "subject": "L1", "value": "Ada" } });
        let row = json!({
            "n": 7, "at": "2026-11-24T00:00:00.123456789Z", "people": [person, { "name": person, "role": "buyer" }], "unknown": person,
        });
        let cells = row_cells(&table(), "r", "leads/L1", 3, row.as_object()).unwrap();
        let expected = [
            Cell::Text("r".into()),
            Cell::Text("leads/L1".into()),
            Cell::Integer(3),
            Cell::Boolean(false),
            Cell::Integer(7),
            Cell::Integer(1_795_478_400_123_456),
            Cell::Text(r#"[{"role":"buyer"}]"#.into()),
        ];
        assert_eq!(cells, expected.map(Some));
        let gone = row_cells(&table(), "r", "leads/L1", 4, None).unwrap();
        assert_eq!(gone[3..], [Some(Cell::Boolean(true)), None, None, None]);
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_name_without_the_value() {
        let row = json!({ "n": "secret" });
        let error = row_cells(&table(), "r", "leads/L1", 3, row.as_object())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("crm_lead.n is integer") && error.contains("leads/L1"),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}
