//! The operations of the two SDK crates, and how names of their types and builder methods are read.

/// Operations of `aws_sdk_dynamodb::Client`, sorted.
pub const DYNAMODB: &[&str] = &[
    "batch_execute_statement",
    "batch_get_item",
    "batch_write_item",
    "create_backup",
    "create_global_table",
    "create_table",
    "delete_backup",
    "delete_item",
    "delete_resource_policy",
    "delete_table",
    "describe_backup",
    "describe_continuous_backups",
    "describe_contributor_insights",
    "describe_endpoints",
    "describe_export",
    "describe_global_table",
    "describe_global_table_settings",
    "describe_import",
    "describe_kinesis_streaming_destination",
    "describe_limits",
    "describe_table",
    "describe_table_replica_auto_scaling",
    "describe_time_to_live",
    "disable_kinesis_streaming_destination",
    "enable_kinesis_streaming_destination",
    "execute_statement",
    "execute_transaction",
    "export_table_to_point_in_time",
    "get_item",
    "get_resource_policy",
    "import_table",
    "list_backups",
    "list_contributor_insights",
    "list_exports",
    "list_global_tables",
    "list_imports",
    "list_tables",
    "list_tags_of_resource",
    "put_item",
    "put_resource_policy",
    "query",
    "restore_table_from_backup",
    "restore_table_to_point_in_time",
    "scan",
    "search_vectors",
    "tag_resource",
    "transact_get_items",
    "transact_write_items",
    "untag_resource",
    "update_continuous_backups",
    "update_contributor_insights",
    "update_global_table",
    "update_global_table_settings",
    "update_item",
    "update_kinesis_streaming_destination",
    "update_table",
    "update_table_replica_auto_scaling",
    "update_time_to_live",
];

/// Operations of `aws_sdk_dynamodbstreams::Client`.
pub const STREAMS: &[&str] = &["describe_stream", "get_records", "get_shard_iterator", "list_streams"];

/// Builder methods that only DynamoDB's requests have: one of them on a call tells that it is DynamoDB, whatever the type of the receiver.
const TELLING: &[&str] = &[
    "table_name",
    "key_condition_expression",
    "filter_expression",
    "condition_expression",
    "update_expression",
    "projection_expression",
    "expression_attribute_names",
    "expression_attribute_values",
    "exclusive_start_key",
    "consistent_read",
    "request_items",
    "transact_items",
    "attribute_definitions",
    "key_schema",
    "provisioned_throughput",
    "exclusive_start_table_name",
    "time_to_live_specification",
    "global_secondary_indexes",
    "return_consumed_capacity",
    "return_values",
];

/// The operation of that name, of either client, as a string that lives on.
pub fn named(name: &str) -> Option<&'static str> {
    DYNAMODB
        .iter()
        .chain(STREAMS)
        .copied()
        .find(|operation| *operation == name)
}

/// Whether a builder method of that name is one that only DynamoDB's requests have.
pub fn tells(method: &str) -> bool {
    TELLING.contains(&method.strip_prefix("set_").unwrap_or(method))
}

/// `GetItem` to `get_item`.
pub fn of_camel(camel: &str) -> Option<&'static str> {
    let mut snake = String::with_capacity(camel.len() + 4);
    for (at, letter) in camel.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    named(&snake)
}
