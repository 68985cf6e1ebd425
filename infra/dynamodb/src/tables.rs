//! Every table of the system: its keys, its indexes, whether it has a stream, and which store it lives in. Nothing else defines tables.

/// Which file or region-wide promise a table needs. On AWS both are the same endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Store {
    /// Nothing acknowledged may be lost: the log with its claims, snapshots, the feed, tenants.
    Durable,
    /// Can be made again from the log: views, leases, checkpoints. The last moments may be lost in a power cut, all together.
    Rebuildable,
}

/// A table as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// Its name, before the table prefix.
    pub name: String,
    /// The partition key attribute, a string.
    pub partition_key: &'static str,
    /// The sort key attribute, a string, if there is one.
    pub sort_key: Option<&'static str>,
    /// Global secondary indexes, all attributes projected.
    pub indexes: Vec<Index>,
    /// Whether it has a stream of new images.
    pub stream: bool,
    /// The attribute that holds the time to live in epoch seconds, if items expire.
    pub ttl: Option<&'static str>,
    /// Where it lives.
    pub store: Store,
}

/// A global secondary index with string keys that projects all attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// The index's name.
    pub name: &'static str,
    /// Its partition key attribute.
    pub pk: &'static str,
    /// Its sort key attribute.
    pub sk: &'static str,
}

/// The partition key attribute of every table.
pub const PARTITION_KEY: &str = "PK";
/// The sort key attribute of every table that has one.
pub const SORT_KEY: &str = "SK";
/// The three indexes of a view table.
pub const VIEW_INDEXES: [Index; 3] = [
    Index {
        name: "GSI1",
        pk: "GSI1PK",
        sk: "GSI1SK",
    },
    Index {
        name: "GSI2",
        pk: "GSI2PK",
        sk: "GSI2SK",
    },
    Index {
        name: "GSI3",
        pk: "GSI3PK",
        sk: "GSI3SK",
    },
];

impl TableDefinition {
    /// A table with both keys and nothing else.
    fn new(name: String, store: Store) -> Self {
        Self {
            name,
            partition_key: PARTITION_KEY,
            sort_key: Some(SORT_KEY),
            indexes: Vec::new(),
            stream: false,
            ttl: None,
            store,
        }
    }

    fn partition_only(self) -> Self {
        Self { sort_key: None, ..self }
    }
}

/// `<context>-events`: one item per commit, with the stream that everything downstream follows.
pub fn event_table(context: &str) -> TableDefinition {
    TableDefinition {
        stream: true,
        ..TableDefinition::new(format!("{context}-events"), Store::Durable)
    }
}

/// `<context>-claims`: one item per claimed unique value.
pub fn claims_table(context: &str) -> TableDefinition {
    TableDefinition::new(format!("{context}-claims"), Store::Durable).partition_only()
}

/// `<context>-snapshots`: aggregate states, never the truth.
pub fn snapshots_table(context: &str) -> TableDefinition {
    TableDefinition::new(format!("{context}-snapshots"), Store::Durable)
}

/// `<context>-feed`: per tenant the references to its commits in order of arrival, and how far each shard has been read into it.
pub fn feed_table(context: &str) -> TableDefinition {
    TableDefinition::new(format!("{context}-feed"), Store::Durable)
}

/// `<context>`: the read models of a context in one table with three indexes.
pub fn views_table(context: &str) -> TableDefinition {
    TableDefinition {
        indexes: VIEW_INDEXES.to_vec(),
        ..TableDefinition::new(context.to_owned(), Store::Rebuildable)
    }
}

/// `checkpoints`: leases and how far each projection has read each shard.
pub fn checkpoints_table() -> TableDefinition {
    TableDefinition::new("checkpoints".to_owned(), Store::Rebuildable)
}

/// `tenants`: the tenant directory.
pub fn tenants_table() -> TableDefinition {
    TableDefinition::new("tenants".to_owned(), Store::Durable).partition_only()
}

/// `audit-log`: what each object of the audit log holds, and how far each tenant's feeds are written down.
pub fn audit_log_table() -> TableDefinition {
    TableDefinition::new("audit-log".to_owned(), Store::Durable)
}
