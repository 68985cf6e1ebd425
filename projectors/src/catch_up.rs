//! Catching up from the log: what a consumer does when its position is lost, for whatever reason. Heads make it safe to apply everything
//! again; what was applied before costs a comparison.

use crate::{ApplyError, Consumer, SourceCommits, SourceKey};
use headwater_event_log::{EventLog, LoggedCommit, Unreadable};
use headwater_tenancy::WorkerAuthority;
use std::collections::BTreeMap;

/// Into how many segments a context is read back. Each is read in order; all commits of an aggregate lie in one.
const SEGMENTS: u32 = 8;

/// Reads contexts back.
#[derive(Clone)]
pub(crate) struct CatchUp {
    pub(crate) log: EventLog,
    pub(crate) authority: WorkerAuthority,
}

/// A part of the log, by aggregate.
pub(crate) struct Part {
    pub(crate) commits: u64,
    pub(crate) sources: Vec<(SourceKey, SourceCommits)>,
}

/// A context that is being read back for one consumer.
pub(crate) struct Reading<'a> {
    catch_up: &'a CatchUp,
    consumer: &'a Consumer,
    context: &'a str,
    segment: u32,
    after: Option<std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>>,
}

impl CatchUp {
    pub(crate) fn begin<'a>(&'a self, consumer: &'a Consumer, context: &'a str) -> Reading<'a> {
        Reading {
            catch_up: self,
            consumer,
            context,
            segment: 0,
            after: None,
        }
    }
}

impl Reading<'_> {
    /// The next part; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, ApplyError> {
        if self.segment == SEGMENTS {
            return Ok(None);
        }
        let CatchUp { log, authority } = self.catch_up;
        let page = log
            .segment_page(authority, self.context, self.segment, SEGMENTS, self.after.take())
            .await
            .map_err(ApplyError::log)?;
        self.after = page.next;
        if self.after.is_none() {
            self.segment += 1;
        }
        let commits = page.commits.len() as u64;
        let mut sources = BTreeMap::new();
        for LoggedCommit { scope, commit } in page.commits {
            if !self.consumer.wants(&commit.tenant, self.context, &commit.aggregate) {
                continue;
            }
            let key = SourceKey {
                tenant: commit.tenant.clone(),
                aggregate: commit.aggregate.clone(),
                id: commit.id.clone(),
            };
            let source = sources.entry(key).or_insert_with(|| news(scope, commit.id.clone()));
            source.commits.push(commit);
        }
        for Unreadable { of, error } in page.unreadable {
            tracing::error!(context = self.context, %error, "an item of the log is no commit that this build can read");
            if let Some((scope, aggregate, id, first)) = of
                && self.consumer.wants(scope.tenant(), self.context, &aggregate)
            {
                let key = SourceKey {
                    tenant: scope.tenant().clone(),
                    aggregate,
                    id: id.clone(),
                };
                let source = sources.entry(key).or_insert_with(|| news(scope, id));
                source.up_to = source.up_to.max(first);
            }
        }
        Ok(Some(Part {
            commits,
            sources: sources.into_iter().collect(),
        }))
    }
}

fn news(scope: headwater_tenancy::TenantScope, id: headwater_kernel::Id) -> SourceCommits {
    SourceCommits {
        scope,
        id,
        commits: Vec::new(),
        up_to: 0,
        discard: None,
    }
}
