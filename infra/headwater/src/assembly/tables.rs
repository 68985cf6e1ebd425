//! All tables of this installation, and what a process does about them at its start.

use crate::{config::Adapter, contexts};
use anyhow::{Result, bail};
use headwater_audit_log::audit_log_table;
use headwater_dynamodb::{Databases, Error, TableDefinition, tables};
use headwater_event_log::EventLog;
use headwater_tenancy::tenants_table;

/// Their definitions.
pub(crate) fn definitions() -> Vec<TableDefinition> {
    let mut all = Vec::new();
    for context in contexts::NAMES {
        all.extend(EventLog::tables(context));
        all.push(tables::views_table(context));
    }
    all.extend([tables::checkpoints_table(), tenants_table(), audit_log_table()]);
    all
}

/// Makes the tables, or verifies them, whichever the configuration says.
///
/// # Errors
/// The first one that is not as it must be; when some are missing, all their names.
pub(super) async fn make_or_verify(databases: &Databases, adapter: &Adapter) -> Result<()> {
    let create = !matches!(
        adapter,
        Adapter::Aws {
            create_tables: false,
            ..
        }
    );
    let mut missing = Vec::new();
    for definition in definitions() {
        let database = databases.of(definition.store);
        if create {
            database.ensure_table(&definition).await?;
            continue;
        }
        match database.verify_table(&definition).await {
            Err(Error::TableMissing { table }) => missing.push(table),
            result => result?,
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "the tables {} do not exist; deploy them, or set dynamodb.create_tables = true",
        missing.join(", ")
    )
}

/// Whether a failed start may go well later, without anybody doing anything here.
pub(super) fn may_pass(error: &anyhow::Error) -> bool {
    let table = error
        .downcast_ref::<Error>()
        .is_some_and(|error| error.class().is_retryable());
    let directory = error.downcast_ref::<headwater_tenancy::DirectoryError>();
    table || matches!(directory, Some(headwater_tenancy::DirectoryError::Store(_)))
}
