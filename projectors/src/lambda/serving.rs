//! The loop of a Lambda function: an invocation at a time from the runtime's API, its answer back.

use super::{Handler, HandlerError, StreamEvent};
use crate::parking::without_quotes;
use headwater_kernel::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use std::error::Error;

/// What Lambda sets for every function.
const REQUIRED: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

/// Why the loop ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// This is no Lambda function.
    #[error("{0} is not set: this runs in AWS Lambda, or against something that speaks its runtime API")]
    NotInLambda(&'static str),
    /// The runtime's API does not answer as it should.
    #[error("the runtime API of AWS Lambda failed")]
    Api(#[source] Box<dyn Error + Send + Sync>),
}

impl From<HandlerError> for Diagnostic {
    fn from(error: HandlerError) -> Self {
        let mut message = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            message.push_str(": ");
            message.push_str(&source.to_string());
            next = source.source();
        }
        let error_type = match error {
            HandlerError::OtherStream { .. } => "Headwater.OtherStream",
            HandlerError::Register(_) => "Headwater.Register",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: without_quotes(&message),
        }
    }
}

/// Serves invocations until the process is ended. A panic fails its invocation and no other.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(handler: Handler) -> Result<(), ServeError> {
    if let Some(missing) = REQUIRED.into_iter().find(|name| std::env::var_os(name).is_none()) {
        return Err(ServeError::NotInLambda(missing));
    }
    let service = service_fn(move |event: LambdaEvent<StreamEvent>| {
        let handler = handler.clone();
        async move {
            let (event, context) = event.into_parts();
            let deadline = i64::try_from(context.deadline).unwrap_or(i64::MAX / 1_000_000);
            let deadline = Timestamp::from_nanos(deadline.saturating_mul(1_000_000));
            handler.handle(event, deadline).await
        }
    });
    Runtime::new(service).run().await.map_err(ServeError::Api)
}
