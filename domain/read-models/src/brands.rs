//! `brands`: one row per brand.
//!
//! Serves `GET /catalog/brands/{id}` by [`BrandRow::key`] and `GET /catalog/brands` by [`BrandRow::all`], in the order of ids. A retired
//! brand stays, marked.

use crate::{EventContext, Fold, RowFold, fold::no_id};
use headwater_catalog::brand::{Brand, Event};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A brand as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(table = "catalog", entity = "BRAND", pk = "TENANT#{tenant_id}", sk = "BRAND#{id}")]
pub struct BrandRow {
    /// The brand's id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Where its maker is found on the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Whether it was taken out of use.
    pub retired: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl Default for BrandRow {
    fn default() -> Self {
        let never = Timestamp::default();
        Self {
            id: no_id(),
            name: String::new(),
            website: None,
            retired: false,
            created_at: never,
            updated_at: never,
        }
    }
}

impl Fold for BrandRow {
    type Source = Brand;
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event.clone() {
            Event::BrandRegistered { name, website } => {
                *self = Self {
                    id: at.id.clone(),
                    name,
                    website,
                    retired: false,
                    created_at: at.time,
                    updated_at: at.time,
                };
            }
            Event::BrandRenamed { name } => self.name = name,
            Event::BrandRetired {} => self.retired = true,
        }
        self.updated_at = at.time;
    }
}

impl RowFold for BrandRow {
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
    fn folds_all_that_happens_to_a_brand() {
        let row: BrandRow = given([
            Event::BrandRegistered {
                name: "Xerox".into(),
                website: Some("xerox.com".into()),
            },
            Event::BrandRenamed { name: "XEROX".into() },
            Event::BrandRetired {},
        ]);
        let (created_at, updated_at) = (at(1), at(3));
        let website = Some("xerox.com".into());
        assert_eq!(
            row,
            BrandRow {
                id: id("T1"),
                name: "XEROX".into(),
                website,
                retired: true,
                created_at,
                updated_at
            }
        );
        assert!(row.is_live());
        assert_eq!(row.row_key().sort, "BRAND#T1");
    }
}
