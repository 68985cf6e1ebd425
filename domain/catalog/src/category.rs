//! Categories: the shelves of the catalog, one below another.

use crate::names;
use headwater_kernel::{Aggregate, Claim, Facts, Id, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A category. No two that are in use have the same name, whatever its case.
///
/// It knows its parent and no further ancestor, so a loop over several categories is not seen here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_id: Option<Id>,
    retired: bool,
}

/// What can be asked of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Defines a category.
    Define {
        /// Its name, unique among the categories in use without regard to case.
        #[schemars(length(min = 1, max = 200))]
        name: String,
        /// The category it stands below; at the top without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<Id>,
    },
    /// Gives a category another name.
    Rename {
        /// Its new name, unique among the categories in use without regard to case.
        #[schemars(length(min = 1, max = 200))]
        name: String,
    },
    /// Puts a category below another one.
    Move {
        /// The category it will stand below; at the top without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<Id>,
    },
    /// Takes a category out of use and sets its name free.
    Retire {},
}

/// What can happen to a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A category was defined.
    CategoryDefined {
        /// Its name.
        name: String,
        /// The category it stands below.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<Id>,
    },
    /// A category got another name.
    CategoryRenamed {
        /// Its new name.
        name: String,
    },
    /// A category was put below another one, or at the top.
    CategoryMoved {
        /// The category it stands below now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<Id>,
    },
    /// A category was taken out of use.
    CategoryRetired {},
}

fn not_itself(parent_id: Option<&Id>, facts: &Facts) -> Result<(), Rejection> {
    if parent_id == Some(&facts.id) {
        return Err(Rejection::field(
            "own-parent",
            "/parent_id",
            "a category cannot stand below itself; choose another",
        ));
    }
    Ok(())
}

impl Aggregate for Category {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "categories";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        if let Command::Define { name, parent_id } = command {
            if self.name.is_some() {
                return Err(Rejection::already_exists());
            }
            text::name(&name)?;
            not_itself(parent_id.as_ref(), facts)?;
            return Ok(vec![Event::CategoryDefined { name, parent_id }]);
        }
        let current = self.name.as_ref().ok_or_else(Rejection::not_found)?;
        if self.retired {
            return Err(Rejection::rule("retired", "the category was retired; define another"));
        }
        Ok(match command {
            Command::Rename { name } if name == *current => vec![],
            Command::Rename { name } => {
                text::name(&name)?;
                vec![Event::CategoryRenamed { name }]
            }
            Command::Move { parent_id } if parent_id == self.parent_id => vec![],
            Command::Move { parent_id } => {
                not_itself(parent_id.as_ref(), facts)?;
                vec![Event::CategoryMoved { parent_id }]
            }
            Command::Retire {} | Command::Define { .. } => vec![Event::CategoryRetired {}],
        })
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::CategoryDefined { name, parent_id } => {
                self.name = Some(name.clone());
                self.parent_id.clone_from(parent_id);
            }
            Event::CategoryRenamed { name } => self.name = Some(name.clone()),
            Event::CategoryMoved { parent_id } => self.parent_id.clone_from(parent_id),
            Event::CategoryRetired {} => self.retired = true,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let name = self.name.as_ref().filter(|_| !self.retired);
        name.map(|name| Claim {
            name: "category-name",
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

    fn defined() -> Event {
        Event::CategoryDefined {
            name: "Toner".into(),
            parent_id: None,
        }
    }

    fn below(id: &str) -> Option<Id> {
        Some(Id::new(id).unwrap())
    }

    #[test]
    fn is_defined_once() {
        let define = |parent_id| Command::Define {
            name: "Toner".into(),
            parent_id,
        };
        let category = given::<Category>([]).when(define(None)).then([defined()]);
        assert_eq!(category.claims()[0].value, "toner");
        given::<Category>([defined()])
            .when(define(None))
            .then_rejected("already-exists", "");
        given::<Category>([])
            .when(define(below("T1")))
            .then_rejected("own-parent", "/parent_id");
    }

    #[test]
    fn moves_below_any_other() {
        let moved = |parent_id| Event::CategoryMoved { parent_id };
        let to = |parent_id| Command::Move { parent_id };
        given::<Category>([defined()])
            .when(to(below("C2")))
            .then([moved(below("C2"))]);
        given::<Category>([defined(), moved(below("C2"))])
            .when(to(below("C2")))
            .then([]);
        given::<Category>([defined(), moved(below("C2"))])
            .when(to(None))
            .then([moved(None)]);
        given::<Category>([defined()])
            .when(to(below("T1")))
            .then_rejected("own-parent", "/parent_id");
        given::<Category>([]).when(to(None)).then_rejected("not-found", "");
    }

    #[test]
    fn is_renamed_and_retired() {
        let rename = |name: &str| Command::Rename { name: name.into() };
        given::<Category>([defined()])
            .when(rename("Toners"))
            .then([Event::CategoryRenamed { name: "Toners".into() }]);
        given::<Category>([defined()]).when(rename("Toner")).then([]);
        let category = given::<Category>([defined()])
            .when(Command::Retire {})
            .then([Event::CategoryRetired {}]);
        assert_eq!(category.claims(), []);
        given::<Category>([defined(), Event::CategoryRetired {}])
            .when(Command::Retire {})
            .then_rejected("retired", "");
    }
}
