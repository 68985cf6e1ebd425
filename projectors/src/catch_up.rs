//! Catching up from the log: what a consumer does when its position is lost, for whatever reason. Heads make it safe to apply
//! everything again; what was applied before costs a comparison.

use crate::{ApplyError, Consumer, consumer_task::apply};
use headwater_event_log::{EventLog, LoggedCommit};
use headwater_runtime::Runtime;
use headwater_tenancy::WorkerAuthority;

/// Into how many segments a context is read back. Each is read in order; all commits of an aggregate lie in one.
const SEGMENTS: u32 = 8;

/// Reads a whole context and applies it to one consumer.
pub(crate) async fn from_log(
    log: &EventLog,
    authority: &WorkerAuthority,
    context: &str,
    consumer: &Consumer,
    runtime: &Runtime,
) -> Result<u64, ApplyError> {
    let mut total = 0;
    for segment in 0..SEGMENTS {
        let mut after = None;
        loop {
            let page = log
                .segment_page(authority, context, segment, SEGMENTS, after.take())
                .await
                .map_err(ApplyError::log)?;
            total += page.commits.len() as u64;
            let commits: Vec<&LoggedCommit> = page.commits.iter().collect();
            apply(consumer, &commits, runtime).await;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(total)
}
