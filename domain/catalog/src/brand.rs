//! Brands: the names that products are sold as.

use crate::names;
use headwater_kernel::{Aggregate, Claim, Facts, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A brand. No two that are in use have the same name, whatever its case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    name: Option<String>,
    retired: bool,
}

/// What can be asked of a brand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Registers a brand.
    Register {
        /// Its name, unique among the brands in use without regard to case.
        #[schemars(length(min = 1, max = 200))]
        name: String,
        /// Where its maker is found on the web.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 2000))]
        website: Option<String>,
    },
    /// Gives a brand another name.
    Rename {
        /// Its new name, unique among the brands in use without regard to case.
        #[schemars(length(min = 1, max = 200))]
        name: String,
    },
    /// Takes a brand out of use and sets its name free.
    Retire {},
}

/// What can happen to a brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A brand was registered.
    BrandRegistered {
        /// Its name.
        name: String,
        /// Where its maker is found on the web.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        website: Option<String>,
    },
    /// A brand got another name.
    BrandRenamed {
        /// Its new name.
        name: String,
    },
    /// A brand was taken out of use.
    BrandRetired {},
}

impl Aggregate for Brand {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "brands";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        if let Command::Register { name, website } = command {
            if self.name.is_some() {
                return Err(Rejection::already_exists());
            }
            text::name(&name)?;
            if let Some(website) = &website {
                text::line("/website", website, 2_000)?;
            }
            return Ok(vec![Event::BrandRegistered { name, website }]);
        }
        let current = self.name.as_ref().ok_or_else(Rejection::not_found)?;
        if self.retired {
            return Err(Rejection::rule("retired", "the brand was retired; register another"));
        }
        Ok(match command {
            Command::Rename { name } if name == *current => vec![],
            Command::Rename { name } => {
                text::name(&name)?;
                vec![Event::BrandRenamed { name }]
            }
            Command::Retire {} | Command::Register { .. } => vec![Event::BrandRetired {}],
        })
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::BrandRegistered { name, .. } | Event::BrandRenamed { name } => self.name = Some(name.clone()),
            Event::BrandRetired {} => self.retired = true,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let name = self.name.as_ref().filter(|_| !self.retired);
        name.map(|name| Claim {
            name: "brand-name",
            value: names::folded(name),
            pointer: "/name",
        })
        .into_iter()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_kernel::testing::given;

    fn registered() -> Event {
        Event::BrandRegistered {
            name: "Xerox".into(),
            website: None,
        }
    }

    fn rename(name: &str) -> Command {
        Command::Rename { name: name.into() }
    }

    #[test]
    fn is_registered_once() {
        let register = || Command::Register {
            name: "Xerox".into(),
            website: None,
        };
        let brand = given::<Brand>([]).when(register()).then([registered()]);
        assert_eq!(
            brand.claims(),
            [Claim {
                name: "brand-name",
                value: "xerox".into(),
                pointer: "/name"
            }]
        );
        given::<Brand>([registered()])
            .when(register())
            .then_rejected("already-exists", "");
        given::<Brand>([])
            .when(Command::Register {
                name: " ".into(),
                website: None,
            })
            .then_rejected("blank", "/name");
    }

    #[test]
    fn is_renamed_only_to_another_name() {
        given::<Brand>([registered()])
            .when(rename("XEROX"))
            .then([Event::BrandRenamed { name: "XEROX".into() }]);
        given::<Brand>([registered()]).when(rename("Xerox")).then([]);
        given::<Brand>([]).when(rename("Xerox")).then_rejected("not-found", "");
    }

    #[test]
    fn sets_its_name_free_when_it_is_retired() {
        let brand = given::<Brand>([registered()])
            .when(Command::Retire {})
            .then([Event::BrandRetired {}]);
        assert_eq!(brand.claims(), []);
        given::<Brand>([registered(), Event::BrandRetired {}])
            .when(rename("X"))
            .then_rejected("retired", "");
    }
}
