//! `product-view`: one row per product. Serves `GET /v1/catalog/products/{id}` and the list `GET /v1/catalog/products`.

use crate::{EventContext, Fold, ProductFacts, RowFold};
use headwater_catalog::product::{Event, Product};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "product-view";

/// A product, also one that was discontinued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "catalog",
    entity = "PRODUCT",
    pk = "TENANT#{tenant_id}",
    sk = "PRODUCT#{id}"
)]
pub struct ProductRow {
    /// Its id.
    pub id: Id,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: ProductFacts,
    /// Whether it was taken off sale for good.
    pub discontinued: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Fold for ProductRow {
    type Source = Product;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            facts: ProductFacts::default(),
            discontinued: false,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::ProductCreated { .. } => self.created_at = at.time,
            Event::ProductDiscontinued { .. } => self.discontinued = true,
            _ => {}
        }
        self.facts.apply(event);
        self.updated_at = at.time;
    }
}

impl RowFold for ProductRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
