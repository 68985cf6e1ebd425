//! How a batch runs. One task reads entries and deals them to lanes by aggregate, so that those to the same aggregate keep their
//! order; each lane executes one after the other; the answers are taken in the order of the entries. Everything between is bounded, so
//! whoever reads slowly is read from slowly. Lanes are tasks of their own: a command in work never waits for a reader of answers.

use crate::{Accepted, CommandBus, Submission};
use ::http::{HeaderMap, StatusCode};
use futures::{
    Stream, StreamExt,
    future::{Either, select},
};
use headwater_edge::{Called, Edge, Problem, SharedPlace};
use headwater_tenancy::TenantScope;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    pin::pin,
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

/// How many commands of a batch run at the same time, at most.
const LANES: usize = 64;
/// How many entries are between being read and being answered, at most.
const IN_FLIGHT: usize = 512;
/// How many bytes of input these take, at most.
const IN_FLIGHT_BYTES: usize = 8 << 20;

/// One entry of a batch.
pub(crate) struct Entry {
    /// Its place in the input, from 1.
    pub(crate) number: u64,
    /// What it takes in memory, about.
    pub(crate) bytes: usize,
    /// The command, or why there is none.
    pub(crate) submission: Result<Submission, Problem>,
}

/// What became of an entry.
pub(crate) struct Outcome {
    pub(crate) number: u64,
    pub(crate) result: Result<Accepted, Problem>,
}

struct Job {
    number: u64,
    submission: Submission,
    done: oneshot::Sender<Outcome>,
    #[allow(dead_code, reason = "held for its drop")]
    memory: Option<OwnedSemaphorePermit>,
}

/// What every lane works with.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) bus: CommandBus,
    pub(crate) edge: Edge,
    pub(crate) scope: TenantScope,
    /// What is told of refusals; by an edge that knows it.
    pub(crate) called: Option<Called>,
    /// Of the headers, what gives problems their trace id.
    pub(crate) trace: HeaderMap,
}

impl Work {
    fn refused(&self, problem: Problem) -> Problem {
        let problem = self.edge.trace(problem, &self.trace);
        if let Some(called) = &self.called {
            self.edge.refuse(&self.scope, called, &problem);
        }
        problem
    }
}

/// Executes `input` and yields the outcomes in its order. Dropping the outcomes ends the batch: what has not begun is not begun.
pub(crate) fn pipeline(
    work: Work,
    place: SharedPlace,
    input: impl Stream<Item = Entry> + Send + 'static,
) -> impl Stream<Item = Outcome> + Send + 'static {
    let (answers, outcomes) = mpsc::channel(IN_FLIGHT);
    let runtime = work.edge.runtime().clone();
    drop(runtime.spawn(async move {
        deal(work, input, answers).await;
        drop(place);
    }));
    ReceiverStream::new(outcomes).filter_map(|(number, outcome): (u64, oneshot::Receiver<Outcome>)| async move {
        // A lane that is gone has panicked outside of any command; its entries are answered all the same.
        let lost = || Outcome {
            number,
            result: Err(Problem::internal("a lane of a batch ended early")),
        };
        Some(outcome.await.unwrap_or_else(|_| lost()))
    })
}

async fn deal(work: Work, input: impl Stream<Item = Entry>, answers: mpsc::Sender<(u64, oneshot::Receiver<Outcome>)>) {
    let (runtime, idle) = (work.edge.runtime().clone(), work.edge.limits().idle_timeout);
    let memory = Arc::new(Semaphore::new(IN_FLIGHT_BYTES));
    let mut lanes: Vec<Option<mpsc::UnboundedSender<Job>>> = vec![None; LANES];
    let mut input = pin!(input);
    let mut last = 0;
    loop {
        let next = {
            let next = pin!(runtime.timeout(idle, input.next()));
            match select(next, pin!(answers.closed())).await {
                Either::Left((next, _)) => next,
                Either::Right(_) => return,
            }
        };
        let (done, outcome) = oneshot::channel();
        let (entry, stalled) = match next {
            Ok(None) => return,
            Ok(Some(entry)) => (entry, false),
            Err(_) => {
                let detail = format!("nothing came for {} s; the batch ends here", idle.as_secs_f32());
                let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", detail);
                (
                    Entry {
                        number: last + 1,
                        bytes: 0,
                        submission: Err(problem),
                    },
                    true,
                )
            }
        };
        last = entry.number;
        // Waits while too much is unanswered. Who takes no answer for long has gone, or might as well have.
        if !matches!(
            runtime.timeout(idle, answers.send((entry.number, outcome))).await,
            Ok(Ok(()))
        ) {
            return;
        }
        match entry.submission {
            Err(problem) => {
                let problem = work.refused(problem);
                // Whether anybody still wants it is seen above.
                let _ = done.send(Outcome {
                    number: entry.number,
                    result: Err(problem),
                });
            }
            Ok(submission) => {
                let bytes = u32::try_from(entry.bytes.min(IN_FLIGHT_BYTES)).unwrap_or(u32::MAX);
                let memory = Arc::clone(&memory).acquire_many_owned(bytes).await.ok();
                let lane = lane_of(&submission);
                let job = Job {
                    number: entry.number,
                    submission,
                    done,
                    memory,
                };
                let sender = lanes[lane].get_or_insert_with(|| {
                    let (sender, jobs) = mpsc::unbounded_channel();
                    drop(runtime.spawn(run(work.clone(), jobs)));
                    sender
                });
                // A lane ends only after its sender is dropped, or by a panic, which `pipeline` answers for.
                let _ = sender.send(job);
            }
        }
        if stalled {
            return;
        }
    }
}

fn lane_of(submission: &Submission) -> usize {
    let mut hasher = DefaultHasher::new();
    (&submission.context, &submission.aggregate, &submission.id).hash(&mut hasher);
    (hasher.finish() % LANES as u64) as usize
}

async fn run(work: Work, mut jobs: mpsc::UnboundedReceiver<Job>) {
    while let Some(Job {
        number,
        submission,
        done,
        memory,
    }) = jobs.recv().await
    {
        if done.is_closed() {
            continue;
        }
        // A batch may outlive what its tenant was allowed when it began.
        let submitted = async {
            let scope = work.edge.current(&work.scope).await?;
            work.bus.submit(&scope, submission).await
        };
        let result = work.edge.within_deadline(submitted).await;
        drop(memory);
        let result = result.map_err(|problem| work.refused(problem));
        let _ = done.send(Outcome { number, result });
    }
}
