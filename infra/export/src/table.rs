//! A table: its name, its columns, and where its files lie.

use crate::{Column, ColumnType};

/// What a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableKind {
    /// A row for each event of a kind of aggregate.
    Events,
    /// Rows of a read model, as folded at some version of their aggregate.
    Rows,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name, which no other has: `crm_leads_events`, `crm_lead`.
    pub name: String,
    /// What it holds.
    pub kind: TableKind,
    /// Its columns: the export's own, then the data's.
    pub columns: Vec<Column>,
}

/// The names of columns that a partition or the export has.
pub(crate) const RUN: &str = "export_run";
pub(crate) const SOURCE: &str = "row_source";
pub(crate) const VERSION: &str = "row_version";
pub(crate) const DELETED: &str = "row_deleted";
const PARTITIONS: [&str; 2] = ["tenant", "dt"];

impl Table {
    /// One with the columns that the export writes itself.
    pub(crate) fn new(name: String, kind: TableKind) -> Self {
        use ColumnType::{Boolean, Integer, Text, Timestamp};
        let own: &[(&str, ColumnType)] = match kind {
            TableKind::Events => &[
                (RUN, Text),
                ("event_id", Text),
                ("event_type", Text),
                ("event_schema_version", Integer),
                ("event_sequence", Integer),
                ("event_recorded_at", Timestamp),
                ("event_command_id", Text),
                ("event_correlation_id", Text),
                ("event_causation_id", Text),
                ("aggregate_id", Text),
            ],
            TableKind::Rows => &[(RUN, Text), (SOURCE, Text), (VERSION, Integer), (DELETED, Boolean)],
        };
        Self {
            name,
            kind,
            columns: own.iter().map(|(name, ty)| Column::own(name, *ty)).collect(),
        }
    }

    /// Adds columns for members of the data. One that another event type has too is the same column when the type is the same; else it is a
    /// column of its own, named after its type as well, so that neither ever changes.
    pub(crate) fn add(&mut self, members: Vec<(String, ColumnType)>) {
        for (member, ty) in members {
            if self
                .columns
                .iter()
                .any(|known| known.ty == ty && known.member.as_deref() == Some(&member))
            {
                continue;
            }
            let taken = |name: &str| PARTITIONS.contains(&name) || self.columns.iter().any(|known| known.name == name);
            let plain = column_name(&member);
            let name = [
                plain.clone(),
                format!("{plain}_{}", ty.name()),
                format!("data_{plain}_{}", ty.name()),
            ];
            let Some(name) = name.into_iter().find(|name| !taken(name)) else {
                continue;
            };
            self.columns.push(Column {
                name,
                ty,
                member: Some(member),
            });
        }
    }

    /// The folder of its files in the destination.
    pub fn folder(&self) -> String {
        let kind = match self.kind {
            TableKind::Events => "events",
            TableKind::Rows => "views",
        };
        format!("{kind}/{}", self.name)
    }
}

/// What every engine takes for a name: small letters, digits and `_`.
pub(crate) fn column_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_two_types_has_two_columns_and_none_takes_a_name_of_the_exports() {
        let mut table = Table::new("t".into(), TableKind::Rows);
        let own = table.columns.len();
        table.add(vec![
            ("value".into(), ColumnType::Integer),
            ("tenant".into(), ColumnType::Text),
        ]);
        table.add(vec![
            ("value".into(), ColumnType::Integer),
            ("value".into(), ColumnType::Text),
        ]);
        let names: Vec<_> = table.columns[own..].iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["value", "tenant_text", "value_text"]);
    }
}
