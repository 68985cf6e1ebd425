//! What is read: views, lists and search documents, each with its fold. Projectors keep them, the query service reads them; both take
//! the list from [`register`], so a new projection is one file here and one line there.

pub mod account_tree;
pub mod brands;
pub mod capsules;
pub mod categories;
mod fold;
mod invoice;
pub mod invoice_search;
pub mod invoice_view;
pub mod leads;
pub mod metrics;
mod order;
pub mod order_search;
pub mod order_view;
pub mod price_lists;
mod product;
pub mod product_search;
pub mod product_view;
mod registry;
mod row_kind;
pub mod search;
pub mod search_settings;
#[cfg(test)]
mod tests;
pub mod variants;

pub use fold::{DocumentFold, EventContext, Fold, RowFold, RowsFold};
pub use invoice::{CreditNote, InvoiceFacts, InvoiceStatus, LineItem, Payment, Refund};
pub use order::{OrderFacts, OrderLine, OrderStatus, Shipment, ShippedLine};
pub use product::ProductFacts;
pub use registry::{ProjectionRegistry, register};
pub use row_kind::RowKind;
