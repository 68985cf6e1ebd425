//! A kernel aggregate as cqrs-es wants it. How it decides when a store stands behind it, and when none does.

use super::CqrsEvent;
use cqrs_es::event_sink::EventSink;
use headwater_kernel::{Aggregate, Facts, Rejection, encode_command};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The aggregate `A` for cqrs-es. As JSON it is the state of `A`.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Cqrs<A: Aggregate> {
    state: A,
    #[serde(skip)]
    session: Option<Session>,
}

/// One load by a store, and what was asked since.
struct Session {
    facts: Facts,
    handled: Handled,
}

/// What a commit has to know of the command: by what a second use of its id is told from a repetition, and whether it was refused.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    pub(crate) name: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) refused: Option<Rejection>,
}

impl<A: Aggregate> Cqrs<A> {
    /// An aggregate that a store has loaded.
    pub(crate) fn loaded(state: A, facts: Facts) -> Self {
        let handled = Handled::default();
        Self {
            state,
            session: Some(Session { facts, handled }),
        }
    }

    /// What was asked since the load.
    pub(crate) fn into_handled(self) -> Handled {
        self.session.map(|session| session.handled).unwrap_or_default()
    }

    /// The state.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// The state, for good.
    pub fn into_state(self) -> A {
        self.state
    }
}

impl Handled {
    /// Takes note of a command. Several before one commit count as one, with the first one's name.
    fn note(&mut self, name: String, payload: &serde_json::Value) {
        if self.name.is_empty() {
            self.name = name;
        }
        // Members are sorted, so these are the bytes that the command bus has for the same payload.
        self.payload.extend_from_slice(payload.to_string().as_bytes());
    }
}

impl<A: Aggregate> cqrs_es::Aggregate for Cqrs<A>
where
    A::Event: PartialEq,
{
    const TYPE: &'static str = A::NAME;
    type Command = A::Command;
    type Event = CqrsEvent<A>;
    type Error = Rejection;
    type Services = Facts;

    /// Decides by the facts of the store that loaded this aggregate, else by `services`. With a store behind it a rejection is kept for
    /// the commit, which alone can tell whether the command was done before; without one it is returned.
    async fn handle(&mut self, command: A::Command, services: &Facts, sink: &EventSink<Self>) -> Result<(), Rejection> {
        let decided = match &mut self.session {
            None => self.state.decide(command, services)?,
            Some(Session { facts, handled }) => {
                let (name, payload) =
                    encode_command(&command).map_err(|error| Rejection::rule("invalid-payload", error.to_string()))?;
                handled.note(name, &payload);
                match self.state.decide(command, facts) {
                    Ok(events) => events,
                    Err(rejection) => {
                        handled.refused.get_or_insert(rejection);
                        return Ok(());
                    }
                }
            }
        };
        for event in decided {
            sink.write(CqrsEvent(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: CqrsEvent<A>) {
        self.state.apply(&event.0);
    }
}

impl<A: Aggregate> fmt::Debug for Cqrs<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", A::CONTEXT, A::NAME)
    }
}
