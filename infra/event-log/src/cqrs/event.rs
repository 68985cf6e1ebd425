//! A kernel event as cqrs-es wants it: with its type and version.

use crate::codec;
use cqrs_es::DomainEvent;
use headwater_kernel::{Aggregate, StoredEvent};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An event of `A`. As JSON it is the event itself.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct CqrsEvent<A: Aggregate>(pub A::Event);

impl<A: Aggregate> CqrsEvent<A> {
    fn stored(&self) -> Option<StoredEvent> {
        codec::encode_event::<A>(&self.0).ok()
    }
}

impl<A: Aggregate> DomainEvent for CqrsEvent<A>
where
    A::Event: PartialEq,
{
    /// The type as the log stores it; empty for an event that does not serialise, which no commit takes.
    fn event_type(&self) -> String {
        self.stored().map(|stored| stored.event_type).unwrap_or_default()
    }

    /// The schema version that this build writes for the type, in digits.
    fn event_version(&self) -> String {
        self.stored()
            .map(|stored| stored.schema_version.to_string())
            .unwrap_or_default()
    }
}

impl<A: Aggregate> Clone for CqrsEvent<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Aggregate> PartialEq for CqrsEvent<A>
where
    A::Event: PartialEq,
{
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<A: Aggregate> fmt::Debug for CqrsEvent<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
