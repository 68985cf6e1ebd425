//! Folding an aggregate from its first commit on, and what a generation should hold for the result. One implementation per way of keeping
//! a fold: a row, several rows with a head, a document.

use crate::{
    ApplyError, Follower,
    heads::{Head, apply_commit, source_of},
    race::failed,
};
use headwater_dynamo_repository::{self as repository, Bulk, BulkItem, ItemKey};
use headwater_dynamo_schema::{RowItem, Share};
use headwater_kernel::{Aggregate, AggregateType, Commit, Id};
use headwater_read_models::{DocumentFold, Fold, RowFold, RowsFold, metrics::MetricFold};
use headwater_search::{DocumentBody, DocumentWrite, SearchIndex};
use headwater_tenancy::TenantScope;
use std::{
    collections::BTreeSet,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// What a generation holds for one aggregate.
pub(crate) enum Effect {
    /// Items of tables; a head of its own is the last.
    Items(Vec<BulkItem>),
    Document(Box<DocumentWrite>),
    /// Points, which the follower makes again from the log: there may be more of them than memory holds.
    Points,
}

/// Folds aggregates of one kind for one generation of a projection.
pub(crate) trait Refold: Send + Sync {
    /// Context and plural name of the aggregates.
    fn source(&self) -> (&'static str, &'static str);

    fn aggregate(&self) -> AggregateType;

    /// The state before the first commit. With `history` it remembers all keys that it ever showed.
    fn begin(&self, scope: &TenantScope, id: &Id, history: bool) -> Box<dyn Folded>;

    /// The key of the item whose version is the head; `None` for documents.
    fn head_key(&self, scope: &TenantScope, id: &Id) -> Result<Option<ItemKey>, ApplyError>;

    /// The keys of the rows that belong to a stored head of its own, and of the sums that it contributes to.
    fn keys_of_head(&self, scope: &TenantScope, head: &BulkItem) -> Vec<ItemKey>;

    /// Where documents are.
    fn index(&self) -> Option<&Arc<dyn SearchIndex>>;

    /// What has to apply it: because it adds to sums, and nothing of it may be written without a condition, or because it measures.
    fn follower(&self) -> Option<&Arc<dyn Follower>>;

    /// Whether it adds to sums.
    fn has_sums(&self) -> bool;
}

/// One aggregate on its way.
pub(crate) trait Folded: Send + Sync {
    /// Folds a commit. After an error the state is of no use.
    fn fold(&mut self, commit: &Commit) -> Result<(), ApplyError>;

    fn version(&self) -> u64;

    /// What should be stored now.
    fn effect(&self) -> Result<Effect, ApplyError>;

    /// All keys that were ever to be shown, as far as it was told to remember them.
    fn shown(&self) -> &BTreeSet<ItemKey>;

    /// The keys of all sums that it ever added to, as far as it was told to remember them. Others add to them, too.
    fn sums(&self) -> &BTreeSet<ItemKey>;
}

/// How a fold is kept.
pub(crate) trait Shape<F>: Clone + Send + Sync + 'static {
    /// Whether it is points, of which every writing is the same.
    const MEASURES: bool = false;

    fn effect(&self, scope: &TenantScope, id: &Id, head: &Head<F>) -> Result<Effect, ApplyError>;
    /// The keys that a state shows; nothing when one state's are all there can be.
    fn shows(&self, scope: &TenantScope, state: &F) -> Vec<ItemKey>;
    /// The keys of the sums that a state contributes to.
    fn sums(&self, _: &TenantScope, _: &F) -> Vec<ItemKey> {
        Vec::new()
    }
    fn head_key(&self, scope: &TenantScope, id: &Id) -> Result<Option<ItemKey>, ApplyError>;
    fn index(&self) -> Option<&Arc<dyn SearchIndex>> {
        None
    }
    /// Drops what a state has made besides, after each commit.
    fn settle(&self, _: &mut F) {}
}

pub(crate) struct Refolding<F, S> {
    pub(crate) shape: S,
    pub(crate) fold: PhantomData<fn() -> F>,
    /// Of a fold that adds to sums or measures.
    pub(crate) follower: Option<Arc<dyn Follower>>,
}

struct State<F, S> {
    shape: S,
    scope: TenantScope,
    id: Id,
    head: Head<F>,
    history: bool,
    shown: BTreeSet<ItemKey>,
    sums: BTreeSet<ItemKey>,
}

impl<F: Fold, S: Shape<F>> Refold for Refolding<F, S> {
    fn source(&self) -> (&'static str, &'static str) {
        source_of::<F>()
    }

    fn aggregate(&self) -> AggregateType {
        AggregateType::of::<F::Source>()
    }

    fn begin(&self, scope: &TenantScope, id: &Id, history: bool) -> Box<dyn Folded> {
        Box::new(State {
            shape: self.shape.clone(),
            scope: scope.clone(),
            id: id.clone(),
            head: Head::new(F::empty(id), 0),
            history,
            shown: BTreeSet::new(),
            sums: BTreeSet::new(),
        })
    }

    fn head_key(&self, scope: &TenantScope, id: &Id) -> Result<Option<ItemKey>, ApplyError> {
        self.shape.head_key(scope, id)
    }

    fn keys_of_head(&self, scope: &TenantScope, head: &BulkItem) -> Vec<ItemKey> {
        let state = head.head_state().and_then(|state| serde_json::from_value(state).ok());
        state
            .map(|state: F| [self.shape.shows(scope, &state), self.shape.sums(scope, &state)].concat())
            .unwrap_or_default()
    }

    fn index(&self) -> Option<&Arc<dyn SearchIndex>> {
        self.shape.index()
    }

    fn follower(&self) -> Option<&Arc<dyn Follower>> {
        self.follower.as_ref()
    }

    fn has_sums(&self) -> bool {
        self.follower.is_some() && !S::MEASURES
    }
}

impl<F: Fold, S: Shape<F>> Folded for State<F, S> {
    fn fold(&mut self, commit: &Commit) -> Result<(), ApplyError> {
        let first_sequence = commit.first_sequence;
        let folded = catch_unwind(AssertUnwindSafe(|| apply_commit(commit, &mut self.head.state)));
        folded
            .unwrap_or_else(|_| Err("the fold panicked".into()))
            .map_err(|source| ApplyError::Commit { first_sequence, source })?;
        self.head.version = commit.version();
        self.shape.settle(&mut self.head.state);
        if self.history {
            self.shown.extend(self.shape.shows(&self.scope, &self.head.state));
            self.sums.extend(self.shape.sums(&self.scope, &self.head.state));
        }
        Ok(())
    }

    fn version(&self) -> u64 {
        self.head.version
    }

    fn effect(&self) -> Result<Effect, ApplyError> {
        self.shape.effect(&self.scope, &self.id, &self.head)
    }

    fn shown(&self) -> &BTreeSet<ItemKey> {
        &self.shown
    }

    fn sums(&self) -> &BTreeSet<ItemKey> {
        &self.sums
    }
}

fn permanent(error: impl std::error::Error + Send + Sync + 'static) -> ApplyError {
    ApplyError::Permanent(error.into())
}

/// A row whose version is the head.
#[derive(Clone)]
pub(crate) struct OneRow(pub(crate) Bulk);

impl<F: RowFold> Shape<F> for OneRow {
    fn effect(&self, scope: &TenantScope, _: &Id, head: &Head<F>) -> Result<Effect, ApplyError> {
        let row = RowItem::of(&head.state).map_err(permanent)?;
        let item = self.0.row(scope, row, head.version).map_err(failed)?;
        Ok(Effect::Items(vec![item]))
    }

    fn shows(&self, _: &TenantScope, _: &F) -> Vec<ItemKey> {
        Vec::new()
    }

    fn head_key(&self, scope: &TenantScope, id: &Id) -> Result<Option<ItemKey>, ApplyError> {
        let key = self.0.key(scope, F::SCHEMA.table, &F::key_of(id));
        key.map(Some).map_err(failed)
    }
}

/// Several rows with a head of its own.
#[derive(Clone)]
pub(crate) struct SeveralRows(pub(crate) Bulk);

impl<F: RowsFold> Shape<F> for SeveralRows {
    fn effect(&self, scope: &TenantScope, id: &Id, head: &Head<F>) -> Result<Effect, ApplyError> {
        let mut items = Vec::new();
        let mut keys = BTreeSet::new();
        // As the follower has it: of two rows under one key the last counts.
        for row in head.state.rows().map_err(permanent)?.into_iter().rev() {
            if keys.insert(row.key.clone()) {
                items.push(self.0.row(scope, row, head.version).map_err(failed)?);
            }
        }
        let state = serde_json::to_value(&head.state).map_err(permanent)?;
        let version = head.version;
        let head = repository::Head { version, state };
        items.push(
            self.0
                .head(scope, F::TABLE, F::Source::NAME, id, &head)
                .map_err(failed)?,
        );
        Ok(Effect::Items(items))
    }

    fn shows(&self, scope: &TenantScope, state: &F) -> Vec<ItemKey> {
        let rows = state.rows().unwrap_or_default();
        rows.iter()
            .filter_map(|row| self.0.key(scope, row.table, &row.key).ok())
            .collect()
    }

    fn sums(&self, scope: &TenantScope, state: &F) -> Vec<ItemKey> {
        let shares = state.shares().unwrap_or_default();
        let key = |share: &Share| self.0.key(scope, share.table, &share.key).ok();
        shares.iter().filter_map(key).collect()
    }

    fn head_key(&self, scope: &TenantScope, id: &Id) -> Result<Option<ItemKey>, ApplyError> {
        let key = self.0.head_key(scope, F::TABLE, F::Source::NAME, id);
        key.map(Some).map_err(failed)
    }
}

/// A search document.
#[derive(Clone)]
pub(crate) struct OneDocument(pub(crate) Arc<dyn SearchIndex>);

impl<F: DocumentFold> Shape<F> for OneDocument {
    fn effect(&self, scope: &TenantScope, id: &Id, head: &Head<F>) -> Result<Effect, ApplyError> {
        let body = serde_json::to_value(&head.state).map_err(permanent)?;
        let body = if head.state.is_live() {
            DocumentBody::Put(body)
        } else {
            DocumentBody::Tombstone { state: Some(body) }
        };
        Ok(Effect::Document(Box::new(DocumentWrite {
            scope: scope.clone(),
            id: id.clone(),
            version: head.version,
            body,
        })))
    }

    fn shows(&self, _: &TenantScope, _: &F) -> Vec<ItemKey> {
        Vec::new()
    }

    fn head_key(&self, _: &TenantScope, _: &Id) -> Result<Option<ItemKey>, ApplyError> {
        Ok(None)
    }

    fn index(&self) -> Option<&Arc<dyn SearchIndex>> {
        Some(&self.0)
    }
}

/// Points of metric series.
#[derive(Clone)]
pub(crate) struct Points;

impl<F: MetricFold> Shape<F> for Points {
    const MEASURES: bool = true;

    fn effect(&self, _: &TenantScope, _: &Id, _: &Head<F>) -> Result<Effect, ApplyError> {
        Ok(Effect::Points)
    }

    fn shows(&self, _: &TenantScope, _: &F) -> Vec<ItemKey> {
        Vec::new()
    }

    fn head_key(&self, _: &TenantScope, _: &Id) -> Result<Option<ItemKey>, ApplyError> {
        Ok(None)
    }

    fn settle(&self, state: &mut F) {
        state.measured().take();
    }
}
