//! Given events, when a command, then events or a rejection: how decisions are tested.

use crate::{Actor, Aggregate, Facts, Id, Rejection, TenantId, Timestamp};

/// An aggregate with a history, about to decide.
pub struct Given<A: Aggregate> {
    state: A,
    facts: Facts,
}

/// Starts from the events that happened; none for a new aggregate. The id is `T1`, the tenant `test`.
///
/// # Panics
/// Never; the ids are constant.
#[allow(clippy::unwrap_used, reason = "constant ids are valid")]
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    for event in events {
        state.apply(&event);
    }
    let facts = Facts {
        tenant: TenantId::new("test").unwrap(),
        id: Id::new("T1").unwrap(),
        actor: Actor::new("user:tester"),
        now: Timestamp::from_nanos(1_700_000_000_000_000_000),
    };
    Given { state, facts }
}

impl<A: Aggregate> Given<A> {
    /// With another id.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    #[allow(clippy::unwrap_used, reason = "a test gives a valid id")]
    pub fn with_id(mut self, id: &str) -> Self {
        self.facts.id = Id::new(id).unwrap();
        self
    }

    /// Decides a command at a fixed time.
    pub fn when(self, command: A::Command) -> Then<A> {
        let decision = self.state.decide(command, &self.facts);
        Then {
            state: self.state,
            decision,
        }
    }
}

/// What was decided.
pub struct Then<A: Aggregate> {
    state: A,
    decision: Result<Vec<A::Event>, Rejection>,
}

impl<A: Aggregate> Then<A>
where
    A::Event: PartialEq,
{
    /// Exactly these events; returns the state after them.
    ///
    /// # Panics
    /// When the decision was another.
    #[track_caller]
    pub fn then(mut self, events: impl IntoIterator<Item = A::Event>) -> A {
        let expected: Vec<_> = events.into_iter().collect();
        assert_eq!(self.decision.as_ref(), Ok(&expected));
        for event in &expected {
            self.state.apply(event);
        }
        self.state
    }

    /// Some event, whichever.
    ///
    /// # Panics
    /// When it was rejected or nothing happened.
    #[track_caller]
    pub fn accepted(self) {
        assert!(
            self.decision.as_ref().is_ok_and(|events| !events.is_empty()),
            "{:?}",
            self.decision
        );
    }

    /// A rejection with this code and pointer.
    ///
    /// # Panics
    /// When the decision was another.
    #[track_caller]
    pub fn then_rejected(self, code: &str, pointer: &str) {
        match self.decision {
            Err(rejection) => assert_eq!(
                (rejection.code, rejection.pointer.as_str()),
                (code, pointer),
                "{rejection}"
            ),
            Ok(events) => panic!("accepted with {events:?}"),
        }
    }
}
