//! The rows of capsules. They have a partition of their own, so that a page of capsules reads no account.

use crate::{EventContext, Fold, RowFold, fold::no_id};
use headwater_crm::capsule::{Capsule, Event};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A capsule as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "CAPSULE",
    pk = "TENANT#{tenant_id}#CAPSULES",
    sk = "CAPSULE#{id}"
)]
pub struct CapsuleRow {
    /// The capsule's id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// Whether it was closed.
    pub closed: bool,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl Default for CapsuleRow {
    fn default() -> Self {
        let never = Timestamp::default();
        Self {
            id: no_id(),
            name: String::new(),
            closed: false,
            created_at: never,
            updated_at: never,
        }
    }
}

impl Fold for CapsuleRow {
    type Source = Capsule;
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event.clone() {
            Event::CapsuleOpened { name } => {
                *self = Self {
                    id: at.id.clone(),
                    name,
                    closed: false,
                    created_at: at.time,
                    updated_at: at.time,
                };
            }
            Event::CapsuleRenamed { name } => self.name = name,
            Event::CapsuleClosed {} => self.closed = true,
        }
        self.updated_at = at.time;
    }
}

impl RowFold for CapsuleRow {
    fn key(id: &Id) -> RowKey {
        Self::key(id)
    }

    fn is_live(&self) -> bool {
        self.created_at > Timestamp::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::testing::{at, given, id};
    use headwater_dynamo_schema::Entity;

    #[test]
    fn folds_all_that_happens_to_a_capsule() {
        let row: CapsuleRow = given([
            Event::CapsuleOpened { name: "North".into() },
            Event::CapsuleRenamed { name: "South".into() },
            Event::CapsuleClosed {},
        ]);
        let (created_at, updated_at) = (at(1), at(3));
        assert_eq!(
            row,
            CapsuleRow {
                id: id("T1"),
                name: "South".into(),
                closed: true,
                created_at,
                updated_at
            }
        );
        assert_eq!(row.row_key().partition, CapsuleRow::all().partition());
    }
}
