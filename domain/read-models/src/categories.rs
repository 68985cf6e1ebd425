//! `categories`: one row per category. Serves `GET /v1/catalog/categories/{id}` and the list `GET /v1/catalog/categories`.

use crate::{EventContext, Fold, RowFold};
use headwater_catalog::category::{Category, Event};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "categories";

/// A category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "CATEGORY",
    pk = "TENANT#{tenant_id}",
    sk = "CATEGORY#{id}"
)]
pub struct CategoryRow {
    /// Its id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// The category it stands below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Id>,
    /// Whether it was retired.
    pub retired: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Fold for CategoryRow {
    type Source = Category;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            name: String::new(),
            parent_id: None,
            retired: false,
            created_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::CategoryDefined { name, parent_id } => {
                self.name.clone_from(name);
                self.parent_id.clone_from(parent_id);
                self.created_at = at.time;
            }
            Event::CategoryRenamed { name } => self.name.clone_from(name),
            Event::CategoryMoved { parent_id } => self.parent_id.clone_from(parent_id),
            Event::CategoryRetired {} => self.retired = true,
        }
    }
}

impl RowFold for CategoryRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
