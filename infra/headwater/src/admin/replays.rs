//! Replays: begun, watched, ended; and generations switched to, dropped, compared with the log.

use super::{
    Admin,
    operator::Operator,
    problem::{bad_request, invalid, of_apply, of_replay},
};
use headwater_edge::Problem;
use headwater_kernel::{Id, TenantId};
use headwater_projectors::{Budget, DryRun, Progress, ReplayId, Replays, Rewritten};
use serde::Deserialize;

/// The body of `POST …/replays`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    pub(super) tenant: Option<TenantId>,
    pub(super) write_units_per_second: Option<f64>,
}

/// The body of `POST …/switch`, `…/drop` and `…/check`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfGeneration {
    pub(super) generation: u32,
    /// To switch for this tenant alone.
    pub(super) tenant: Option<TenantId>,
    /// To drop within.
    pub(super) write_units_per_second: Option<f64>,
}

/// The body of `POST …/rewrite`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfAggregate {
    pub(super) tenant: TenantId,
    /// The plural name; not needed when the projection follows one kind of aggregates.
    pub(super) aggregate: Option<String>,
    pub(super) id: Id,
}

/// A generation by name.
pub(super) fn generation(projection: &str, generation: u32) -> ReplayId {
    ReplayId {
        projection: projection.to_owned(),
        generation,
    }
}

fn budget(write_units_per_second: Option<f64>) -> Result<Budget, Problem> {
    if write_units_per_second.is_some_and(|units| !units.is_finite() || units <= 0.0) {
        return Err(invalid("write_units_per_second", "is a number above 0"));
    }
    Ok(Budget { write_units_per_second })
}

impl Admin {
    fn replays(&self) -> Result<&Replays, Problem> {
        Ok(&self.kept()?.replays)
    }

    /// Whom something is done for exists.
    async fn check_tenant(&self, operator: &Operator, tenant: Option<&TenantId>) -> Result<(), Problem> {
        match tenant {
            Some(tenant) => self.scope(operator, tenant).await.map(drop),
            None => Ok(()),
        }
    }

    pub(super) async fn start_replay(
        &self,
        operator: &Operator,
        projection: &str,
        start: Start,
    ) -> Result<ReplayId, Problem> {
        self.check_tenant(operator, start.tenant.as_ref()).await?;
        let budget = budget(start.write_units_per_second)?;
        let started = self.replays()?.start(projection, start.tenant, budget).await;
        let started = started.map_err(of_replay)?;
        tracing::info!(replay = %started, "an operator started a replay");
        Ok(started)
    }

    /// All generations of a projection, the newest first.
    pub(super) async fn progress(&self, projection: &str) -> Result<Vec<Progress>, Problem> {
        self.replays()?.progress(projection).await.map_err(of_replay)
    }

    pub(super) async fn cancel_replay(&self, projection: &str) -> Result<ReplayId, Problem> {
        let cancelled = self.replays()?.cancel(projection).await.map_err(of_replay)?;
        tracing::info!(replay = %cancelled, "an operator cancelled a replay");
        Ok(cancelled)
    }

    pub(super) async fn switch(
        &self,
        operator: &Operator,
        projection: &str,
        to: OfGeneration,
    ) -> Result<ReplayId, Problem> {
        if to.write_units_per_second.is_some() {
            return Err(invalid("write_units_per_second", "has no use here"));
        }
        self.check_tenant(operator, to.tenant.as_ref()).await?;
        let switched = self.replays()?.switch(projection, to.generation, to.tenant).await;
        // Also after a failure, which may be that of the answer alone.
        self.parts.generations.forget();
        switched.map_err(of_replay)?;
        let live = generation(projection, to.generation);
        tracing::info!(generation = %live, "an operator switched to a generation");
        Ok(live)
    }

    pub(super) async fn drop_generation(&self, projection: &str, of: OfGeneration) -> Result<ReplayId, Problem> {
        if of.tenant.is_some() {
            return Err(invalid("tenant", "has no use here: a generation is dropped for all"));
        }
        let budget = budget(of.write_units_per_second)?;
        let dropped = self.replays()?.drop(projection, of.generation, budget).await;
        dropped.map_err(of_replay)?;
        let dropped = generation(projection, of.generation);
        tracing::info!(generation = %dropped, "an operator dropped a generation");
        Ok(dropped)
    }

    pub(super) async fn check_again(&self, projection: &str, of: OfGeneration) -> Result<ReplayId, Problem> {
        if of.tenant.is_some() || of.write_units_per_second.is_some() {
            return Err(bad_request("invalid-payload", "it takes `generation` alone"));
        }
        let checked = self.replays()?.check_again(projection, of.generation).await;
        checked.map_err(of_replay)?;
        Ok(generation(projection, of.generation))
    }

    /// One aggregate, written anew in the generation that is live for its tenant.
    pub(super) async fn rewrite(
        &self,
        operator: &Operator,
        projection: &str,
        of: &OfAggregate,
    ) -> Result<Rewritten, Problem> {
        let scope = self.scope(operator, &of.tenant).await?;
        let folds = self.parts.folds.of(projection);
        let mut followed = folds.keys().filter_map(|source| Some(source.split_once('.')?.1));
        let aggregate = match (&of.aggregate, followed.next(), followed.next()) {
            (Some(named), ..) => named.as_str(),
            (None, Some(only), None) => only,
            // An unknown projection is told of below.
            (None, None, _) => "",
            (None, Some(one), Some(other)) => {
                let why = format!("{projection} follows several: say which, such as {one} or {other}");
                return Err(invalid("aggregate", why));
            }
        };
        let rewritten = self.replays()?.aggregate(&scope, projection, aggregate, &of.id).await;
        let rewritten = rewritten.map_err(of_replay)?;
        for consumer in (self.kept()?.consumers)() {
            if consumer.projection == projection {
                consumer.positions.flush().await.map_err(of_apply)?;
            }
        }
        Ok(rewritten)
    }

    /// What is live, compared with the log.
    pub(super) async fn compare(
        &self,
        operator: &Operator,
        projection: &str,
        tenant: Option<TenantId>,
    ) -> Result<DryRun, Problem> {
        self.check_tenant(operator, tenant.as_ref()).await?;
        self.replays()?.dry_run(projection, tenant).await.map_err(of_replay)
    }

    /// What a comparison ended with, when it did not come to its end.
    pub(super) fn comparison_failed(error: headwater_projectors::ReplayError) -> Problem {
        of_replay(error)
    }
}
