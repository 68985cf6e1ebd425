//! Reading a whole context back: a parallel segmented scan, the only scan in the system. All commits of an aggregate lie in one segment,
//! in order and side by side, so whoever folds them can stream.

use crate::{Error, EventLog, item, log::failed};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{Commit, Id, key};
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

/// An item of an event table that this build cannot read as a commit, as far as its key tells.
#[derive(Debug)]
pub struct Unreadable {
    /// The scope of the item's tenant, its aggregate's plural name and id, and the sequence of its first event; `None` when even the key
    /// is not one of ours.
    pub of: Option<(TenantScope, String, Id, u64)>,
    /// What is wrong with it.
    pub error: Error,
}

/// One page of a segment.
#[derive(Debug)]
pub struct SegmentPage {
    /// The commits; those of one aggregate follow one another in order, and may go on in the next page.
    pub commits: Vec<LoggedCommit>,
    /// Items that no commit could be read from.
    pub unreadable: Vec<Unreadable>,
    /// What to pass for the next page; `None` at the end.
    pub next: Option<HashMap<String, AttributeValue>>,
}

/// Items of one page of a scan, at most: few enough that an append that waits behind one on the embedded engine waits some milliseconds.
const PAGE: i32 = 250;

/// Reads an item of an event table as a commit, wherever a worker has it from: the table, its stream, an event that AWS Lambda was given.
///
/// # Errors
/// [`Unreadable`], with what its key tells. The key alone does for that.
pub fn commit_of_item(
    authority: &WorkerAuthority,
    context: &str,
    item: &HashMap<String, AttributeValue>,
) -> Result<LoggedCommit, Box<Unreadable>> {
    logged(authority, context, item).map_err(|error| Box::new(unreadable(authority, item, error)))
}

fn logged(
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

/// What the key of an unreadable item tells.
fn unreadable(authority: &WorkerAuthority, item: &HashMap<String, AttributeValue>, error: Error) -> Unreadable {
    let of = || {
        let partition = crate::log::text_of(item, "PK")?;
        #[allow(clippy::disallowed_methods, reason = "this is where the log reads items for workers")]
        let scope = authority.scope_of_item(partition)?;
        let mut parts = partition.split('#').skip(2);
        let aggregate = key::decode(parts.next()?)?;
        let id = Id::new(key::decode(parts.next()?)?).ok()?;
        let first = crate::log::text_of(item, "SK")?.parse().ok()?;
        Some((scope, aggregate, id, first))
    };
    Unreadable { of: of(), error }
}

/// The place of a commit in a segment: passed as `after`, reading goes on with the commit that follows it.
pub fn place_of(commit: &Commit) -> HashMap<String, AttributeValue> {
    let partition = item::partition_key(&commit.tenant, &commit.aggregate, &commit.id);
    HashMap::from([
        ("PK".to_owned(), item::text(partition)),
        ("SK".to_owned(), item::text(item::sort_key(commit.first_sequence))),
    ])
}

impl EventLog {
    /// How many commits a context has, as the store counts them: on AWS some hours old. For estimates alone.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn commits_about(&self, context: &str) -> Result<u64, Error> {
        let described = self
            .0
            .database
            .client()
            .describe_table()
            .table_name(self.events_table(context))
            .send()
            .await
            .map_err(failed)?;
        let count = described.table().and_then(|table| table.item_count());
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// One page of segment `segment` of `segments` of a context.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
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
        let mut commits = Vec::with_capacity(answer.items().len());
        let mut failed = Vec::new();
        for item in answer.items() {
            match commit_of_item(authority, context, item) {
                Ok(commit) => commits.push(commit),
                Err(unreadable) => failed.push(*unreadable),
            }
        }
        Ok(SegmentPage {
            commits,
            unreadable: failed,
            next: answer.last_evaluated_key,
        })
    }
}
