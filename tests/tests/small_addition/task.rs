//! Tasks: something to be done.

use headwater_kernel::{Aggregate, Facts, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    opened: bool,
    completed: bool,
}

/// What can be asked of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Opens a task.
    Open {
        /// What is to be done. Not personal: name no person.
        #[schemars(length(min = 1, max = 200))]
        title: String,
    },
    /// Completes a task.
    Complete {},
}

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A task was opened.
    TaskOpened {
        /// What is to be done.
        title: String,
    },
    /// A task was completed.
    TaskCompleted {},
}

impl Aggregate for Task {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "tasks";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Open { .. } if self.opened => Err(Rejection::already_exists()),
            Command::Open { title } => {
                text::line("/title", &title, text::MAX_NAME)?;
                Ok(vec![Event::TaskOpened { title }])
            }
            Command::Complete {} if !self.opened => Err(Rejection::not_found()),
            Command::Complete {} if self.completed => Ok(vec![]),
            Command::Complete {} => Ok(vec![Event::TaskCompleted {}]),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::TaskOpened { .. } => self.opened = true,
            Event::TaskCompleted {} => self.completed = true,
        }
    }
}
