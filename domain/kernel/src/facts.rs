//! What a decision needs from outside, given as an argument so that deciding stays pure.

use crate::{Id, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The circumstances of one command.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The tenant that the command belongs to.
    pub tenant: TenantId,
    /// The aggregate it is addressed to; also the default subject of its personal data.
    pub id: Id,
    /// Who asked for it.
    pub actor: Actor,
    /// When it is decided.
    pub now: Timestamp,
}

/// Who caused a command: `user:alice`, `api-key:ab12`, `import`. An identifier, never a name or an address of a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(String);

impl Actor {
    /// Takes what a verified credential says, cut to 256 characters.
    pub fn new(actor: impl Into<String>) -> Self {
        let actor = actor.into();
        Self(if actor.chars().count() > 256 {
            actor.chars().take(256).collect()
        } else {
            actor
        })
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
