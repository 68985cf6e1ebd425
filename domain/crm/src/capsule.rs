//! Capsules: containers of accounts, such as a sales territory or a workspace.

use headwater_kernel::{Aggregate, Facts, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A capsule. It does not know its accounts; each account knows its capsule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capsule {
    name: Option<String>,
    closed: bool,
}

/// What can be asked of a capsule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Opens a capsule for accounts.
    Open {
        /// What it is called. Not personal: name a territory, not a person.
        #[schemars(length(min = 1, max = 200))]
        name: String,
    },
    /// Gives a capsule another name.
    Rename {
        /// What it is called from now on.
        #[schemars(length(min = 1, max = 200))]
        name: String,
    },
    /// Closes a capsule for good. Its accounts stay until they are moved or closed.
    Close {},
}

/// What can happen to a capsule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A capsule was opened.
    CapsuleOpened {
        /// What it is called.
        name: String,
    },
    /// A capsule got another name.
    CapsuleRenamed {
        /// What it is called now.
        name: String,
    },
    /// A capsule was closed.
    CapsuleClosed {},
}

impl Aggregate for Capsule {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "capsules";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        if let Command::Open { name } = command {
            if self.name.is_some() {
                return Err(Rejection::already_exists());
            }
            text::name(&name)?;
            return Ok(vec![Event::CapsuleOpened { name }]);
        }
        let current = self.name.as_ref().ok_or_else(Rejection::not_found)?;
        if self.closed {
            return Err(Rejection::rule(
                "capsule-closed",
                "the capsule was closed; open another",
            ));
        }
        Ok(match command {
            Command::Rename { name } if name == *current => vec![],
            Command::Rename { name } => {
                text::name(&name)?;
                vec![Event::CapsuleRenamed { name }]
            }
            Command::Close {} | Command::Open { .. } => vec![Event::CapsuleClosed {}],
        })
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::CapsuleOpened { name } | Event::CapsuleRenamed { name } => self.name = Some(name.clone()),
            Event::CapsuleClosed {} => self.closed = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_kernel::testing::given;

    fn opened() -> Event {
        Event::CapsuleOpened { name: "North".into() }
    }

    fn rename(name: &str) -> Command {
        Command::Rename { name: name.into() }
    }

    #[test]
    fn is_opened_once() {
        let open = |name: &str| Command::Open { name: name.into() };
        given::<Capsule>([]).when(open("North")).then([opened()]);
        given::<Capsule>([opened()])
            .when(open("North"))
            .then_rejected("already-exists", "");
        given::<Capsule>([]).when(open("")).then_rejected("blank", "/name");
    }

    #[test]
    fn is_renamed_until_it_is_closed() {
        given::<Capsule>([opened()])
            .when(rename("South"))
            .then([Event::CapsuleRenamed { name: "South".into() }]);
        given::<Capsule>([opened()]).when(rename("North")).then([]);
        given::<Capsule>([])
            .when(rename("South"))
            .then_rejected("not-found", "");
        given::<Capsule>([opened()])
            .when(Command::Close {})
            .then([Event::CapsuleClosed {}]);
        given::<Capsule>([opened(), Event::CapsuleClosed {}])
            .when(rename("South"))
            .then_rejected("capsule-closed", "");
    }
}
