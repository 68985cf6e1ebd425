//! `--dry-run`: what is live, compared with a fold of the log.

use super::{
    CheckTotals, Difference, ReplayError, Replays, folding::Whose, job::Until, replays::Inner, verify::Verify,
};
use headwater_kernel::TenantId;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{mpsc, watch};

/// What a dry run tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reported {
    /// A difference.
    Difference(Difference),
    /// The end: the sums.
    Totals(CheckTotals),
}

/// A dry run under way. Dropping it ends it.
pub struct DryRun {
    reports: mpsc::Receiver<Result<Reported, ReplayError>>,
    _stop: watch::Sender<bool>,
}

impl std::fmt::Debug for DryRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DryRun")
    }
}

impl DryRun {
    /// The next report; `None` after the totals or an error.
    pub async fn next(&mut self) -> Option<Result<Reported, ReplayError>> {
        self.reports.recv().await
    }

    /// All of it.
    ///
    /// # Errors
    /// [`ReplayError::Store`].
    pub async fn collect(mut self) -> Result<(Vec<Difference>, CheckTotals), ReplayError> {
        let (mut differences, mut totals) = (Vec::new(), CheckTotals::default());
        while let Some(report) = self.next().await {
            match report? {
                Reported::Difference(difference) => differences.push(difference),
                Reported::Totals(sums) => totals = sums,
            }
        }
        Ok((differences, totals))
    }
}

impl Replays {
    /// Compares what is live, for each tenant or for one, with a fold of the log. Writes nothing.
    ///
    /// # Errors
    /// [`ReplayError::UnknownProjection`], [`ReplayError::Store`].
    pub async fn dry_run(&self, projection: &str, tenant: Option<TenantId>) -> Result<DryRun, ReplayError> {
        let name = self.0.name(projection)?;
        let mut parts: BTreeMap<u32, Vec<Whose>> = BTreeMap::new();
        let registered = self.0.register.get(name).await?;
        match (registered, tenant) {
            (None, only) => parts.entry(1).or_default().push(Whose {
                only,
                ..Whose::default()
            }),
            (Some(registered), Some(tenant)) => {
                let live = registered.live_for(Some(&tenant));
                parts.entry(live).or_default().push(Whose {
                    only: Some(tenant),
                    ..Whose::default()
                });
            }
            (Some(registered), None) => {
                parts.entry(registered.live).or_default().push(Whose {
                    only: None,
                    except: registered.owners.keys().cloned().collect(),
                });
                for (tenant, own) in &registered.owners {
                    parts.entry(*own).or_default().push(Whose {
                        only: Some(tenant.clone()),
                        ..Whose::default()
                    });
                }
            }
        }
        let (reports, received) = mpsc::channel(256);
        let (stop, stopped) = watch::channel(false);
        let inner = Arc::clone(&self.0);
        let listening = reports.clone();
        drop(self.0.runtime.spawn(async move {
            let mut totals: Option<CheckTotals> = None;
            for (generation, whose) in parts
                .into_iter()
                .flat_map(|(n, all)| all.into_iter().map(move |one| (n, one)))
            {
                match part(&inner, name, generation, whose, &reports, &stopped).await {
                    Ok(sums) => {
                        totals = Some(match totals {
                            Some(totals) => totals.add(sums),
                            None => sums,
                        });
                    }
                    Err(error) => {
                        let _ = reports.send(Err(error)).await;
                        return;
                    }
                }
            }
            let _ = reports.send(Ok(Reported::Totals(totals.unwrap_or_default()))).await;
        }));
        drop(listening);
        Ok(DryRun {
            reports: received,
            _stop: stop,
        })
    }
}

async fn part(
    inner: &Inner,
    projection: &'static str,
    generation: u32,
    whose: Whose,
    reports: &mpsc::Sender<Result<Reported, ReplayError>>,
    stop: &watch::Receiver<bool>,
) -> Result<CheckTotals, ReplayError> {
    let keep = inner.catalogue.build(projection, generation, whose.only.clone())?;
    let refolds = keep.map(|keep| keep.refolds).unwrap_or_default();
    let segments = inner.options.segments;
    let job = inner.job(
        projection,
        generation,
        refolds,
        segments,
        None,
        0,
        Until::ever(),
        stop.clone(),
    );
    let (differences, mut found) = mpsc::channel(64);
    let verify = Verify {
        job: Arc::new(job),
        projection: projection.to_owned(),
        generation,
        whose,
        mends: false,
        differences,
    };
    let forward = async {
        while let Some(difference) = found.recv().await {
            // Nobody may be listening any more; the checks find out then.
            let _ = reports.send(Ok(Reported::Difference(difference))).await;
        }
    };
    let (totals, ()) = futures::future::join(verify.run(), forward).await;
    totals
}
