//! The interceptor that both clients carry: it asks every call for its consumed capacity and adds it up.

use super::{
    Accounting, Key,
    capacity::{Kind, ask, consumed},
};
use crate::{AccessPattern, error::Class};
use aws_sdk_dynamodb::config::ConfigBag;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, SharedInterceptor,
            context::{BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef},
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

/// Counts each request sent.
#[derive(Debug)]
pub(crate) struct Meter(Accounting);

impl Meter {
    pub(crate) fn shared(accounting: &Accounting) -> SharedInterceptor {
        SharedInterceptor::new(Self(accounting.clone()))
    }
}

/// What is known of a call before it is sent, for when no answer says it.
#[derive(Debug)]
struct Call {
    operation: &'static str,
    kind: Kind,
    tables: Vec<String>,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some((operation, kind, tables)) = ask(context.input_mut()) {
            config.interceptor_state().store_put(Call {
                operation,
                kind,
                tables,
            });
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Set-up calls (CreateTable …) consume nothing and are not counted; the streams' calls are, without a table.
        let unmetered = Call {
            operation: stream_operation(config).unwrap_or_default(),
            kind: Kind::Read,
            tables: Vec::new(),
        };
        let call = config.load::<Call>().unwrap_or(&unmetered);
        if call.operation.is_empty() {
            return Ok(());
        }
        let tag = config.load::<AccessPattern>();
        let add = |table: &str, read: f64, write: f64, throttled: bool| {
            let key = Key {
                table: table.to_owned(),
                operation: call.operation,
                tenant: tag.and_then(AccessPattern::tenant).cloned(),
                pattern: tag.map_or("untagged", AccessPattern::name),
            };
            self.0.add(key, read, write, throttled);
        };
        let reported = match context.output_or_error() {
            Some(Ok(output)) => consumed(output),
            _ => &[],
        };
        for capacity in reported {
            let units = capacity.capacity_units().unwrap_or_default();
            let (read, write) = if call.kind == Kind::Read {
                (units, 0.0)
            } else {
                (0.0, units)
            };
            add(capacity.table_name().unwrap_or_default(), read, write, false);
        }
        if reported.is_empty() {
            let throttled = matches!(context.output_or_error(), Some(Err(_))) && throttled(context);
            if call.tables.is_empty() {
                add("", 0.0, 0.0, throttled);
            }
            for table in &call.tables {
                add(table, 0.0, 0.0, throttled);
            }
        }
        Ok(())
    }
}

/// Whether the answer refuses for going over the rate. The error type differs by operation; its wire form does not.
fn throttled(context: &FinalizerInterceptorContextRef<'_>) -> bool {
    let Some(body) = context
        .response()
        .filter(|response| response.status().as_u16() == 400)
        .and_then(|response| response.body().bytes())
    else {
        return false;
    };
    #[derive(serde::Deserialize)]
    struct Refusal {
        #[serde(rename = "__type")]
        code: String,
    }
    serde_json::from_slice::<Refusal>(body).is_ok_and(|refusal| {
        let code = refusal.code.rsplit('#').next();
        crate::error::class_of(code, None) == Some(Class::Throttled)
    })
}

fn stream_operation(config: &ConfigBag) -> Option<&'static str> {
    match config.load::<Metadata>()?.name() {
        "GetRecords" => Some("GetRecords"),
        "GetShardIterator" => Some("GetShardIterator"),
        "DescribeStream" => Some("DescribeStream"),
        "ListStreams" => Some("ListStreams"),
        _ => None,
    }
}
