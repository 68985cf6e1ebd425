//! Which DynamoDB operations the engine answers, and how a request body becomes a call and a result a body.
//!
//! Requests are parsed and answers printed on the caller's thread: the engine's is the scarce one.

use super::{
    engine::{Answer, Engine, Job, Outcome},
    streams::{self, StreamError},
};
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::{
    DynoxideError,
    actions::{
        batch_get_item, batch_write_item, create_table, delete_item, delete_table, describe_table,
        describe_time_to_live, get_item, list_streams, list_tables, put_item, query, scan, transact_get_items,
        transact_write_items, update_item, update_table, update_time_to_live,
    },
};
use serde::de::DeserializeOwned;
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};
use tokio::sync::oneshot;

/// Items a `Query` or `Scan` without a `Limit` evaluates at most. The engine would read all of a partition before it cuts at 1 MB; a
/// caller follows `LastEvaluatedKey` either way.
const DEFAULT_LIMIT: usize = 1_000;

/// Prints a result, on the caller's thread.
pub(super) type Print = Box<dyn FnOnce() -> HttpResponse + Send>;

/// The engine's futures never wait: they are done when first polled.
pub(crate) fn complete<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the native engine's futures never suspend"),
    }
}

/// Turns a request into work for the engine. `Err` says why one cannot be read.
pub(super) fn prepare(operation: &str, body: &[u8], answer: oneshot::Sender<Print>) -> Result<Job, DynoxideError> {
    macro_rules! operations {
        ($($name:literal => |$engine:ident, $request:ident: $type:ty| $run:expr),* $(,)?) => {
            match operation {
                $($name => {
                    let $request: $type = parse(body)?;
                    Ok(job(answer, move |$engine: &Engine| $run))
                })*
                _ => Err(DynoxideError::ValidationException(format!("the embedded engine does not know {operation}"))),
            }
        };
    }
    operations! {
        "PutItem" => |engine, request: put_item::PutItemRequest|
            engine.write(|storage| complete(put_item::execute(storage, request))),
        "GetItem" => |engine, request: get_item::GetItemRequest| complete(get_item::execute(&engine.storage, request)),
        "DeleteItem" => |engine, request: delete_item::DeleteItemRequest|
            engine.write(|storage| complete(delete_item::execute(storage, request))),
        "UpdateItem" => |engine, request: update_item::UpdateItemRequest|
            engine.write(|storage| complete(update_item::execute(storage, request))),
        "Query" => |engine, request: query::QueryRequest| {
            let mut request = request;
            request.limit.get_or_insert(DEFAULT_LIMIT);
            complete(query::execute(&engine.storage, request))
        },
        "Scan" => |engine, request: scan::ScanRequest| {
            let mut request = request;
            request.limit.get_or_insert(DEFAULT_LIMIT);
            complete(scan::execute(&engine.storage, request))
        },
        "BatchGetItem" => |engine, request: batch_get_item::BatchGetItemRequest|
            complete(batch_get_item::execute(&engine.storage, request)),
        "BatchWriteItem" => |engine, request: batch_write_item::BatchWriteItemRequest|
            engine.write(|storage| complete(batch_write_item::execute(storage, request))),
        "TransactGetItems" => |engine, request: transact_get_items::TransactGetItemsRequest|
            complete(transact_get_items::execute(&engine.storage, request)),
        // This entry ignores the client token, which the engine would look up among all of the last ten minutes: what makes a write
        // idempotent here is its condition.
        "TransactWriteItems" => |engine, request: transact_write_items::TransactWriteItemsRequest|
            engine.write(|storage| complete(transact_write_items::execute(storage, request))),
        "CreateTable" => |engine, request: create_table::CreateTableRequest| create_table(engine, request),
        "DeleteTable" => |engine, request: delete_table::DeleteTableRequest|
            engine.alone(|storage| complete(delete_table::execute(storage, request, &engine.vectors))),
        "DescribeTable" => |engine, request: describe_table::DescribeTableRequest|
            engine.uncounted(|storage| complete(describe_table::execute(storage, request, &engine.vectors))),
        "UpdateTable" => |engine, request: update_table::UpdateTableRequest|
            engine.alone(|storage| complete(update_table::execute(storage, request, &engine.vectors))),
        "ListTables" => |engine, request: list_tables::ListTablesRequest|
            complete(list_tables::execute(&engine.storage, request)),
        "UpdateTimeToLive" => |engine, request: update_time_to_live::UpdateTimeToLiveRequest|
            engine.alone(|storage| complete(update_time_to_live::execute(storage, request))),
        "DescribeTimeToLive" => |engine, request: describe_time_to_live::DescribeTimeToLiveRequest|
            complete(describe_time_to_live::execute(&engine.storage, request)),
        "ListStreams" => |engine, request: list_streams::ListStreamsRequest|
            complete(list_streams::execute(&engine.storage, request)),
        "DescribeStream" => |engine, request: dynoxide::actions::describe_stream::DescribeStreamRequest|
            streams::describe(engine, request),
        "GetShardIterator" => |engine, request: dynoxide::actions::get_shard_iterator::GetShardIteratorRequest|
            streams::shard_iterator(engine, request),
        "GetRecords" => |engine, request: dynoxide::actions::get_records::GetRecordsRequest|
            streams::records(engine, request),
    }
}

fn create_table(
    engine: &Engine,
    request: create_table::CreateTableRequest,
) -> Result<create_table::CreateTableResponse, DynoxideError> {
    engine.alone(|storage| {
        let response = complete(create_table::execute(storage, request))?;
        super::schema::index_scans(storage.conn())?;
        Ok(response)
    })
}

fn job<R, E>(answer: oneshot::Sender<Print>, run: impl FnOnce(&Engine) -> Result<R, E> + Send + 'static) -> Job
where
    R: Body + Send + 'static,
    E: Into<StreamError> + 'static,
{
    Box::new(move |engine: &Engine| -> Answer {
        let print: Print = match run(engine).map_err(Into::into) {
            Ok(result) => Box::new(move || respond(200, result.body())),
            Err(StreamError::Engine(error)) => {
                let response = (error.status_code(), error.to_json());
                Box::new(move || respond(response.0, response.1.into_bytes()))
            }
            Err(StreamError::Trimmed) => Box::new(|| {
                let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TrimmedDataAccessException","message":"The operation attempted to read past the oldest stream record in a shard."}"#;
                respond(400, body.into())
            }),
        };
        // Nobody waits any more when the caller gave up; the effect stands.
        Box::new(move |outcome| {
            let print = if outcome == Outcome::Safe {
                print
            } else {
                Box::new(lost)
            };
            drop(answer.send(print));
        })
    })
}

/// The answer to a request whose group was undone.
fn lost() -> HttpResponse {
    refuse(&DynoxideError::InternalServerError(
        "the group this request was part of could not be written".to_owned(),
    ))
}

/// What can be printed as an answer's body.
trait Body {
    fn body(self) -> Vec<u8>;
}

impl<T: serde::Serialize> Body for T {
    fn body(self) -> Vec<u8> {
        serde_json::to_vec(&self).unwrap_or_default()
    }
}

impl Body for streams::Records {
    fn body(self) -> Vec<u8> {
        self.to_json().into_bytes()
    }
}

/// Reads a request. The engine marks in serde's message which DynamoDB error a malformed one is.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        let text = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(text, _)| text);
        match text.split_once(':') {
            Some((mark, rest)) if mark.starts_with("VALIDATION") => DynoxideError::ValidationException(rest.to_owned()),
            Some((mark, rest)) if mark.starts_with("SERIALIZATION") => {
                DynoxideError::SerializationException(rest.to_owned())
            }
            _ => DynoxideError::ValidationException(text.to_owned()),
        }
    })
}

/// The answer that tells of an error.
pub(super) fn refuse(error: &DynoxideError) -> HttpResponse {
    respond(error.status_code(), error.to_json().into_bytes())
}

pub(crate) fn respond(status: u16, body: Vec<u8>) -> HttpResponse {
    let status = StatusCode::try_from(status)
        .unwrap_or(StatusCode::try_from(500).unwrap_or_else(|_| unreachable!("500 is a status")));
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.0");
    response
}
