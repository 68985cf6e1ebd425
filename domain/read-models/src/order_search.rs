//! `order-search`: one document per order, without a word of to whom it goes. Serves `GET /v1/search/orders`: what were five indexes (status,
//! customer, date, fulfilment centre, tracking number) are filters of one query.

use crate::{
    DocumentFold, EventContext, Fold, OrderFacts,
    search::{Field, Mapping, SearchDocument},
};
use headwater_kernel::{Id, Timestamp};
use headwater_orders::order::{Event, Order};
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "order-search";

/// An order as it is searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderDocument {
    /// Its id.
    pub id: Id,
    /// Who ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Id>,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: OrderFacts,
    /// The tracking numbers of its shipments.
    pub tracking_number: Vec<String>,
    /// The SKUs of its lines.
    pub sku: Vec<String>,
    /// What its lines are called, a line of text each.
    pub title: String,
    /// The products of its lines.
    pub product_id: Vec<Id>,
    /// When it was placed.
    pub placed_at: Timestamp,
}

static MAPPING: Mapping = Mapping {
    kind: "orders",
    version: 1,
    fields: &[
        Field::code("id", 1.0, 100.0),
        Field::keyword("customer_id"),
        Field::facet("status", 0.0),
        Field::facet("fulfilment_centre", 0.0),
        Field::facet("currency", 0.0),
        Field::code("tracking_number", 1.0, 100.0),
        Field::code("sku", 1.0, 50.0),
        Field::text("title", 1.0),
        Field::keyword("product_id"),
        Field::integer("total_cents"),
        Field::time("placed_at"),
    ],
};

impl SearchDocument for OrderDocument {
    const KIND: &'static str = "orders";

    fn mapping() -> &'static Mapping {
        &MAPPING
    }
}

impl Fold for OrderDocument {
    type Source = Order;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            customer_id: None,
            facts: OrderFacts::default(),
            tracking_number: Vec::new(),
            sku: Vec::new(),
            title: String::new(),
            product_id: Vec::new(),
            placed_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        if let Event::OrderPlaced { customer_id, .. } = event {
            self.customer_id = Some(customer_id.clone());
            self.placed_at = at.time;
        }
        self.facts.apply(at.time, event);
        let OrderFacts { lines, shipments, .. } = &self.facts;
        self.tracking_number = shipments.iter().map(|of| of.tracking_number.clone()).collect();
        self.sku = lines.iter().map(|line| line.sku.clone()).collect();
        self.title = lines
            .iter()
            .map(|line| line.title.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        self.product_id = lines.iter().map(|line| line.product_id.clone()).collect();
    }
}

impl DocumentFold for OrderDocument {
    /// Cancelled ones too: those who look after customers ask for them.
    fn is_live(&self) -> bool {
        true
    }
}
