//! What a process needs to do with a table by its roles, tried: a read of an item that does not exist, and a write that is sure to be refused
//! by its condition, which tells that it was allowed.

use super::told::{Why, told, why};
use crate::config::{Config, Role};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::{Database, TableDefinition};

/// No tenant has this name, so no item has this key.
const NOWHERE: &str = "TENANT#~doctor";

struct Needs {
    read: bool,
    write: bool,
    stream: bool,
}

fn needs(config: &Config, definition: &TableDefinition) -> Needs {
    let (command, project) = (config.has(Role::Command), config.has(Role::Project));
    let (read, write) = match definition.name.as_str() {
        // Every process looks tenants up, and writes its key's tag and the tenants of its configuration.
        "tenants" => (true, true),
        name if name.ends_with("-events") => (true, command),
        name if name.ends_with("-claims") || name.ends_with("-snapshots") => (command, command),
        // Leases and checkpoints, and the views with their heads.
        "checkpoints" => (project, project),
        _ => (project || config.has(Role::Query), project),
    };
    Needs {
        read,
        write,
        stream: definition.stream && project,
    }
}

/// What may not be done and should be; empty when all may.
pub(super) async fn check(config: &Config, database: &Database, definition: &TableDefinition) -> Vec<String> {
    let needs = needs(config, definition);
    let mut faults = Vec::new();
    if needs.read {
        faults.extend(read(database, definition).await);
    }
    if needs.write {
        faults.extend(write(database, definition).await);
    }
    if needs.stream {
        faults.extend(stream(database, definition).await);
    }
    faults
}

fn nowhere() -> AttributeValue {
    AttributeValue::S(NOWHERE.into())
}

fn fault(action: &str, why: Why, error: String) -> String {
    match why {
        Why::Denied => format!("{error}; allow {action}"),
        _ => format!("{action} fails: {error}"),
    }
}

async fn read(database: &Database, definition: &TableDefinition) -> Option<String> {
    let call = database
        .client()
        .get_item()
        .table_name(database.table(&definition.name));
    let mut call = call.key(definition.partition_key, nowhere()).consistent_read(true);
    if let Some(sort) = definition.sort_key {
        call = call.key(sort, nowhere());
    }
    let error = call.send().await.err()?;
    Some(fault("dynamodb:GetItem", why(&error), told(&error)))
}

async fn write(database: &Database, definition: &TableDefinition) -> Option<String> {
    const ACTION: &str = "dynamodb:PutItem";
    let call = database
        .client()
        .put_item()
        .table_name(database.table(&definition.name));
    let mut call = call.item(definition.partition_key, nowhere());
    if let Some(sort) = definition.sort_key {
        call = call.item(sort, nowhere());
    }
    let condition = format!("attribute_exists({})", definition.partition_key);
    match call.condition_expression(condition).send().await {
        Ok(_) => Some(format!(
            "{ACTION} ignores its condition; this endpoint cannot keep a log"
        )),
        Err(error) if why(&error) == Why::Condition => None,
        Err(error) => Some(fault(ACTION, why(&error), told(&error))),
    }
}

async fn stream(database: &Database, definition: &TableDefinition) -> Option<String> {
    let described = database
        .client()
        .describe_table()
        .table_name(database.table(&definition.name))
        .send()
        .await;
    let arn = described.ok()?.table?.latest_stream_arn?;
    let error = database
        .streams()
        .describe_stream()
        .stream_arn(arn)
        .limit(1)
        .send()
        .await
        .err()?;
    Some(fault(
        "dynamodb:DescribeStream, GetShardIterator and GetRecords",
        why(&error),
        told(&error),
    ))
}
