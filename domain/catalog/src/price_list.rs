//! Price lists: what products and variants cost for some customers or for some time, where that is not what they usually cost.

mod command;
mod entries;
mod event;
#[cfg(test)]
mod tests;
mod upcast;

pub use command::Command;
pub use entries::{Entry, Item, MAX_ENTRIES};
pub use event::Event;

use crate::names;
use entries::Entries;
use headwater_kernel::{Aggregate, Claim, Currency, Facts, Rejection, Timestamp, Upcast, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A price list. All its prices are in its one currency, for ever. It is a draft until it is activated, and once retired nothing of it
/// changes. No two that are not retired have the same name, whatever its case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceList {
    stage: Stage,
    name: String,
    currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    entries: Entries,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    #[default]
    Absent,
    Draft,
    Active,
    Retired,
}

fn check_validity(valid_from: Option<Timestamp>, valid_until: Option<Timestamp>) -> Result<(), Rejection> {
    match (valid_from, valid_until) {
        (Some(from), Some(until)) if until <= from => {
            let detail = "a price list ends after it begins; valid_until itself is not within";
            Err(Rejection::field("ends-before-it-begins", "/valid_until", detail))
        }
        _ => Ok(()),
    }
}

impl PriceList {
    fn activate(&self, now: Timestamp) -> Result<Vec<Event>, Rejection> {
        if self.stage == Stage::Active {
            return Ok(vec![]);
        }
        if self.entries.is_empty() {
            return Err(Rejection::rule(
                "no-entries",
                "the price list has no entries; set some first",
            ));
        }
        if self.valid_until.is_some_and(|until| until <= now) {
            let detail = "the price list has ended already; change its validity first";
            return Err(Rejection::rule("ended", detail));
        }
        Ok(vec![Event::PriceListActivated {}])
    }
}

impl Aggregate for PriceList {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "price-lists";
    const STATE_VERSION: u32 = 2;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        match (self.stage, &command) {
            (Stage::Absent, Command::Create { .. }) => {}
            (Stage::Absent, _) => return Err(Rejection::not_found()),
            (_, Command::Create { .. }) => return Err(Rejection::already_exists()),
            (Stage::Retired, _) => {
                return Err(Rejection::rule("retired", "the price list was retired; create another"));
            }
            (Stage::Draft | Stage::Active, _) => {}
        }
        Ok(match command {
            Command::Create {
                name,
                currency,
                valid_from,
                valid_until,
                entries,
            } => {
                text::name(&name)?;
                check_validity(valid_from, valid_until)?;
                vec![Event::PriceListCreated {
                    name,
                    currency,
                    valid_from,
                    valid_until,
                    entries: Entries::default().changed(entries)?,
                }]
            }
            Command::Rename { name } if name == self.name => vec![],
            Command::Rename { name } => {
                text::name(&name)?;
                vec![Event::PriceListRenamed { name }]
            }
            Command::SetValidity {
                valid_from,
                valid_until,
            } => {
                check_validity(valid_from, valid_until)?;
                if (valid_from, valid_until) == (self.valid_from, self.valid_until) {
                    return Ok(vec![]);
                }
                vec![Event::PriceListValidityChanged {
                    valid_from,
                    valid_until,
                }]
            }
            Command::SetEntries { entries } => match self.entries.changed(entries)? {
                entries if entries.is_empty() => vec![],
                entries => vec![Event::PriceListEntriesSet { entries }],
            },
            Command::RemoveEntries { items } => {
                let items = self.entries.present(items)?;
                vec![Event::PriceListEntriesRemoved { items }]
            }
            Command::Activate {} => self.activate(facts.now)?,
            Command::Retire { reason } => {
                text::reason(reason.as_deref())?;
                vec![Event::PriceListRetired { reason }]
            }
        })
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::PriceListCreated {
                name,
                currency,
                valid_from,
                valid_until,
                entries,
            } => {
                *self = Self {
                    stage: Stage::Draft,
                    name,
                    currency,
                    valid_from,
                    valid_until,
                    entries: Entries::default(),
                };
                self.entries.set(entries);
            }
            Event::PriceListRenamed { name } => self.name = name,
            Event::PriceListValidityChanged {
                valid_from,
                valid_until,
            } => (self.valid_from, self.valid_until) = (valid_from, valid_until),
            Event::PriceListEntriesSet { entries } => self.entries.set(entries),
            Event::PriceListEntriesRemoved { items } => self.entries.remove(&items),
            Event::PriceListActivated {} => self.stage = Stage::Active,
            Event::PriceListRetired { .. } => self.stage = Stage::Retired,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let in_use = matches!(self.stage, Stage::Draft | Stage::Active);
        let claim = in_use.then(|| Claim {
            name: "price-list-name",
            value: names::folded(&self.name),
            pointer: "/name",
        });
        claim.into_iter().collect()
    }

    fn schema_version(event_type: &str) -> u32 {
        upcast::schema_version(event_type)
    }

    fn upcast(event_type: &str, version: u32, data: Value) -> Option<Upcast> {
        upcast::upcast(event_type, version, data)
    }
}
