//! Reading a whole context back: a parallel segmented scan, the only scan in the system. All commits of an aggregate lie in one segment,
//! in order and side by side, so whoever folds them can stream.

use crate::{Error, EventLog, item, log::failed};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::AccessPattern;
use headwater_kernel::Commit;
use headwater_tenancy::{TenantScope, WorkerAuthority};
use std::collections::HashMap;

/// A commit as it was read from the log or a stream, with the scope to act for its tenant. Its events have the versions they were
/// stored with.
#[derive(Debug, Clone)]
pub struct LoggedCommit {
    /// The scope of the commit's tenant.
    pub scope: TenantScope,
    /// The commit.
    pub commit: Commit,
}

/// One page of a segment.
#[derive(Debug)]
pub struct SegmentPage {
    /// The commits; those of one aggregate follow one another in order, and may go on in the next page.
    pub commits: Vec<LoggedCommit>,
    /// What to pass for the next page; `None` at the end.
    pub next: Option<HashMap<String, AttributeValue>>,
}

/// Items of one page of a scan, at most.
const PAGE: i32 = 1_000;

/// Reads an item of an event table, or of its stream, for a worker.
pub(crate) fn logged(
    authority: &WorkerAuthority,
    context: &str,
    item: &HashMap<String, AttributeValue>,
) -> Result<LoggedCommit, Error> {
    let commit = item::read(context, item)?.commit;
    #[allow(clippy::disallowed_methods, reason = "this is where the log reads items for workers")]
    let scope = authority
        .scope_of_item(crate::log::text_of(item, "PK").unwrap_or_default())
        .ok_or_else(|| Error::unreadable(format!("an item of {context}-events"), "its key names no tenant"))?;
    Ok(LoggedCommit { scope, commit })
}

impl EventLog {
    /// One page of segment `segment` of `segments` of a context.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`], or [`Error::Unreadable`] for an item that this build cannot read.
    pub async fn segment_page(
        &self,
        authority: &WorkerAuthority,
        context: &str,
        segment: u32,
        segments: u32,
        after: Option<HashMap<String, AttributeValue>>,
    ) -> Result<SegmentPage, Error> {
        let answer = self
            .0
            .database
            .client()
            .scan()
            .table_name(self.events_table(context))
            .segment(i32::try_from(segment).unwrap_or(0))
            .total_segments(i32::try_from(segments).unwrap_or(1))
            .set_exclusive_start_key(after)
            .consistent_read(true)
            .limit(PAGE)
            .customize()
            .interceptor(AccessPattern::system("event-log.read-back"))
            .send()
            .await
            .map_err(failed)?;
        let commits = answer
            .items()
            .iter()
            .map(|item| logged(authority, context, item))
            .collect::<Result<_, _>>()?;
        Ok(SegmentPage {
            commits,
            next: answer.last_evaluated_key,
        })
    }
}
