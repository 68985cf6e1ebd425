//! `brands`: one row per brand. Serves `GET /v1/catalog/brands/{id}` and the list `GET /v1/catalog/brands`.

use crate::{EventContext, Fold, RowFold};
use headwater_catalog::brand::{Brand, Event};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "brands";

/// A brand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(table = "catalog", entity = "BRAND", pk = "TENANT#{tenant_id}", sk = "BRAND#{id}")]
pub struct BrandRow {
    /// Its id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// Where it is on the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Whether it was retired.
    pub retired: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Fold for BrandRow {
    type Source = Brand;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            name: String::new(),
            website: None,
            retired: false,
            created_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::BrandRegistered { name, website } => {
                self.name.clone_from(name);
                self.website.clone_from(website);
                self.created_at = at.time;
            }
            Event::BrandRenamed { name } => self.name.clone_from(name),
            Event::BrandRetired {} => self.retired = true,
        }
    }
}

impl RowFold for BrandRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
