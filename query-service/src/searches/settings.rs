//! What a tenant has set for its searches, as they take it. It is read once in some seconds, not for each search.

use super::Search;
use crate::{QueryService, consistency::Consistency, refusal::of_repository};
use headwater_dynamo_repository::Error;
use headwater_edge::Problem;
use headwater_kernel::{Id, TenantId};
use headwater_read_models::{
    RowFold,
    search_settings::{PROJECTION, SearchSettingsRow},
};
use headwater_search::{Filter, Relevance};
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long what was read is believed.
const BELIEVED: Duration = Duration::from_secs(3);
/// How many terms, weights and boosts of all tenants are kept before the cache starts over, each tenant counting one besides.
const KEPT: usize = 500_000;

/// What is known of tenants.
#[derive(Default)]
pub(crate) struct Settings(Mutex<Known>);

#[derive(Default)]
struct Known {
    tenants: HashMap<TenantId, (Duration, Arc<Relevance>)>,
    size: usize,
}

impl Settings {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, and whether it has to be read anew. That is said to one at a time; the others go on with what is known.
    fn get(&self, tenant: &TenantId, now: Duration) -> (Option<Arc<Relevance>>, bool) {
        match self.known().tenants.get_mut(tenant) {
            Some((at, relevance)) => {
                let old = now.saturating_sub(*at) >= BELIEVED;
                if old {
                    *at = now;
                }
                (Some(Arc::clone(relevance)), old)
            }
            None => (None, true),
        }
    }

    fn put(&self, tenant: &TenantId, now: Duration, relevance: &Arc<Relevance>) {
        let size = relevance.size() + 1;
        let mut known = self.known();
        if known.size + size > KEPT {
            *known = Known::default();
        }
        known.size += size;
        if let Some((_, before)) = known.tenants.insert(tenant.clone(), (now, Arc::clone(relevance))) {
            known.size -= before.size() + 1;
        }
    }
}

impl QueryService {
    /// What the tenant has set for a search. A read that brings the token of a change sees it; others do within seconds.
    pub(super) async fn relevance(
        &self,
        scope: &TenantScope,
        search: &Search,
        consistency: Option<&Consistency>,
    ) -> Result<Arc<Relevance>, Problem> {
        let inner = self.inner();
        let Ok(id) = Id::new(search.kind) else {
            return Ok(Arc::default());
        };
        let now = || inner.runtime.monotonic();
        if self.concerns(scope, PROJECTION, consistency)? {
            self.reach(scope, PROJECTION, consistency).await?;
            let relevance = self.read_settings(scope, &id).await.map_err(of_repository)?;
            inner.settings.put(scope.tenant(), now(), &relevance);
            return Ok(relevance);
        }
        let (known, old) = inner.settings.get(scope.tenant(), now());
        if !old {
            return Ok(known.unwrap_or_default());
        }
        let relevance = match self.read_settings(scope, &id).await {
            Ok(relevance) => relevance,
            Err(error) => {
                // Hits in another order are better than none.
                tracing::warn!(error = %error, "search settings cannot be read; what was known goes on");
                known.unwrap_or_default()
            }
        };
        inner.settings.put(scope.tenant(), now(), &relevance);
        Ok(relevance)
    }

    async fn read_settings(&self, scope: &TenantScope, id: &Id) -> Result<Arc<Relevance>, Error> {
        let repository = (self.inner().repository)(PROJECTION).consistent();
        let key = SearchSettingsRow::key_of(id);
        let row = repository.find::<SearchSettingsRow>(scope, &key).await?;
        Ok(row.map_or_else(Arc::default, |row| Arc::new(of(&row.entity))))
    }
}

fn of(row: &SearchSettingsRow) -> Relevance {
    let mut relevance = Relevance::default();
    for group in &row.synonyms {
        let finds = if group.finds.is_empty() {
            &group.terms
        } else {
            &group.finds
        };
        relevance = relevance.synonyms(&group.terms, finds.iter().map(String::as_str));
    }
    for (field, weight) in row.weights.set() {
        relevance = relevance.weight(field, weight as f32);
    }
    for boost in &row.boosts {
        let of_field = |field: &str, value: &String| Filter::Equals {
            field: field.to_owned(),
            any_of: vec![value.clone()],
        };
        let of_attribute = boost.attribute.as_ref().map(|attribute| Filter::Attribute {
            name: attribute.name.clone(),
            any_of: vec![written(&serde_json::to_value(&attribute.value).unwrap_or_default())],
        });
        let brand = boost.brand.as_ref().map(|brand| of_field("brand", brand));
        let category = boost.category.as_ref().map(|category| of_field("category", category));
        for documents in [brand, category, of_attribute].into_iter().flatten() {
            relevance = relevance.boost(documents, boost.factor as f32);
        }
    }
    relevance
}

/// As a filter by an attribute has it.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_believed_for_seconds_and_bounded() {
        let (settings, a) = (Settings::default(), TenantId::new("a").unwrap());
        let at = Duration::from_secs;
        assert_eq!(settings.get(&a, at(1)), (None, true));
        let set = Arc::new(Relevance::default().weight("title", 2.0));
        settings.put(&a, at(1), &set);
        assert_eq!(settings.get(&a, at(2)), (Some(Arc::clone(&set)), false));
        // One reads anew; who comes meanwhile goes on with what is known.
        assert_eq!(settings.get(&a, at(4)), (Some(Arc::clone(&set)), true));
        assert_eq!(settings.get(&a, at(4)), (Some(Arc::clone(&set)), false));
        settings.put(&a, at(5), &Arc::default());
        assert_eq!(
            (settings.get(&a, at(5)), settings.known().size),
            ((Some(Arc::default()), false), 1)
        );
        let terms: Vec<String> = (0..KEPT).map(|n| format!("t{n}")).collect();
        let large = Arc::new(Relevance::default().synonyms(&terms, ["x"]));
        settings.put(&TenantId::new("b").unwrap(), at(5), &large);
        assert_eq!(settings.get(&a, at(5)), (None, true));
    }
}
