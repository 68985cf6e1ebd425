//! `product-search`: one document per product on sale. Serves `GET /v1/search/products`.

use crate::{
    DocumentFold, EventContext, Fold, ProductFacts,
    product::take,
    search::{Field, Mapping, SearchDocument},
};
use headwater_catalog::product::{Event, Options, Product};
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
    /// Its variants on sale, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<SearchedVariant>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Set once it was taken off sale; it is not found any more then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discontinued: bool,
}

/// A variant of a product as it is searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchedVariant {
    /// Its id within the product.
    pub id: Id,
    /// The maker's part number; may repeat.
    pub sku: String,
    /// Its options by name.
    pub options: Options,
    /// Its GTINs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gtin: Vec<String>,
    /// Its own price in hundredths of the product's currency's unit; without one its product's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_cents: Option<i64>,
}

static MAPPING: Mapping = Mapping {
    kind: "products",
    // 1 had no variants; 2 did not count currencies.
    version: 3,
    fields: &[
        Field::keyword("id"),
        Field::code("sku", 1.0, 100.0).with_parts("variants", "sku"),
        Field::sortable_text("title", 3.0),
        Field::facet("brand", 1.5),
        Field::facet("category", 2.0),
        Field::text("description", 0.8),
        Field::code("gtin", 0.0, 100.0).with_parts("variants", "gtin"),
        Field::attributes("attributes", 0.2).with_parts("variants", "options"),
        Field::integer("price_cents"),
        Field::facet("currency", 0.0),
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

    // 1 had no variants.
    const VERSION: u32 = 2;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            facts: ProductFacts::default(),
            variants: Vec::new(),
            created_at: Timestamp::default(),
            discontinued: false,
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::ProductCreated { .. } => self.created_at = at.time,
            Event::ProductDiscontinued { .. } => self.discontinued = true,
            _ => self.apply_to_variants(event),
        }
        self.facts.apply(event);
    }
}

impl ProductDocument {
    fn apply_to_variants(&mut self, event: &Event) {
        let find = |variants: &[SearchedVariant], id: &Id| variants.binary_search_by(|variant| variant.id.cmp(id));
        match event {
            Event::ProductVariantAdded {
                variant_id,
                sku,
                options,
                gtin,
                price_cents,
                currency: _,
            } => {
                let added = SearchedVariant {
                    id: variant_id.clone(),
                    sku: sku.clone(),
                    options: options.clone(),
                    gtin: gtin.clone(),
                    price_cents: *price_cents,
                };
                let at = find(&self.variants, variant_id).unwrap_or_else(|at| at);
                self.variants.insert(at, added);
            }
            Event::ProductVariantChanged {
                variant_id,
                sku,
                options,
                gtin,
                price_cents,
                currency: _,
            } => {
                if let Ok(at) = find(&self.variants, variant_id) {
                    let variant = &mut self.variants[at];
                    take(&mut variant.sku, sku);
                    take(&mut variant.options, options);
                    take(&mut variant.gtin, gtin);
                    take(&mut variant.price_cents, price_cents);
                }
            }
            Event::ProductVariantDiscontinued { variant_id, .. } => {
                if let Ok(at) = find(&self.variants, variant_id) {
                    self.variants.remove(at);
                }
            }
            _ => {}
        }
    }
}

impl DocumentFold for ProductDocument {
    fn is_live(&self) -> bool {
        !self.discontinued
    }
}
