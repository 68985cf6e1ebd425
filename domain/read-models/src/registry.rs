//! The list of projections, handed to whoever keeps or reads them: a visitor, so that each visitor has the types.

use crate::{
    DocumentFold, RowFold, RowsFold, account_tree, brands, capsules, categories, invoice_search, invoice_view, leads,
    metrics::{self, MetricFold},
    order_search, order_view, price_lists, product_search, product_view, search_settings, variants,
};

/// Receives every fold with the name of the projection that it belongs to.
pub trait ProjectionRegistry {
    /// A fold that is one row.
    fn row<F: RowFold>(&mut self, projection: &'static str);
    /// A fold that is several rows with a head of its own.
    fn rows<F: RowsFold>(&mut self, projection: &'static str);
    /// A fold that is a search document.
    fn document<F: DocumentFold>(&mut self, projection: &'static str);
    /// A fold that measures.
    fn metric<F: MetricFold>(&mut self, projection: &'static str);
}

/// All projections, a line for each source that one follows.
pub fn register(registry: &mut impl ProjectionRegistry) {
    registry.row::<product_view::ProductRow>(product_view::PROJECTION);
    registry.document::<product_search::ProductDocument>(product_search::PROJECTION);
    registry.rows::<variants::VariantsFold>(variants::PROJECTION);
    registry.row::<price_lists::PriceListRow>(price_lists::PROJECTION);
    registry.row::<categories::CategoryRow>(categories::PROJECTION);
    registry.row::<brands::BrandRow>(brands::PROJECTION);
    registry.row::<search_settings::SearchSettingsRow>(search_settings::PROJECTION);
    registry.row::<capsules::CapsuleRow>(capsules::PROJECTION);
    registry.rows::<account_tree::AccountFold>(account_tree::PROJECTION);
    registry.rows::<account_tree::OpportunityFold>(account_tree::PROJECTION);
    registry.row::<leads::LeadRow>(leads::PROJECTION);
    registry.row::<order_view::OrderRow>(order_view::PROJECTION);
    registry.document::<order_search::OrderDocument>(order_search::PROJECTION);
    registry.row::<invoice_view::InvoiceRow>(invoice_view::PROJECTION);
    registry.document::<invoice_search::InvoiceDocument>(invoice_search::PROJECTION);
    metrics::register(registry);
}
