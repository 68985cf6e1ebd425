//! A second context: notes, which can be written.

use headwater_kernel::{Aggregate, Facts, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) const NOTES: &str = "notes";

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    lines: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NoteCommand {
    /// Adds a line.
    Write {},
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub(crate) enum NoteEvent {
    /// A line was added.
    LineWritten {},
}

impl Aggregate for Note {
    const CONTEXT: &'static str = NOTES;
    const NAME: &'static str = "notes";
    type Command = NoteCommand;
    type Event = NoteEvent;

    fn decide(&self, NoteCommand::Write {}: NoteCommand, _: &Facts) -> Result<Vec<NoteEvent>, Rejection> {
        Ok(vec![NoteEvent::LineWritten {}])
    }

    fn apply(&mut self, _: &NoteEvent) {
        self.lines += 1;
    }
}
