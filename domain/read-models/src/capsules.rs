//! `capsules`: one row per capsule. Serves `GET /v1/crm/capsules/{id}` and the list `GET /v1/crm/capsules`.

use crate::{EventContext, Fold, RowFold};
use headwater_crm::capsule::{Capsule, Event};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "capsules";

/// A capsule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(table = "crm", entity = "CAPSULE", pk = "TENANT#{tenant_id}", sk = "CAPSULE#{id}")]
pub struct CapsuleRow {
    /// Its id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// Whether it was closed.
    pub closed: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Fold for CapsuleRow {
    type Source = Capsule;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            name: String::new(),
            closed: false,
            created_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::CapsuleOpened { name } => {
                self.name.clone_from(name);
                self.created_at = at.time;
            }
            Event::CapsuleRenamed { name } => self.name.clone_from(name),
            Event::CapsuleClosed {} => self.closed = true,
        }
    }
}

impl RowFold for CapsuleRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
