//! `product-search`: one document per product on sale. Serves `GET /v1/search/products`.

use crate::{
    DocumentFold, EventContext, Fold, ProductFacts,
    search::{Field, Mapping, SearchDocument},
};
use headwater_catalog::product::{Event, Product};
use headwater_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "product-search";

/// A product as it is searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductDocument {
    /// Its id.
    pub id: Id,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: ProductFacts,
    /// When it was created.
    pub created_at: Timestamp,
    /// Set once it was taken off sale; it is not found any more then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discontinued: bool,
}

static MAPPING: Mapping = Mapping {
    kind: "products",
    version: 1,
    fields: &[
        Field::keyword("id"),
        Field::code("sku", 1.0, 100.0),
        Field::sortable_text("title", 3.0),
        Field::facet("brand", 1.5),
        Field::facet("category", 2.0),
        Field::text("description", 0.8),
        Field::code("gtin", 0.0, 100.0),
        Field::attributes("attributes", 0.2),
        Field::integer("price_cents"),
        Field::keyword("currency"),
        Field::time("released_at"),
        Field::time("created_at"),
    ],
};

impl SearchDocument for ProductDocument {
    const KIND: &'static str = "products";

    fn mapping() -> &'static Mapping {
        &MAPPING
    }
}

impl Fold for ProductDocument {
    type Source = Product;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            facts: ProductFacts::default(),
            created_at: Timestamp::default(),
            discontinued: false,
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::ProductCreated { .. } => self.created_at = at.time,
            Event::ProductDiscontinued { .. } => self.discontinued = true,
            _ => {}
        }
        self.facts.apply(event);
    }
}

impl DocumentFold for ProductDocument {
    fn is_live(&self) -> bool {
        !self.discontinued
    }
}
