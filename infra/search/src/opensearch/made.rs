//! Whether the index is there. It is made when it is first used; one that was lost later (removed by hand, a cluster restored without it) is
//! made anew after a while, empty, and whoever keeps positions sees by its [incarnation](crate::SearchIndex::incarnation) that they stand for
//! nothing any more.

use super::{OpenSearchIndex, classified, layout, places::Places};
use crate::Error;
use ::opensearch::http::Method;
use headwater_kernel::TenantId;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long an index is missing before it is made anew: longer than it takes every process to let go of a generation that is dropped, as a late
/// write to that must not bring it back.
const MAKE_ANEW_AFTER: Duration = Duration::from_secs(15);

/// What this process knows of the index.
#[derive(Debug, Default)]
pub(super) struct Made {
    known: Mutex<Known>,
    /// Held by who makes it.
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Where documents are, since it was seen.
    places: Option<Arc<Places>>,
    /// Since when it is missing, if it was there.
    missing: Option<Duration>,
}

impl Made {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, places: Places) -> Arc<Places> {
        let places = Arc::new(places);
        *self.known() = Known {
            places: Some(Arc::clone(&places)),
            missing: None,
        };
        places
    }
}

impl OpenSearchIndex {
    /// Makes the index if it is not there, and checks that it is of this mapping; where its tenants' documents are.
    pub(super) async fn ready(&self) -> Result<Arc<Places>, Error> {
        if let Some(places) = self.if_known()? {
            return Ok(places);
        }
        let _one = self.made.making.lock().await;
        if let Some(places) = self.if_known()? {
            return Ok(places);
        }
        let places = self.make_one(&self.name, self.cluster.apart()).await?;
        for own in places.all_apart() {
            self.make_one(&own, &BTreeSet::new()).await?;
        }
        Ok(self.made.found(places))
    }

    /// What is known; nothing when it has to be looked for, or made.
    fn if_known(&self) -> Result<Option<Arc<Places>>, Error> {
        let known = self.made.known();
        match known.missing {
            Some(since) if self.cluster.runtime.monotonic().saturating_sub(since) < MAKE_ANEW_AFTER => {
                Err(Error::Missing(self.name.clone()))
            }
            Some(_) => Ok(None),
            None => Ok(known.places.clone()),
        }
    }

    /// Remembers that the index is missing, if that is what went wrong.
    pub(super) fn noticed<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Missing(_)) = &result {
            let name = &self.name;
            let mut known = self.made.known();
            if known.places.take().is_some() && known.missing.is_none() {
                known.missing = Some(self.cluster.runtime.monotonic());
                tracing::error!(
                    index = name,
                    "the search index is not in the cluster any more; it is made anew and filled from the log"
                );
            }
        }
        result
    }

    /// Which making of the index is there.
    pub(super) async fn uuids(&self) -> Result<String, Error> {
        let path = format!("/{}/_settings/index.uuid", self.ready().await?.all());
        let answer = self.cluster.expect(Method::Get, &path, None).await?;
        let uuids = answer.as_object().into_iter().flatten();
        let mut uuids: Vec<_> = uuids
            .filter_map(|(_, index)| index["settings"]["index"]["uuid"].as_str())
            .collect();
        uuids.sort_unstable();
        if uuids.is_empty() {
            return Err(Error::Unavailable("an answer without an index".into()));
        }
        Ok(uuids.join(","))
    }

    async fn make_one(&self, name: &str, apart: &BTreeSet<TenantId>) -> Result<Places, Error> {
        let path = format!("/{name}");
        let mapping = format!("{path}/_mapping");
        let found = self.cluster.send(Method::Get, &mapping, None).await?;
        let found = match found.status {
            200 => found.body,
            404 => {
                let wanted = layout::index(name, self.mapping, apart).to_string();
                let made = self.cluster.send(Method::Put, &path, Some(wanted)).await?;
                // Another worker may have been faster.
                let exists = made.body["error"]["type"] == "resource_already_exists_exception";
                if made.status >= 300 && !exists {
                    return Err(classified(made.status, &made.body));
                }
                self.cluster.expect(Method::Get, &mapping, None).await?
            }
            status => return Err(classified(status, &found.body)),
        };
        let found = &found[name]["mappings"];
        let (fingerprint, wanted) = (&found["_meta"]["headwater"], layout::fingerprint(self.mapping));
        if *fingerprint == wanted {
            return Ok(Places::read(name, found));
        }
        let what = format!("the index {name} is of {fingerprint}, not of {wanted}");
        Err(Error::Corrupt(what.into()))
    }
}
