//! `tasks`: one row per task. Serves `GET /v1/crm/tasks/{id}`.

use crate::{EventContext, Fold, RowFold};
use headwater_crm::task::{Event, Task};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "tasks";

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(table = "crm", entity = "TASK", pk = "TENANT#{tenant_id}", sk = "TASK#{id}")]
pub struct TaskRow {
    /// Its id.
    pub id: Id,
    /// What is to be done.
    pub title: String,
    /// Whether it was done.
    pub completed: bool,
}

impl Fold for TaskRow {
    type Source = Task;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            title: String::new(),
            completed: false,
        }
    }

    fn apply(&mut self, _: &EventContext<'_>, event: &Event) {
        match event {
            Event::TaskOpened { title } => self.title.clone_from(title),
            Event::TaskCompleted {} => self.completed = true,
        }
    }
}

impl RowFold for TaskRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
