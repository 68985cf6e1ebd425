//! The series that are derived from events. Meters are series besides, named by their callers.

/// A series that Headwater derives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series {
    /// Its name: a context and what is measured. Callers cannot record under such a name.
    pub name: &'static str,
    /// What its values are.
    pub unit: &'static str,
    /// What is measured.
    pub description: &'static str,
    /// What it is measured by; every point has all of them.
    pub dimensions: &'static [&'static str],
}

pub(super) const COMMANDS: Series = Series {
    name: "platform.commands",
    unit: "commands",
    description: "Commands that changed something",
    dimensions: &["context", "aggregate"],
};

pub(super) const ORDERS_PLACED: Series = Series {
    name: "orders.placed",
    unit: "orders",
    description: "Orders that were placed",
    dimensions: &["currency"],
};

pub(super) const REVENUE: Series = Series {
    name: "orders.revenue",
    unit: "cents",
    description: "What was ordered, less what was taken out, cancelled or returned, each when it happened",
    dimensions: &["currency"],
};

pub(super) const INVOICED: Series = Series {
    name: "billing.invoiced",
    unit: "cents",
    description: "What was invoiced, tax included, less what was credited or voided, each when it happened",
    dimensions: &["currency"],
};

pub(super) const PAID: Series = Series {
    name: "billing.paid",
    unit: "cents",
    description: "Payments less refunds, each when it was recorded",
    dimensions: &["currency"],
};

pub(super) const PIPELINE: Series = Series {
    name: "crm.pipeline-value",
    unit: "cents",
    description: "By how much the expected value of the opportunities in a stage (open, won, lost) changed; the sum up to a time is what they \
                  were worth then",
    dimensions: &["stage", "currency"],
};

pub(super) const PRICE_CHANGES: Series = Series {
    name: "catalog.price-changes",
    unit: "changes",
    description: "Changes of products' prices",
    dimensions: &["currency"],
};

/// All of them.
pub const SERIES: &[Series] = &[
    INVOICED,
    PAID,
    PRICE_CHANGES,
    PIPELINE,
    ORDERS_PLACED,
    REVENUE,
    COMMANDS,
];

/// The derived series of a name.
pub fn derived(name: &str) -> Option<&'static Series> {
    SERIES.iter().find(|series| series.name == name)
}
