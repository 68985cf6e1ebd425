//! Leads: people who may become customers.

mod event;
#[cfg(test)]
mod tests;

pub use event::Event;

use crate::contact;
use headwater_kernel::{Aggregate, Facts, Id, Personal, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A lead. Name, e-mail and phone are about the person, whose data the lead is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    stage: Stage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Personal<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Personal<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<Personal<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<Id>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    #[default]
    Absent,
    Captured,
    Qualified,
    Disqualified,
}

/// What can be asked of a lead. No `Debug`: it carries personal data as it came.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Captures a lead.
    Capture {
        /// The person's name. Personal data.
        #[schemars(length(min = 1, max = 200))]
        name: String,
        /// The person's e-mail address. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 254))]
        email: Option<String>,
        /// The person's phone number. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 50))]
        phone: Option<String>,
        /// The company the person is with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        company: Option<String>,
        /// Where the lead came from: `web`, `fair`, …
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 100))]
        source: Option<String>,
        /// Who looks after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_id: Option<Id>,
    },
    /// Hands a lead to somebody.
    Assign {
        /// Who looks after it from now on.
        owner_id: Id,
    },
    /// Records that a lead is worth pursuing.
    Qualify {},
    /// Records that a lead is not, or no longer, worth pursuing.
    Disqualify {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
    /// Corrects what is known of the person, whatever became of the lead. What is left out stays; `null` removes what may be absent.
    Correct {
        /// The person's name. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        name: Option<String>,
        /// The person's e-mail address. Personal data.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 254))]
        email: Option<Option<String>>,
        /// The person's phone number. Personal data.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 50))]
        phone: Option<Option<String>>,
        /// The company the person is with.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        company: Option<Option<String>>,
    },
}

/// Tells a member that is `null` from one that is left out, for which the default stands.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn check(email: Option<&str>, phone: Option<&str>, company: Option<&str>) -> Result<(), Rejection> {
    email.map_or(Ok(()), contact::email)?;
    phone.map_or(Ok(()), contact::phone)?;
    company.map_or(Ok(()), |company| text::line("/company", company, text::MAX_NAME))
}

/// What of `new` differs from `old`, as personal data of the lead.
fn changed(
    new: Option<Option<String>>,
    old: Option<&Personal<String>>,
    subject: &Id,
) -> Option<Option<Personal<String>>> {
    let new = new?.map(|value| Personal::about(subject, value));
    (new.as_ref() != old).then_some(new)
}

impl Lead {
    fn correct(
        &self,
        name: Option<String>,
        email: Option<Option<String>>,
        phone: Option<Option<String>>,
        company: Option<Option<String>>,
        subject: &Id,
    ) -> Result<Vec<Event>, Rejection> {
        name.as_deref().map_or(Ok(()), text::name)?;
        check(
            email.as_ref().and_then(Option::as_deref),
            phone.as_ref().and_then(Option::as_deref),
            company.as_ref().and_then(Option::as_deref),
        )?;
        let name = changed(name.map(Some), self.name.as_ref(), subject).flatten();
        let email = changed(email, self.email.as_ref(), subject);
        let phone = changed(phone, self.phone.as_ref(), subject);
        let company = company.filter(|company| *company != self.company);
        let any = name.is_some() || email.is_some() || phone.is_some() || company.is_some();
        Ok(if any {
            vec![Event::LeadCorrected {
                name,
                email,
                phone,
                company,
            }]
        } else {
            vec![]
        })
    }
}

impl Aggregate for Lead {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "leads";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        match (self.stage, &command) {
            (Stage::Absent, Command::Capture { .. }) => {}
            (Stage::Absent, _) => return Err(Rejection::not_found()),
            (_, Command::Capture { .. }) => return Err(Rejection::already_exists()),
            // What is stored about a person must stay correctable.
            (_, Command::Correct { .. }) | (Stage::Captured | Stage::Qualified, _) => {}
            (Stage::Disqualified, _) => {
                return Err(Rejection::rule(
                    "lead-disqualified",
                    "the lead was disqualified; capture another",
                ));
            }
        }
        match command {
            Command::Capture {
                name,
                email,
                phone,
                company,
                source,
                owner_id,
            } => {
                text::name(&name)?;
                check(email.as_deref(), phone.as_deref(), company.as_deref())?;
                source
                    .as_deref()
                    .map_or(Ok(()), |source| text::line("/source", source, 100))?;
                let personal = |value| Personal::about(&facts.id, value);
                Ok(vec![Event::LeadCaptured {
                    name: personal(name),
                    email: email.map(personal),
                    phone: phone.map(personal),
                    company,
                    source,
                    owner_id,
                }])
            }
            Command::Assign { owner_id } if self.owner_id.as_ref() == Some(&owner_id) => Ok(vec![]),
            Command::Assign { owner_id } => Ok(vec![Event::LeadAssigned { owner_id }]),
            Command::Qualify {} if self.stage == Stage::Qualified => Ok(vec![]),
            Command::Qualify {} => Ok(vec![Event::LeadQualified {}]),
            Command::Disqualify { reason } => {
                text::reason(reason.as_deref())?;
                Ok(vec![Event::LeadDisqualified { reason }])
            }
            Command::Correct {
                name,
                email,
                phone,
                company,
            } => self.correct(name, email, phone, company, &facts.id),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::LeadCaptured {
                name,
                email,
                phone,
                company,
                source: _,
                owner_id,
            } => {
                *self = Self {
                    stage: Stage::Captured,
                    name: Some(name),
                    email,
                    phone,
                    company,
                    owner_id,
                };
            }
            Event::LeadAssigned { owner_id } => self.owner_id = Some(owner_id),
            Event::LeadQualified {} => self.stage = Stage::Qualified,
            Event::LeadDisqualified { .. } => self.stage = Stage::Disqualified,
            Event::LeadCorrected {
                name,
                email,
                phone,
                company,
            } => {
                self.name = name.or_else(|| self.name.take());
                self.email = email.unwrap_or_else(|| self.email.take());
                self.phone = phone.unwrap_or_else(|| self.phone.take());
                self.company = company.unwrap_or_else(|| self.company.take());
            }
        }
    }
}
