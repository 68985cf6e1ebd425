//! Parked aggregates tried again, one or all of them, with or without the commit that stops them.

use super::{
    Admin,
    operator::Operator,
    parameters::Page,
    parked::{Address, ParkedAggregate, Wanted, not_parked},
    problem::of_apply,
};
use headwater_edge::Problem;
use headwater_kernel::TenantId;
use headwater_projectors::{Consumer, Parked, Retried};
use headwater_tenancy::TenantScope;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::atomic::Ordering};

/// While a generation is filled, nothing else may write to it: its writes have no conditions.
fn is_filled(consumer: &Consumer) -> bool {
    consumer.held.load(Ordering::Acquire)
}

/// What became of one.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ParkedOutcome {
    /// `applied`, `still-parked`, `not-parked`.
    pub(super) outcome: &'static str,
    /// As it stands now, or stood before it was applied.
    pub(super) parked: ParkedAggregate,
}

/// What became of a page of them.
#[derive(Debug, Serialize)]
pub(super) struct RetriedPage {
    pub(super) items: Vec<ParkedOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// The body of `POST /v1/admin/parked/retry`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryAll {
    pub(super) projection: String,
    pub(super) tenant: Option<TenantId>,
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<String>,
}

impl Admin {
    /// Tries one; 404 `not-parked` when it is not.
    pub(super) async fn retry(
        &self,
        operator: &Operator,
        address: &Address,
        discard: bool,
    ) -> Result<ParkedOutcome, Problem> {
        if is_filled(&address.consumer) {
            let detail = format!("{} is being filled; wait for it", address.consumer.name());
            return Err(Problem::new(StatusCode::CONFLICT, "generation-incomplete", detail));
        }
        let scope = self.scope(operator, &address.source.tenant).await?;
        let found = self
            .parking()
            .find(&address.consumer.name(), &address.context, &address.source)
            .await;
        let parked = found
            .map_err(of_apply)?
            .ok_or_else(|| not_parked(address.source.id.as_str()))?;
        self.try_again(&address.consumer, &scope, parked, discard).await
    }

    /// Tries a page of what a projection has parked: as much of it as the deadline of a request allows.
    pub(super) async fn retry_all(
        &self,
        operator: &Operator,
        wanted: &Wanted<'_>,
        page: &Page,
    ) -> Result<RetriedPage, Problem> {
        let runtime = &self.parts.runtime;
        let until = runtime.monotonic() + self.edge().limits().deadline / 2;
        let slice = self.slice(operator, wanted, page).await?;
        let kept = self.kept()?;
        let mut scopes: BTreeMap<TenantId, Result<TenantScope, String>> = BTreeMap::new();
        let (mut items, mut done) = (Vec::new(), 0);
        for parked in &slice.parked {
            if done > 0 && runtime.monotonic() >= until {
                break;
            }
            done += 1;
            // One that cannot be tried now must not hold up those behind it.
            let not_tried = |why: String| {
                let mut parked = ParkedAggregate::from(parked.clone());
                parked.reason = format!("not tried to its end: {why}");
                ParkedOutcome {
                    outcome: "still-parked",
                    parked,
                }
            };
            let tenant = &parked.source.tenant;
            let scope = match scopes.get(tenant) {
                Some(scope) => scope.clone(),
                None => {
                    let scope = self.scope(operator, tenant).await;
                    let scope = scope.map_err(|problem| problem.detail().to_owned());
                    scopes.insert(tenant.clone(), scope.clone());
                    scope
                }
            };
            let scope = match scope {
                Ok(scope) => scope,
                Err(why) => {
                    items.push(not_tried(why));
                    continue;
                }
            };
            for consumer in kept.named(&parked.consumer)? {
                items.push(if is_filled(&consumer) {
                    ParkedOutcome {
                        outcome: "still-parked",
                        parked: parked.clone().into(),
                    }
                } else {
                    let tried = self.try_again(&consumer, &scope, parked.clone(), false).await;
                    tried.unwrap_or_else(|problem| not_tried(problem.detail().to_owned()))
                });
            }
        }
        let next_cursor = self.next_cursor(operator, wanted, &slice, done);
        Ok(RetriedPage { items, next_cursor })
    }

    async fn try_again(
        &self,
        consumer: &Consumer,
        scope: &TenantScope,
        parked: Parked,
        discard: bool,
    ) -> Result<ParkedOutcome, Problem> {
        let retried = self
            .parking()
            .retry(consumer, scope, &parked.context, &parked.source, discard)
            .await
            .map_err(of_apply)?;
        let (outcome, parked) = match retried {
            Retried::Applied => ("applied", parked),
            Retried::StillParked(now) => ("still-parked", *now),
            Retried::NotParked => ("not-parked", parked),
        };
        tracing::info!(
            consumer = parked.consumer,
            tenant = %parked.source.tenant,
            aggregate = parked.source.aggregate,
            discard,
            outcome,
            "an operator tried a parked aggregate again"
        );
        Ok(ParkedOutcome {
            outcome,
            parked: parked.into(),
        })
    }
}
