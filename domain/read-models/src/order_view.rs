//! `order-view`: one row per order. Serves `GET /v1/orders/orders/{id}`, all orders by date, and a customer's orders by date.

use crate::{EventContext, Fold, OrderFacts, RowFold};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Personal, Timestamp};
use headwater_orders::order::{Event, Order};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "order-view";

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "orders",
    entity = "ORDER",
    pk = "TENANT#{tenant_id}",
    sk = "ORDER#{id}",
    gsi1_pk = "TENANT#{tenant_id}#CUSTOMER#{customer_id}",
    gsi1_sk = "PLACED#{placed_at}#{id}",
    gsi2_pk = "TENANT#{tenant_id}",
    gsi2_sk = "PLACED#{placed_at}#{id}"
)]
pub struct OrderRow {
    /// Its id.
    pub id: Id,
    /// Who ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Id>,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: OrderFacts,
    /// To whom it goes; the customer's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to_name: Option<Personal<String>>,
    /// Where it goes; the customer's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to_address: Option<Personal<String>>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Fold for OrderRow {
    type Source = Order;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            customer_id: None,
            facts: OrderFacts::default(),
            ship_to_name: None,
            ship_to_address: None,
            placed_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::OrderPlaced {
                customer_id,
                ship_to_name,
                ship_to_address,
                ..
            } => {
                self.customer_id = Some(customer_id.clone());
                self.ship_to_name.clone_from(ship_to_name);
                self.ship_to_address.clone_from(ship_to_address);
                self.placed_at = at.time;
            }
            Event::OrderShipToCorrected {
                ship_to_name,
                ship_to_address,
            } => {
                for (field, new) in [
                    (&mut self.ship_to_name, ship_to_name),
                    (&mut self.ship_to_address, ship_to_address),
                ] {
                    if new.is_some() {
                        field.clone_from(new);
                    }
                }
            }
            _ => {}
        }
        self.facts.apply(at.time, event);
        self.updated_at = at.time;
    }
}

impl RowFold for OrderRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
