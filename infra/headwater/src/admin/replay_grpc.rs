//! Replays in the messages of `headwater.v1`.

use super::Admin;
use futures::{Stream, StreamExt, stream};
use headwater_edge::v1::{self, CompareProjectionResponse, compare_projection_response::Report};
use headwater_kernel::TenantId;
use headwater_projectors::{Difference, DryRun, Progress, ReplayId, Reported, Rewritten};
use serde::Serialize;
use std::pin::Pin;
use tonic::{Status, metadata::MetadataMap};

/// The reports of a comparison.
pub(super) type Reports = Pin<Box<dyn Stream<Item = Result<CompareProjectionResponse, Status>> + Send>>;

fn text(tenant: Option<TenantId>) -> String {
    tenant.map(|tenant| tenant.as_str().to_owned()).unwrap_or_default()
}

/// The word that a unit variant is in JSON.
pub(super) fn word(variant: &impl Serialize) -> String {
    let word = serde_json::to_value(variant).ok();
    let word = word.and_then(|word| word.as_str().map(str::to_owned));
    word.unwrap_or_default()
}

pub(super) fn name(id: ReplayId) -> v1::GenerationName {
    v1::GenerationName {
        projection: id.projection,
        generation: id.generation,
    }
}

pub(super) fn progress(progress: Progress) -> v1::ReplayProgress {
    let check = progress.check.as_ref().and_then(|check| serde_json::to_vec(check).ok());
    v1::ReplayProgress {
        replay: Some(name(progress.replay)),
        tenant: text(progress.tenant),
        state: word(&progress.state),
        live: progress.live,
        made_at: progress.made_at.to_string(),
        write_units_per_second: progress.budget.write_units_per_second,
        segments_done: progress.segments_done,
        segments: progress.segments,
        commits: progress.commits,
        commits_about: progress.commits_about,
        rows: progress.rows,
        write_units: progress.write_units,
        parked: progress.parked,
        seconds_left: progress.seconds_left,
        problem: progress.problem.unwrap_or_default(),
        check_json: check.unwrap_or_default().into(),
    }
}

pub(super) fn rewritten(rewritten: Rewritten) -> v1::RewriteAggregateResponse {
    let (outcome, version, rows) = match rewritten {
        Rewritten::Written { version, rows } => ("written", version, rows),
        Rewritten::Newer => ("newer", 0, 0),
        Rewritten::Nothing => ("nothing", 0, 0),
    };
    v1::RewriteAggregateResponse {
        outcome: outcome.to_owned(),
        version,
        rows,
    }
}

fn difference(difference: Difference) -> v1::Difference {
    v1::Difference {
        projection: difference.projection,
        generation: difference.generation,
        tenant: difference.tenant.as_str().to_owned(),
        aggregate: difference.aggregate,
        id: difference.id.as_str().to_owned(),
        kind: word(&difference.kind),
        row: difference.row.unwrap_or_default(),
        stored_version: difference.stored_version,
        log_version: difference.log_version,
    }
}

/// A comparison as it goes on.
pub(super) fn reports(admin: Admin, run: DryRun, metadata: MetadataMap) -> Reports {
    let messages = stream::unfold(run, move |mut run| {
        let (admin, metadata) = (admin.clone(), metadata.clone());
        async move {
            let message = match run.next().await? {
                Ok(report) => Ok(CompareProjectionResponse {
                    report: Some(match report {
                        Reported::Difference(found) => Report::Difference(difference(found)),
                        Reported::Totals(totals) => {
                            Report::TotalsJson(serde_json::to_vec(&totals).unwrap_or_default().into())
                        }
                    }),
                }),
                Err(error) => Err(admin.edge().status(Admin::comparison_failed(error), &metadata)),
            };
            Some((message, run))
        }
    });
    messages.boxed()
}
