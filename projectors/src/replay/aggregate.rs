//! `--aggregate`: one aggregate, folded anew from the log and written over what is there.

use super::{
    ReplayError, Replays,
    folding::refold,
    refold::{Effect, Refold},
};
use crate::{ApplyError, SourceCommits, document, race::failed};
use headwater_dynamo_repository::{Bulk, Error};
use headwater_event_log::EventLog;
use headwater_kernel::Id;
use headwater_search::WriteOutcome;
use headwater_tenancy::TenantScope;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What became of an aggregate that was written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Rewritten {
    /// Its rows are what the log says at this version.
    Written {
        /// The version.
        version: u64,
        /// Rows and heads that were written.
        rows: u64,
    },
    /// What is there is as new or newer; a document cannot be overwritten at its version, only a rebuild can.
    Newer,
    /// The log has nothing of it that can be folded.
    Nothing,
}

impl Replays {
    /// Folds one aggregate anew and overwrites its rows in the generation that is live for its tenant, unless they are newer.
    ///
    /// # Errors
    /// [`ReplayError::UnknownProjection`], [`ReplayError::NotFollowed`], [`ReplayError::HasSums`],
    /// [`ReplayError::Store`].
    pub async fn aggregate(
        &self,
        scope: &TenantScope,
        projection: &str,
        aggregate: &str,
        id: &Id,
    ) -> Result<Rewritten, ReplayError> {
        let name = self.0.name(projection)?;
        let registered = self.0.register.get(name).await?;
        let live = registered.map_or(1, |registered| registered.live_for(Some(scope.tenant())));
        let keep = self.0.catalogue.build(name, live, None)?;
        let refolds = keep.map(|keep| keep.refolds).unwrap_or_default();
        let bulk = (self.0.catalogue.stores.repository)(name).bulk(live);
        let mut result = None;
        for one in refolds.iter().filter(|one| one.source().1 == aggregate) {
            if one.has_sums() {
                return Err(ReplayError::HasSums(name.to_owned()));
            }
            result = Some(rewrite(&self.0.sources.log, &bulk, one, scope, id).await?);
        }
        result.ok_or_else(|| ReplayError::NotFollowed {
            projection: name.to_owned(),
            aggregate: aggregate.to_owned(),
        })
    }
}

pub(crate) async fn rewrite(
    log: &EventLog,
    bulk: &Bulk,
    of: &Arc<dyn Refold>,
    scope: &TenantScope,
    id: &Id,
) -> Result<Rewritten, ReplayError> {
    // A worker may move the aggregate on meanwhile; then once more, from there.
    for _ in 0..5 {
        let refolded = refold(log, of, scope, id, u64::MAX, true).await?;
        let version = refolded.folded.version();
        if version == 0 {
            return Ok(Rewritten::Nothing);
        }
        let items = match refolded.folded.effect()? {
            Effect::Items(items) => items,
            Effect::Points => {
                measure_again(of, scope, id, version).await?;
                return Ok(Rewritten::Written { version, rows: 0 });
            }
            Effect::Document(document) => {
                let index = of
                    .index()
                    .ok_or_else(|| ApplyError::Refused("there is no index".into()))?;
                let written = index.write(vec![*document]).await.map_err(document::failed)?;
                return Ok(match written.first() {
                    Some(WriteOutcome::Applied) => Rewritten::Written { version, rows: 1 },
                    _ => Rewritten::Newer,
                });
            }
        };
        let shown = items.iter().map(|item| item.key().clone()).collect::<Vec<_>>();
        let mut rows = 0;
        let mut newer = false;
        for key in refolded.folded.shown().iter().filter(|key| !shown.contains(key)) {
            newer |= is_newer(bulk.remove(key, version).await)?;
        }
        for item in items {
            newer |= is_newer(bulk.replace(item).await)?;
            rows += 1;
        }
        if !newer {
            return Ok(Rewritten::Written { version, rows });
        }
    }
    Ok(Rewritten::Newer)
}

/// Writes all points of an aggregate again.
async fn measure_again(of: &Arc<dyn Refold>, scope: &TenantScope, id: &Id, up_to: u64) -> Result<(), ReplayError> {
    let source = SourceCommits {
        scope: scope.clone(),
        id: id.clone(),
        commits: Vec::new(),
        up_to,
        from: 0,
        discard: None,
    };
    if let Some(follower) = of.follower() {
        for result in follower.apply(vec![source.clone()]).await {
            result?;
        }
    }
    Ok(())
}

fn is_newer(result: Result<(), Error>) -> Result<bool, ReplayError> {
    match result {
        Ok(()) => Ok(false),
        Err(Error::Conflict) => Ok(true),
        Err(error) => Err(failed(error).into()),
    }
}
