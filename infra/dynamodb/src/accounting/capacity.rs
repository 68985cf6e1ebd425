//! Where each operation keeps its tables and its consumed capacity. The SDK's inputs and outputs share no trait for either.

use aws_sdk_dynamodb::{
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput},
        delete_item::{DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::{PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        scan::{ScanInput, ScanOutput},
        transact_get_items::{TransactGetItemsInput, TransactGetItemsOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::{ConsumedCapacity, ReturnConsumedCapacity, TransactWriteItem},
};
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output};

/// Whether an operation's units are read or write units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// Asks for the consumed capacity in an input that can ask, and returns the operation, its kind and its tables. `None` for other inputs.
pub(super) fn ask(input: &mut Input) -> Option<(&'static str, Kind, Vec<String>)> {
    macro_rules! single {
        ($($input:ty, $name:literal, $kind:ident;)*) => {$(
            if let Some(input) = input.downcast_mut::<$input>() {
                input.return_consumed_capacity.get_or_insert(ReturnConsumedCapacity::Total);
                return Some(($name, Kind::$kind, input.table_name.iter().cloned().collect()));
            }
        )*};
    }
    single! {
        PutItemInput, "PutItem", Write;
        QueryInput, "Query", Read;
        GetItemInput, "GetItem", Read;
        UpdateItemInput, "UpdateItem", Write;
        DeleteItemInput, "DeleteItem", Write;
        ScanInput, "Scan", Read;
    }
    macro_rules! several {
        ($($input:ty, $name:literal, $kind:ident, $tables:expr;)*) => {$(
            if let Some(input) = input.downcast_mut::<$input>() {
                input.return_consumed_capacity.get_or_insert(ReturnConsumedCapacity::Total);
                let tables: fn(&$input) -> Vec<String> = $tables;
                let mut tables = tables(input);
                tables.sort_unstable();
                tables.dedup();
                return Some(($name, Kind::$kind, tables));
            }
        )*};
    }
    several! {
        TransactWriteItemsInput, "TransactWriteItems", Write, |input| input.transact_items().iter().filter_map(table).collect();
        BatchGetItemInput, "BatchGetItem", Read, |input| input.request_items().into_iter().flat_map(|items| items.keys().cloned()).collect();
        BatchWriteItemInput, "BatchWriteItem", Write, |input| input.request_items().into_iter().flat_map(|items| items.keys().cloned()).collect();
        TransactGetItemsInput, "TransactGetItems", Read, |input| {
            input.transact_items().iter().filter_map(|item| item.get().map(|get| get.table_name().to_owned())).collect()
        };
    }
    None
}

fn table(item: &TransactWriteItem) -> Option<String> {
    let name = item
        .put()
        .map(|put| put.table_name())
        .or_else(|| item.update().map(|update| update.table_name()))
        .or_else(|| item.delete().map(|delete| delete.table_name()))
        .or_else(|| item.condition_check().map(|check| check.table_name()));
    name.map(str::to_owned)
}

/// The capacity an output reports, per table.
pub(super) fn consumed(output: &Output) -> &[ConsumedCapacity] {
    macro_rules! single {
        ($($output:ty),*) => {$(
            if let Some(output) = output.downcast_ref::<$output>() {
                return output.consumed_capacity().map_or(&[], std::slice::from_ref);
            }
        )*};
    }
    single!(
        PutItemOutput,
        QueryOutput,
        GetItemOutput,
        UpdateItemOutput,
        DeleteItemOutput,
        ScanOutput
    );
    macro_rules! several {
        ($($output:ty),*) => {$(
            if let Some(output) = output.downcast_ref::<$output>() {
                return output.consumed_capacity();
            }
        )*};
    }
    several!(
        TransactWriteItemsOutput,
        BatchGetItemOutput,
        BatchWriteItemOutput,
        TransactGetItemsOutput
    );
    &[]
}
