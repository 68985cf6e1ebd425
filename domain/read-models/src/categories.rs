//! `categories`: one row per category.
//!
//! Serves `GET /catalog/categories/{id}` by [`CategoryRow::key`] and `GET /catalog/categories` by [`CategoryRow::all`], in the order of
//! ids. A retired category stays, marked.

use crate::{EventContext, Fold, RowFold, fold::no_id};
use headwater_catalog::category::{Category, Event};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A category as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "CATEGORY",
    pk = "TENANT#{tenant_id}",
    sk = "CATEGORY#{id}"
)]
pub struct CategoryRow {
    /// The category's id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The category it stands below; at the top without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Id>,
    /// Whether it was taken out of use.
    pub retired: bool,
    /// When it was defined.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl Default for CategoryRow {
    fn default() -> Self {
        let never = Timestamp::default();
        Self {
            id: no_id(),
            name: String::new(),
            parent_id: None,
            retired: false,
            created_at: never,
            updated_at: never,
        }
    }
}

impl Fold for CategoryRow {
    type Source = Category;
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event.clone() {
            Event::CategoryDefined { name, parent_id } => {
                *self = Self {
                    id: at.id.clone(),
                    name,
                    parent_id,
                    retired: false,
                    created_at: at.time,
                    updated_at: at.time,
                };
            }
            Event::CategoryRenamed { name } => self.name = name,
            Event::CategoryMoved { parent_id } => self.parent_id = parent_id,
            Event::CategoryRetired {} => self.retired = true,
        }
        self.updated_at = at.time;
    }
}

impl RowFold for CategoryRow {
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
    fn folds_all_that_happens_to_a_category() {
        let row: CategoryRow = given([
            Event::CategoryDefined {
                name: "Toner".into(),
                parent_id: None,
            },
            Event::CategoryRenamed { name: "Toners".into() },
            Event::CategoryMoved {
                parent_id: Some(id("C2")),
            },
            Event::CategoryRetired {},
        ]);
        let (created_at, updated_at) = (at(1), at(4));
        let parent_id = Some(id("C2"));
        assert_eq!(
            row,
            CategoryRow {
                id: id("T1"),
                name: "Toners".into(),
                parent_id,
                retired: true,
                created_at,
                updated_at
            }
        );
        assert!(row.is_live());
        assert_eq!(row.row_key().sort, "CATEGORY#T1");
    }
}
