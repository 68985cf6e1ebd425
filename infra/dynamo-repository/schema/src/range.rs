//! A typed query, described: which partition, which index, from where to where.

use crate::RowKey;
use headwater_kernel::key;

/// A range of rows. Made by the functions that the derive adds to an entity, never from text, so that no id can widen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    table: &'static str,
    partition: String,
    index: Option<u8>,
    /// What every bound begins with; ends in `#`.
    prefix: String,
    from: String,
    to: String,
    descending: bool,
}

impl Range {
    /// The row with this key and everything below it.
    pub fn subtree(table: &'static str, root: RowKey) -> Self {
        let (from, to) = key::subtree(&root.sort);
        Self {
            table,
            partition: root.partition,
            index: None,
            prefix: format!("{from}#"),
            from,
            to,
            descending: false,
        }
    }

    /// The rows whose sort key begins with `prefix`, which ends in `#`.
    pub fn below(table: &'static str, partition: String, prefix: String) -> Self {
        let to = format!("{prefix}{}", key::LAST);
        Self {
            table,
            partition,
            index: None,
            from: prefix.clone(),
            prefix,
            to,
            descending: false,
        }
    }

    /// All rows of one partition of an index whose sort keys begin with `prefix`.
    pub fn of_index(table: &'static str, index: u8, partition: String, prefix: String) -> Self {
        Self {
            index: Some(index),
            ..Self::below(table, partition, prefix)
        }
    }

    /// The rows of one partition of an index whose sort keys are `sort`, which is nothing but labels.
    pub fn at_index(table: &'static str, index: u8, partition: String, sort: String) -> Self {
        Self {
            index: Some(index),
            ..Self::subtree(table, RowKey { partition, sort })
        }
    }

    /// Only sort keys from `from` (inclusive) to `to` (inclusive), both below the prefix that the range was made with, so that no bound
    /// reaches beyond it. A sort key that goes on after `to`, such as `<to>#<id>`, is greater than `to` and so left out.
    #[must_use]
    pub fn between(mut self, from: Option<String>, to: Option<String>) -> Self {
        let prefix = &self.prefix;
        if let Some(from) = from {
            self.from = format!("{prefix}{from}");
        }
        if let Some(to) = to {
            self.to = format!("{prefix}{to}");
        }
        self
    }

    /// From the end to the beginning.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// The table.
    pub fn table(&self) -> &'static str {
        self.table
    }

    /// What follows the tenant in the partition key.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The index, or `None` for the table itself.
    pub fn index(&self) -> Option<u8> {
        self.index
    }

    /// The lowest sort key.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The highest sort key.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Whether the order is reversed.
    pub fn is_descending(&self) -> bool {
        self.descending
    }

    /// What a cursor is bound to, so that it works for this query and no other.
    pub fn fingerprint(&self) -> String {
        let Self {
            table,
            partition,
            index,
            prefix: _,
            from,
            to,
            descending,
        } = self;
        // Quoted and escaped, so that two queries cannot read the same.
        format!("{:?}", (table, partition, index, from, to, descending))
    }
}
