//! Aggregates of which nothing is measured but how many commands changed them.

use super::{Measured, MetricFold, PROJECTION, has_its_own};
use crate::{EventContext, Fold, ProjectionRegistry};
use headwater_kernel::{Aggregate, AggregateRegistry, Id};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// Counts the commands of one kind of aggregate.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Counted<A> {
    #[serde(skip)]
    measured: Measured,
    #[serde(skip)]
    source: PhantomData<fn() -> A>,
}

impl<A> Clone for Counted<A> {
    fn clone(&self) -> Self {
        Self {
            measured: self.measured.clone(),
            source: PhantomData,
        }
    }
}

impl<A> PartialEq for Counted<A> {
    fn eq(&self, other: &Self) -> bool {
        self.measured == other.measured
    }
}

impl<A: Aggregate> Fold for Counted<A> {
    type Source = A;

    fn empty(_: &Id) -> Self {
        Self {
            measured: Measured::default(),
            source: PhantomData,
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, _: &A::Event) {
        self.measured.command::<A>(at);
    }
}

impl<A: Aggregate> MetricFold for Counted<A> {
    const NEEDS_HISTORY: bool = false;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}

/// Registers a count for every aggregate that has no fold of its own.
pub(super) struct Others<'a, R>(pub(super) &'a mut R);

impl<R: ProjectionRegistry> AggregateRegistry for Others<'_, R> {
    fn aggregate<A: Aggregate>(&mut self) {
        if !has_its_own::<A>() {
            self.0.metric::<Counted<A>>(PROJECTION);
        }
    }
}
