//! The bounded contexts of this installation, in one list.

use headwater_kernel::AggregateRegistry;

/// Their names, as in routes and table names.
pub(crate) const NAMES: &[&str] = &[
    headwater_catalog::CONTEXT,
    headwater_crm::CONTEXT,
    headwater_orders::CONTEXT,
    headwater_billing::CONTEXT,
    headwater_analytics::CONTEXT,
];

/// Hands every aggregate of every context to `registry`.
pub(crate) fn register(registry: &mut impl AggregateRegistry) {
    headwater_catalog::register(registry);
    headwater_crm::register(registry);
    headwater_orders::register(registry);
    headwater_billing::register(registry);
    headwater_analytics::register(registry);
}
