//! All tables of an installation: one for the events of each kind of aggregate, one for each kind of row of a read model.

use crate::{Table, TableKind, column::members, table::column_name};
use headwater_kernel::AggregateType;
use headwater_read_models::RowKind;
use std::collections::BTreeMap;

/// The tables, by what they hold.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    events: BTreeMap<(&'static str, &'static str), Table>,
    rows: BTreeMap<(&'static str, &'static str), Table>,
}

impl Catalogue {
    /// Adds the table of an aggregate's events, typed by the schemas of their data.
    pub fn add_aggregate(&mut self, aggregate: &AggregateType) {
        let name = column_name(&format!("{}_{}_events", aggregate.context, aggregate.name));
        let mut table = Table::new(name, TableKind::Events);
        for (_, _, schema) in aggregate.events() {
            table.add(members(&schema));
        }
        self.events.insert((aggregate.context, aggregate.name), table);
    }

    /// Adds the table of a kind of row.
    pub fn add_rows(&mut self, kind: &RowKind) {
        let name = column_name(&format!("{}_{}", kind.table, kind.entity));
        let mut table = Table::new(name, TableKind::Rows);
        table.add(members(&kind.schema()));
        self.rows.insert((kind.table, kind.entity), table);
    }

    /// The table of an aggregate's events.
    pub fn of_events(&self, context: &str, aggregate: &str) -> Option<&Table> {
        let found = self
            .events
            .iter()
            .find(|((of, name), _)| (*of, *name) == (context, aggregate));
        found.map(|(_, table)| table)
    }

    /// The table of a kind of row.
    pub fn of_rows(&self, table: &str, entity: &str) -> Option<&Table> {
        let found = self.rows.iter().find(|((of, name), _)| (*of, *name) == (table, entity));
        found.map(|(_, table)| table)
    }

    /// All tables, events first.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.events.values().chain(self.rows.values())
    }

    /// The type of each column by table: what golden files hold, so that none changes.
    pub fn column_types(&self) -> BTreeMap<&str, BTreeMap<&str, &'static str>> {
        self.tables()
            .map(|table| {
                let columns = table
                    .columns
                    .iter()
                    .map(|column| (column.name.as_str(), column.ty.name()));
                (table.name.as_str(), columns.collect())
            })
            .collect()
    }
}
