//! Parked aggregates: how they are named, and the list of them.

use super::{
    Admin,
    operator::Operator,
    parameters::{Page, cursor_after, tenant_of},
    problem::{of_apply, of_repository},
};
use headwater_dynamo_repository::GenerationRegister;
use headwater_edge::{Problem, id_of};
use headwater_kernel::{Id, TenantId, Timestamp};
use headwater_projectors::{Consumer, Parked, Parking, SourceKey};
use http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;

/// Names one aggregate that is parked.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) consumer: Consumer,
    pub(super) context: String,
    pub(super) source: SourceKey,
}

/// As operators see it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ParkedAggregate {
    pub(super) projection: String,
    pub(super) generation: u32,
    pub(super) tenant: TenantId,
    pub(super) context: String,
    pub(super) aggregate: String,
    pub(super) id: Id,
    pub(super) first_sequence: u64,
    pub(super) up_to: u64,
    pub(super) reason: String,
    pub(super) since: Timestamp,
}

/// A page of them.
#[derive(Debug, Serialize)]
pub(super) struct ParkedPage {
    pub(super) items: Vec<ParkedAggregate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// Where an aggregate stands in the list.
type Place = (String, String, String, String, String);

fn place(parked: &Parked) -> Place {
    let SourceKey { tenant, aggregate, id } = &parked.source;
    let (tenant, id) = (tenant.as_str().to_owned(), id.as_str().to_owned());
    (
        parked.consumer.clone(),
        tenant,
        parked.context.clone(),
        aggregate.clone(),
        id,
    )
}

/// The context and the aggregate of a place.
fn source_of((_, tenant, context, aggregate, id): &Place) -> Result<(String, SourceKey), Problem> {
    let source = SourceKey {
        tenant: tenant_of(tenant)?,
        aggregate: aggregate.clone(),
        id: id_of(id)?,
    };
    Ok((context.clone(), source))
}

impl From<Parked> for ParkedAggregate {
    fn from(parked: Parked) -> Self {
        let (projection, generation) = parked.consumer.rsplit_once('.').unwrap_or((&parked.consumer, "0"));
        Self {
            projection: projection.to_owned(),
            generation: generation.parse().unwrap_or_default(),
            tenant: parked.source.tenant,
            context: parked.context,
            aggregate: parked.source.aggregate,
            id: parked.source.id,
            first_sequence: parked.first_sequence,
            up_to: parked.up_to,
            reason: parked.reason,
            since: parked.since,
        }
    }
}

/// Which of them are asked for.
pub(super) struct Wanted<'a> {
    /// All projections when `None`.
    pub(super) projection: Option<&'a str>,
    pub(super) tenant: Option<&'a TenantId>,
}

impl Wanted<'_> {
    fn query(&self) -> [&str; 2] {
        let tenant = self.tenant.map(TenantId::as_str);
        [self.projection.unwrap_or_default(), tenant.unwrap_or_default()]
    }
}

/// Some of what is parked, in order, and how to go on after any of it.
pub(super) struct Slice {
    pub(super) parked: Vec<Parked>,
    more: bool,
    limit: usize,
}

impl Admin {
    pub(super) fn parking(&self) -> Parking {
        Parking::new(self.parts.views.clone())
    }

    /// How many aggregates are parked, by projection, generation and context, as far as they are counted; 0 is told too, so that an alarm
    /// can tell it from silence.
    pub(crate) async fn parked_counts(&self) -> Result<BTreeMap<(String, u32, String), u64>, Problem> {
        let mut counts = BTreeMap::new();
        for consumer in (self.kept()?.consumers)() {
            let place = |context: &str| (consumer.projection.to_owned(), consumer.generation, context.to_owned());
            for follower in &consumer.followers {
                counts.entry(place(follower.source().0)).or_default();
            }
            let parked = self.parking().count(&consumer.name(), None).await;
            for (context, count) in parked.map_err(of_apply)? {
                counts.insert(place(&context), count);
            }
        }
        Ok(counts)
    }

    /// The aggregate that a request names. A projection without a number is the generation that is live for the tenant.
    pub(super) async fn address(
        &self,
        [projection, tenant, context, aggregate, id]: [&str; 5],
    ) -> Result<Address, Problem> {
        let source = SourceKey {
            tenant: tenant_of(tenant)?,
            aggregate: aggregate.to_owned(),
            id: id_of(id)?,
        };
        let named = self.kept()?.named(projection)?;
        let consumer = match &named[..] {
            [one] => one.clone(),
            _ => {
                let register = GenerationRegister::new(self.parts.views.clone());
                let registered = register.get(projection).await.map_err(of_repository)?;
                let live = registered.map_or(1, |registered| registered.live_for(Some(&source.tenant)));
                let found = named.iter().find(|consumer| consumer.generation == live);
                found.cloned().ok_or_else(|| not_parked(projection))?
            }
        };
        Ok(Address {
            consumer,
            context: context.to_owned(),
            source,
        })
    }

    /// Those that are parked there, one page of them.
    pub(super) async fn slice(&self, operator: &Operator, wanted: &Wanted<'_>, page: &Page) -> Result<Slice, Problem> {
        if let Some(tenant) = wanted.tenant {
            self.scope(operator, tenant).await?;
        }
        let kept = self.kept()?;
        let mut consumers = match wanted.projection {
            Some(name) => kept.named(name)?,
            None => (kept.consumers)(),
        };
        let after: Option<Place> = page.after(&self.parts.sealing, operator, &wanted.query())?;
        consumers.sort_by_cached_key(Consumer::name);
        let (mut parked, mut more) = (Vec::new(), false);
        for consumer in consumers {
            let name = consumer.name();
            let last = match &after {
                Some(after) if name < after.0 => continue,
                Some(after) if name == after.0 => Some(source_of(after)?),
                _ => None,
            };
            let last = last.as_ref().map(|(context, source)| (context.as_str(), source));
            // Of the others it is enough to know whether they have any.
            let room = page.limit - parked.len();
            let listed = self.parking().page(&name, wanted.tenant, last, room).await;
            let (listed, goes_on) = listed.map_err(of_apply)?;
            parked.extend(listed);
            more = goes_on;
            if more {
                break;
            }
        }
        Ok(Slice {
            parked,
            more,
            limit: page.limit,
        })
    }

    /// The cursor that goes on after the first `done` of a slice; none at the end.
    pub(super) fn next_cursor(
        &self,
        operator: &Operator,
        wanted: &Wanted<'_>,
        slice: &Slice,
        done: usize,
    ) -> Option<String> {
        let goes_on = done < slice.parked.len() || (slice.more && done == slice.limit);
        let last = slice.parked.get(done.checked_sub(1)?).filter(|_| goes_on)?;
        Some(cursor_after(
            &self.parts.sealing,
            operator,
            &wanted.query(),
            &place(last),
        ))
    }

    pub(super) async fn parked(
        &self,
        operator: &Operator,
        wanted: &Wanted<'_>,
        page: &Page,
    ) -> Result<ParkedPage, Problem> {
        let slice = self.slice(operator, wanted, page).await?;
        let next_cursor = self.next_cursor(operator, wanted, &slice, slice.parked.len());
        Ok(ParkedPage {
            items: slice.parked.into_iter().map(ParkedAggregate::from).collect(),
            next_cursor,
        })
    }
}

pub(super) fn not_parked(what: &str) -> Problem {
    let detail = format!("{what} is not parked; `headwater parked list` shows what is");
    Problem::new(StatusCode::NOT_FOUND, "not-parked", detail)
}
