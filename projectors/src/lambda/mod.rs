//! The same projections in AWS Lambda: a batch of records of an event table's stream in, the record from which on it has to come again out.
//!
//! A batch becomes commits by the same decoding as in a worker, and each consumer applies them with the same followers. Heads make a
//! redelivery harmless, so what is not done is simply asked for again. Positions and the feed are not written: Lambda keeps its own
//! positions, and names no shard. README.md says what a worker has to do beside it.

mod batch;
mod consuming;
mod event;
mod kept;
mod parked_keys;
mod response;
#[cfg(feature = "lambda")]
mod serving;
mod time;

pub use event::StreamEvent;
pub use response::BatchResponse;
#[cfg(feature = "lambda")]
pub use serving::{ServeError, serve};

use crate::{ApplyError, Consumer, Parking, Replays, RunnerOptions, Sources};
use consuming::{Consuming, Lowest};
use futures::future::join_all;
use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use kept::Kept;
use parked_keys::ParkedKeys;
use std::{sync::Arc, time::Duration};
use time::Time;

/// Why an invocation failed as a whole. Lambda delivers the batch again.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The function is mapped to a stream that it can do nothing with. Success would skip its records for good.
    #[error(
        "{arn} is not the stream of an event table of this installation; map the function to those of {contexts}, and look at the table prefix"
    )]
    OtherStream {
        /// The stream.
        arn: String,
        /// Whose streams are followed.
        contexts: String,
    },
    /// Which generations there are cannot be told, or one of them cannot be kept.
    #[error("the generations of projections cannot be read")]
    Register(#[source] Box<ApplyError>),
}

/// Keeps projections by what Lambda hands over. Cheap to clone; one for the life of a process.
#[derive(Clone)]
pub struct Handler(Arc<Inner>);

struct Inner {
    sources: Sources,
    kept: Kept,
    parking: Parking,
    parked: ParkedKeys,
    options: RunnerOptions,
    runtime: Runtime,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}

impl Handler {
    /// Keeps what the register of generations says, as it changes. Of the options it takes those about applying.
    pub fn new(replays: &Replays, options: RunnerOptions) -> Self {
        let kept = Kept::Registered {
            replays: replays.clone(),
            read: tokio::sync::Mutex::default(),
        };
        let inner = &replays.0;
        Self::with(inner.sources.clone(), kept, options, inner.runtime.clone())
    }

    /// Keeps these and no others.
    pub fn of(sources: Sources, consumers: Vec<Consumer>, options: RunnerOptions, runtime: Runtime) -> Self {
        Self::with(sources, Kept::Fixed(consumers), options, runtime)
    }

    fn with(sources: Sources, kept: Kept, options: RunnerOptions, runtime: Runtime) -> Self {
        Self(Arc::new(Inner {
            parking: Parking::new(sources.views.clone()),
            parked: ParkedKeys::default(),
            sources,
            kept,
            options,
            runtime,
        }))
    }

    /// Applies a batch. It answers before `deadline`, the time at which Lambda ends the invocation; what is not done by then is reported.
    ///
    /// # Errors
    /// [`HandlerError`]: the invocation has to fail.
    pub async fn handle(&self, event: StreamEvent, deadline: Timestamp) -> Result<BatchResponse, HandlerError> {
        let Inner {
            sources,
            kept,
            parking,
            parked,
            options,
            runtime,
        } = &*self.0;
        let now = runtime.now();
        let left = if deadline > now {
            deadline.since(now)
        } else {
            Duration::ZERO
        };
        let time = Time::of(left, kept.good_for(), runtime);
        let batch = batch::read(&sources.log, &sources.authority, &sources.contexts, event)?;
        let consumers = match runtime.timeout(time.to_settle(runtime), kept.now()).await {
            Ok(consumers) => consumers?,
            Err(_) => {
                let late = ApplyError::Retry("the time of the invocation is over".into());
                return Err(HandlerError::Register(Box::new(late)));
            }
        };
        let mut works = Vec::new();
        for consumer in consumers.iter().filter(|consumer| !consumer.is_held()) {
            for (context, of_context) in &batch {
                let news = batch::wanted(consumer, context, of_context);
                if news.is_empty() {
                    continue;
                }
                let consuming = Consuming {
                    consumer,
                    name: consumer.name(),
                    context,
                    parking,
                    parked,
                    options,
                    runtime,
                    time,
                };
                works.push(async move { consuming.run(news).await });
            }
        }
        let mut failed = Lowest::default();
        for number in join_all(works).await.into_iter().flatten() {
            failed.add(number);
        }
        Ok(BatchResponse::from_lowest(failed.0))
    }
}
