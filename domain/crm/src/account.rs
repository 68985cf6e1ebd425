//! Accounts: the customers, each in one capsule at a time.

use headwater_kernel::{Aggregate, Facts, Id, Personal, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An account. Its name is personal data, because a customer may be a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<Opened>,
    closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Opened {
    capsule_id: Id,
    name: Personal<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<Id>,
}

/// What can be asked of an account. No `Debug`: it carries personal data as it came.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Opens an account in a capsule.
    Open {
        /// The capsule it is in.
        capsule_id: Id,
        /// The customer's name. Personal data.
        #[schemars(length(min = 1, max = 200))]
        name: String,
        /// Who looks after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_id: Option<Id>,
    },
    /// Gives an account another name, also when it is closed: a name that is wrong can always be put right.
    Rename {
        /// The customer's name from now on. Personal data.
        #[schemars(length(min = 1, max = 200))]
        name: String,
    },
    /// Hands an account to somebody.
    Assign {
        /// Who looks after it from now on.
        owner_id: Id,
    },
    /// Moves an account, with all its opportunities, to another capsule.
    Move {
        /// The capsule it is in from now on.
        capsule_id: Id,
    },
    /// Closes an account for good.
    Close {},
}

/// What can happen to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// An account was opened.
    AccountOpened {
        /// The capsule it is in.
        capsule_id: Id,
        /// The customer's name.
        name: Personal<String>,
        /// Who looks after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_id: Option<Id>,
    },
    /// An account got another name.
    AccountRenamed {
        /// The customer's name now.
        name: Personal<String>,
    },
    /// An account was handed to somebody.
    AccountAssigned {
        /// Who looks after it now.
        owner_id: Id,
    },
    /// An account was moved to another capsule.
    AccountMoved {
        /// The capsule it is in now.
        capsule_id: Id,
    },
    /// An account was closed.
    AccountClosed {},
}

impl Aggregate for Account {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "accounts";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        let current = match (&self.open, command) {
            (Some(_), Command::Open { .. }) => return Err(Rejection::already_exists()),
            (
                None,
                Command::Open {
                    capsule_id,
                    name,
                    owner_id,
                },
            ) => {
                text::name(&name)?;
                let name = Personal::about(&facts.id, name);
                return Ok(vec![Event::AccountOpened {
                    capsule_id,
                    name,
                    owner_id,
                }]);
            }
            (None, _) => return Err(Rejection::not_found()),
            (Some(current), command) => (current, command),
        };
        Ok(match current {
            (current, Command::Rename { name }) if current.name.known() == Some(&name) => vec![],
            (_, Command::Rename { name }) => {
                text::name(&name)?;
                vec![Event::AccountRenamed {
                    name: Personal::about(&facts.id, name),
                }]
            }
            _ if self.closed => {
                return Err(Rejection::rule(
                    "account-closed",
                    "the account was closed; open another",
                ));
            }
            (current, Command::Assign { owner_id }) if current.owner_id.as_ref() == Some(&owner_id) => vec![],
            (_, Command::Assign { owner_id }) => vec![Event::AccountAssigned { owner_id }],
            (current, Command::Move { capsule_id }) if current.capsule_id == capsule_id => vec![],
            (_, Command::Move { capsule_id }) => vec![Event::AccountMoved { capsule_id }],
            (_, Command::Close {} | Command::Open { .. }) => vec![Event::AccountClosed {}],
        })
    }

    fn apply(&mut self, event: &Event) {
        match (event.clone(), &mut self.open) {
            (
                Event::AccountOpened {
                    capsule_id,
                    name,
                    owner_id,
                },
                open,
            ) => {
                *open = Some(Opened {
                    capsule_id,
                    name,
                    owner_id,
                });
            }
            (Event::AccountRenamed { name }, Some(open)) => open.name = name,
            (Event::AccountAssigned { owner_id }, Some(open)) => open.owner_id = Some(owner_id),
            (Event::AccountMoved { capsule_id }, Some(open)) => open.capsule_id = capsule_id,
            (Event::AccountClosed {}, _) => self.closed = true,
            // Nothing but the opening comes first.
            (Event::AccountRenamed { .. } | Event::AccountAssigned { .. } | Event::AccountMoved { .. }, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_kernel::testing::given;

    fn id(id: &str) -> Id {
        Id::new(id).unwrap()
    }

    fn called(name: &str) -> Personal<String> {
        Personal::about(&id("T1"), name.into())
    }

    fn opened() -> Event {
        Event::AccountOpened {
            capsule_id: id("C1"),
            name: called("Acme"),
            owner_id: None,
        }
    }

    fn move_to(capsule: &str) -> Command {
        Command::Move {
            capsule_id: id(capsule),
        }
    }

    #[test]
    fn is_opened_once_under_a_personal_name() {
        let open = || Command::Open {
            capsule_id: id("C1"),
            name: "Acme".into(),
            owner_id: None,
        };
        given::<Account>([]).when(open()).then([opened()]);
        given::<Account>([opened()])
            .when(open())
            .then_rejected("already-exists", "");
        let stored = serde_json::to_value(opened()).unwrap();
        assert_eq!(stored["data"]["name"]["$pd"]["subject"], "T1");
    }

    #[test]
    fn moves_between_capsules() {
        let moved = || Event::AccountMoved { capsule_id: id("C2") };
        given::<Account>([opened()]).when(move_to("C2")).then([moved()]);
        given::<Account>([opened()]).when(move_to("C1")).then([]);
        given::<Account>([opened(), moved()]).when(move_to("C2")).then([]);
        given::<Account>([]).when(move_to("C2")).then_rejected("not-found", "");
    }

    #[test]
    fn is_assigned_to_one_owner() {
        let assign = || Command::Assign { owner_id: id("u1") };
        let assigned = || Event::AccountAssigned { owner_id: id("u1") };
        given::<Account>([opened()]).when(assign()).then([assigned()]);
        given::<Account>([opened(), assigned()]).when(assign()).then([]);
    }

    #[test]
    fn only_its_name_changes_once_it_is_closed() {
        let rename = |name: &str| Command::Rename { name: name.into() };
        let closed = || [opened(), Event::AccountClosed {}];
        given::<Account>([opened()])
            .when(Command::Close {})
            .then([Event::AccountClosed {}]);
        given::<Account>(closed())
            .when(Command::Close {})
            .then_rejected("account-closed", "");
        given::<Account>(closed())
            .when(move_to("C2"))
            .then_rejected("account-closed", "");
        given::<Account>(closed())
            .when(rename("Apex"))
            .then([Event::AccountRenamed { name: called("Apex") }]);
        given::<Account>([opened()]).when(rename("Acme")).then([]);
        given::<Account>([opened()])
            .when(rename(""))
            .then_rejected("blank", "/name");
    }
}
