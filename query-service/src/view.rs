//! The state that a projection keeps for one aggregate, behind a face without its type: what is read, and at which version it is.

use futures::future::BoxFuture;
use headwater_dynamo_repository::{Error, Repository};
use headwater_kernel::{Aggregate, Id};
use headwater_read_models::{Fold, RowFold, RowsFold};
use headwater_tenancy::TenantScope;
use serde::Serialize;
use serde_json::Value;
use std::{marker::PhantomData, sync::Arc};

/// A view at a version. Personal data is still in its envelopes.
#[derive(Debug)]
pub(crate) struct Viewed {
    pub(crate) state: Value,
    pub(crate) version: u64,
}

/// Reads views of one aggregate type.
pub(crate) trait ReadView: Send + Sync {
    fn read<'a>(&'a self, scope: &'a TenantScope, id: &'a Id) -> BoxFuture<'a, Result<Option<Viewed>, Error>>;
}

/// A view as it was registered.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) projection: &'static str,
    pub(crate) reader: Arc<dyn ReadView>,
    /// The state before the first event: its members are always there.
    pub(crate) empty: Value,
}

impl View {
    pub(crate) fn row<F: RowFold>(projection: &'static str, repository: Repository) -> Self {
        Self::of::<F>(projection, Arc::new(Row::<F>(repository, PhantomData)))
    }

    pub(crate) fn rows<F: RowsFold>(projection: &'static str, repository: Repository) -> Self {
        Self::of::<F>(projection, Arc::new(Rows::<F>(repository, PhantomData)))
    }

    fn of<F: Fold>(projection: &'static str, reader: Arc<dyn ReadView>) -> Self {
        let empty = Id::new("id").ok().map(|id| json_of(&F::empty(&id)));
        Self {
            projection,
            reader,
            empty: empty.unwrap_or_default(),
        }
    }
}

/// A fold serialises as an object, or it could not have been stored.
fn json_of(state: &impl Serialize) -> Value {
    serde_json::to_value(state).unwrap_or_default()
}

struct Row<F>(Repository, PhantomData<fn() -> F>);

impl<F: RowFold> ReadView for Row<F> {
    fn read<'a>(&'a self, scope: &'a TenantScope, id: &'a Id) -> BoxFuture<'a, Result<Option<Viewed>, Error>> {
        Box::pin(async move {
            let row = self.0.find::<F>(scope, &F::key_of(id)).await?;
            Ok(row.map(|row| Viewed {
                state: json_of(&row.entity),
                version: row.version,
            }))
        })
    }
}

struct Rows<F>(Repository, PhantomData<fn() -> F>);

impl<F: RowsFold> ReadView for Rows<F> {
    fn read<'a>(&'a self, scope: &'a TenantScope, id: &'a Id) -> BoxFuture<'a, Result<Option<Viewed>, Error>> {
        Box::pin(async move {
            let head = self.0.head(scope, F::TABLE, F::Source::NAME, id).await?;
            Ok(head.map(|head| Viewed {
                state: flat(head.state),
                version: head.version,
            }))
        })
    }
}

/// A fold of several rows has what there is only after the first event under `row`; a reader gets one object.
fn flat(mut state: Value) -> Value {
    if let Some(members) = state.as_object_mut()
        && let Some(Value::Object(row)) = members.remove("row")
    {
        members.extend(row);
    }
    state
}
