//! `product-search`: one document per product that is on sale.
//!
//! Serves `GET /search/products`: words in title, brand, category, SKU, description and attributes, GTINs and SKUs as they stand, ranges
//! of price, filters on any attribute. A discontinued product leaves it.

use crate::{
    DocumentFold, EventContext, Fold,
    fold::no_id,
    product_view::ProductDetails,
    search::{Field, Mapping, SearchDocument},
};
use headwater_catalog::product::{Event, Product};
use headwater_kernel::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product as it is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProductDocument {
    /// The product's id.
    pub id: Id,
    /// What is known of it.
    #[serde(flatten)]
    pub details: ProductDetails,
}

impl Default for ProductDocument {
    fn default() -> Self {
        Self {
            id: no_id(),
            details: ProductDetails::default(),
        }
    }
}

/// The weights are those with which the bench of the search crate measures relevance.
static MAPPING: Mapping = Mapping {
    kind: ProductDocument::KIND,
    version: 1,
    fields: &[
        Field::code("sku", 1.0, 100.0),
        Field::sortable_text("title", 3.0),
        Field::facet("brand", 1.5),
        Field::facet("category", 2.0),
        Field::text("description", 0.8),
        Field::code("gtin", 0.0, 100.0),
        Field::integer("price_cents"),
        Field::keyword("currency"),
        Field::time("released_at"),
        Field::time("created_at"),
        Field::attributes("attributes", 0.2),
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
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        self.id = at.id.clone();
        self.details.apply(at, event);
    }
}

impl DocumentFold for ProductDocument {
    fn is_live(&self) -> bool {
        self.details.exists() && !self.details.discontinued
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::testing::given,
        product_view::tests::{created, event},
    };
    use serde_json::json;

    #[test]
    fn every_mapped_field_is_one_of_the_document() {
        let everything = event(
            "ProductRevised",
            json!({ "category": "Toner", "released_at": "2009-12-10T00:00:00Z" }),
        );
        let document = serde_json::to_value(given::<ProductDocument>([created(), everything])).unwrap();
        for field in MAPPING.fields {
            assert!(
                document.get(field.name).is_some(),
                "{} is not in {document}",
                field.name
            );
        }
        assert_eq!(document["id"], "T1");
    }

    #[test]
    fn a_discontinued_product_leaves_search() {
        assert!(given::<ProductDocument>([created()]).is_live());
        let discontinued = event("ProductDiscontinued", json!({}));
        assert!(!given::<ProductDocument>([created(), discontinued]).is_live());
    }
}
