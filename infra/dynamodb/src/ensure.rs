//! Creates a table from its definition, waits for it, and verifies one that exists.

use crate::{Database, Error, Index, TableDefinition};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use headwater_runtime::Runtime;
use std::time::Duration;

/// How long a table may take to become usable.
const PATIENCE: Duration = Duration::from_secs(120);
/// The first pause between two looks; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(crate) async fn ensure_table(
    database: &Database,
    runtime: &Runtime,
    definition: &TableDefinition,
) -> Result<(), Error> {
    let table = database.table(&definition.name);
    let started = runtime.monotonic();
    let mut pause = FIRST_PAUSE;
    let mut created = false;
    let description = loop {
        let found = describe(database, &table).await?;
        match found {
            None if !created => {
                create(database, &table, definition).await?;
                created = true;
                continue;
            }
            Some(found) if usable(&found) => break found,
            found => {
                let waited = runtime.monotonic().saturating_sub(started);
                if waited > PATIENCE {
                    let status = found
                        .and_then(|found| found.table_status)
                        .map_or("missing".to_owned(), |status| status.to_string());
                    return Err(Error::TableNotReady {
                        table,
                        status,
                        seconds: waited.as_secs(),
                    });
                }
            }
        }
        runtime.sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    };
    verify(&table, &description, definition)?;
    match definition.ttl {
        Some(attribute) => expire(database, &table, attribute).await,
        None => Ok(()),
    }
}

/// Verifies a table that somebody else makes. Writes nothing.
pub(crate) async fn verify_table(database: &Database, definition: &TableDefinition) -> Result<(), Error> {
    let table = database.table(&definition.name);
    let found = describe(database, &table).await?;
    let Some(found) = found else {
        return Err(Error::TableMissing { table });
    };
    if !usable(&found) {
        let status = found
            .table_status
            .map_or("unknown".to_owned(), |status| status.to_string());
        return Err(Error::TableNotReady {
            table,
            status,
            seconds: 0,
        });
    }
    verify(&table, &found, definition)?;
    let Some(attribute) = definition.ttl else { return Ok(()) };
    match expires_by(database, &table).await? {
        Some(found) if found == attribute => Ok(()),
        found => Err(Error::TableDiffers {
            table,
            what: "expiry by",
            found: found.unwrap_or_else(|| "nothing".to_owned()),
            expected: attribute.to_owned(),
        }),
    }
}

async fn describe(database: &Database, table: &str) -> Result<Option<TableDescription>, Error> {
    match database.client().describe_table().table_name(table).send().await {
        Ok(output) => Ok(output.table),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_not_found_exception()) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::call("describing a table", error)),
    }
}

async fn create(database: &Database, table: &str, definition: &TableDefinition) -> Result<(), Error> {
    let invalid = |error| {
        Error::call::<aws_sdk_dynamodb::operation::create_table::CreateTableError>(
            "creating a table",
            aws_sdk_dynamodb::error::SdkError::construction_failure(error),
        )
    };
    let mut attributes = vec![definition.partition_key];
    attributes.extend(definition.sort_key);
    let mut call = database
        .client()
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest);
    for key in keys(definition.partition_key, definition.sort_key).map_err(invalid)? {
        call = call.key_schema(key);
    }
    for index in &definition.indexes {
        attributes.extend([index.pk, index.sk]);
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(keys(index.pk, Some(index.sk)).map_err(invalid)?))
            .projection(Projection::builder().projection_type(ProjectionType::All).build())
            .build()
            .map_err(invalid)?;
        call = call.global_secondary_indexes(index);
    }
    for attribute in attributes {
        let attribute = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S)
            .build();
        call = call.attribute_definitions(attribute.map_err(invalid)?);
    }
    if definition.stream {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewImage)
            .build();
        call = call.stream_specification(stream.map_err(invalid)?);
    }
    match call.send().await {
        Ok(_) => Ok(()),
        // Somebody else was first.
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_in_use_exception()) =>
        {
            Ok(())
        }
        Err(error) => Err(Error::call("creating a table", error)),
    }
}

fn keys(partition: &str, sort: Option<&str>) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    [
        Some((partition, KeyType::Hash)),
        sort.map(|sort| (sort, KeyType::Range)),
    ]
    .into_iter()
    .flatten()
    .map(|(name, kind)| key(name, kind))
    .collect()
}

fn usable(table: &TableDescription) -> bool {
    table.table_status() == Some(&TableStatus::Active)
        && table
            .global_secondary_indexes()
            .iter()
            .all(|index| index.index_status().is_none_or(|status| *status == IndexStatus::Active))
}

/// What was found against what must be. More indexes than defined are nobody's harm.
fn verify(table: &str, found: &TableDescription, definition: &TableDefinition) -> Result<(), Error> {
    let differs = |what, found: String, expected: String| {
        if found == expected {
            Ok(())
        } else {
            Err(Error::TableDiffers {
                table: table.to_owned(),
                what,
                found,
                expected,
            })
        }
    };
    differs(
        "keys",
        names(found.key_schema()),
        key_names(definition.partition_key, definition.sort_key),
    )?;
    for Index { name, pk, sk } in &definition.indexes {
        let index = found
            .global_secondary_indexes()
            .iter()
            .find(|index| index.index_name() == Some(name));
        let as_found = index.map_or("no index".to_owned(), |index| {
            format!("{name}({})", names(index.key_schema()))
        });
        differs("index", as_found, format!("{name}({})", key_names(pk, Some(sk))))?;
    }
    let stream = found
        .stream_specification()
        .filter(|stream| stream.stream_enabled())
        .and_then(|stream| stream.stream_view_type())
        .map_or("no stream".to_owned(), |view| format!("a stream of {view}"));
    let expected = if definition.stream {
        "a stream of NEW_IMAGE"
    } else {
        "no stream"
    };
    differs("stream", stream, expected.to_owned())
}

fn names(keys: &[KeySchemaElement]) -> String {
    keys.iter()
        .map(|key| key.attribute_name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn key_names(partition: &str, sort: Option<&str>) -> String {
    [Some(partition), sort]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// The attribute that items expire by, if they do.
async fn expires_by(database: &Database, table: &str) -> Result<Option<String>, Error> {
    let found = database.client().describe_time_to_live().table_name(table).send().await;
    let found = found.map_err(|error| Error::call("describing a table's expiry", error))?;
    let on = found.time_to_live_description.filter(|found| {
        matches!(
            found.time_to_live_status(),
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
        )
    });
    Ok(on.map(|found| found.attribute_name.unwrap_or_default()))
}

/// Turns expiry on unless it is.
async fn expire(database: &Database, table: &str, attribute: &str) -> Result<(), Error> {
    if let Some(found) = expires_by(database, table).await? {
        return if found == attribute {
            Ok(())
        } else {
            Err(Error::TableDiffers {
                table: table.to_owned(),
                what: "expiry by",
                found,
                expected: attribute.to_owned(),
            })
        };
    }
    let specification = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(attribute)
        .build();
    let specification = specification.map_err(|error| {
        Error::call::<aws_sdk_dynamodb::operation::update_time_to_live::UpdateTimeToLiveError>(
            "turning a table's expiry on",
            aws_sdk_dynamodb::error::SdkError::construction_failure(error),
        )
    })?;
    match database
        .client()
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(specification)
        .send()
        .await
    {
        Ok(_) => Ok(()),
        // Another process turned it on between the two calls.
        Err(error)
            if aws_sdk_dynamodb::error::ProvideErrorMetadata::message(&error)
                .is_some_and(|message| message.contains("already enabled")) =>
        {
            Ok(())
        }
        Err(error) => Err(Error::call("turning a table's expiry on", error)),
    }
}
