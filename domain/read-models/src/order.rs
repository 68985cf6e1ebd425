//! What every read model of an order says of it, but for who placed it and when, which are parts of keys, and to whom it goes, which is the
//! view's alone.

use headwater_kernel::{Currency, Id, Timestamp};
use headwater_orders::order::{Event, Line};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far an order has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// Placed, and not confirmed yet.
    #[default]
    Placed,
    /// Confirmed, and nothing of it was shipped.
    Confirmed,
    /// A part of it was shipped.
    PartlyShipped,
    /// All of it was shipped.
    Shipped,
    /// All of it has arrived.
    Delivered,
    /// Cancelled.
    Cancelled,
}

impl OrderStatus {
    /// All of them, as they are written.
    pub const NAMES: &[&str] = &[
        "placed",
        "confirmed",
        "partly-shipped",
        "shipped",
        "delivered",
        "cancelled",
    ];
}

/// An order as it is now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderFacts {
    /// How far it has come.
    pub status: OrderStatus,
    /// The fulfilment centre that it, or what is left of it, comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilment_centre: Option<Id>,
    /// The currency of all its prices.
    pub currency: Currency,
    /// The sum of all lines, in hundredths of the currency's unit.
    pub total_cents: i64,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What was shipped, in order.
    pub shipments: Vec<Shipment>,
}

/// A line of an order, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// Its id within the order.
    pub line_id: Id,
    /// The product.
    pub product_id: Id,
    /// The variant of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<Id>,
    /// Its SKU when it was ordered.
    pub sku: String,
    /// What it was called when it was ordered.
    pub title: String,
    /// How many were ordered.
    pub quantity: u32,
    /// The price of one, in hundredths of the order's currency.
    pub unit_price_cents: i64,
    /// How many were shipped.
    pub shipped: u32,
    /// How many of those came back.
    pub returned: u32,
}

/// A part of an order that was handed to a carrier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shipment {
    /// Its id within the order.
    pub shipment_id: Id,
    /// The fulfilment centre that it came from.
    pub fulfilment_centre: Id,
    /// Who carries it.
    pub carrier: String,
    /// The number under which the carrier knows it.
    pub tracking_number: String,
    /// How many of each line.
    pub lines: Vec<ShippedLine>,
    /// When it was shipped.
    pub shipped_at: Timestamp,
    /// When it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// What a shipment has of a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShippedLine {
    /// The line.
    pub line_id: Id,
    /// How many of it.
    pub quantity: u32,
}

impl From<&Line> for OrderLine {
    fn from(line: &Line) -> Self {
        Self {
            line_id: line.line_id.clone(),
            product_id: line.product_id.clone(),
            variant_id: line.variant_id.clone(),
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: line.quantity,
            unit_price_cents: line.unit_price_cents,
            shipped: 0,
            returned: 0,
        }
    }
}

impl OrderFacts {
    /// Folds one event, recorded at this time.
    pub fn apply(&mut self, time: Timestamp, event: &Event) {
        match event {
            Event::OrderPlaced {
                currency,
                lines,
                fulfilment_centre,
                ..
            } => {
                *self = Self {
                    fulfilment_centre: fulfilment_centre.clone(),
                    currency: *currency,
                    lines: lines.iter().map(OrderLine::from).collect(),
                    ..Self::default()
                };
            }
            Event::OrderLineAdded(line) => self.lines.push(line.into()),
            Event::OrderLineRemoved { line_id } => self.lines.retain(|line| line.line_id != *line_id),
            Event::OrderConfirmed {} => self.status = OrderStatus::Confirmed,
            Event::OrderFulfilmentCentreAssigned { fulfilment_centre } => {
                self.fulfilment_centre = Some(fulfilment_centre.clone());
            }
            Event::OrderShipToCorrected { .. } => {}
            Event::OrderShipped {
                shipment_id,
                fulfilment_centre,
                carrier,
                tracking_number,
                quantities,
            } => {
                self.count(quantities, |line| &mut line.shipped);
                let lines = quantities.iter().map(|(line_id, quantity)| ShippedLine {
                    line_id: line_id.clone(),
                    quantity: *quantity,
                });
                self.shipments.push(Shipment {
                    shipment_id: shipment_id.clone(),
                    fulfilment_centre: fulfilment_centre.clone(),
                    carrier: carrier.clone(),
                    tracking_number: tracking_number.clone(),
                    lines: lines.collect(),
                    shipped_at: time,
                    delivered_at: None,
                });
                self.status = self.shipped_status();
            }
            Event::OrderDelivered { shipment_id } => {
                let shipment = self.shipments.iter_mut().find(|of| of.shipment_id == *shipment_id);
                if let Some(shipment) = shipment {
                    shipment.delivered_at = Some(time);
                }
                self.status = self.shipped_status();
            }
            Event::OrderItemsReturned { quantities, .. } => self.count(quantities, |line| &mut line.returned),
            Event::OrderCancelled { .. } => self.status = OrderStatus::Cancelled,
        }
        // No order reaches the end of 64 bits: the aggregate adds no line that would.
        let amounts = self
            .lines
            .iter()
            .map(|line| i64::from(line.quantity) * line.unit_price_cents);
        self.total_cents = amounts.sum();
    }

    fn count(&mut self, quantities: &BTreeMap<Id, u32>, of: impl Fn(&mut OrderLine) -> &mut u32) {
        for line in &mut self.lines {
            if let Some(quantity) = quantities.get(&line.line_id) {
                *of(line) += quantity;
            }
        }
    }

    fn shipped_status(&self) -> OrderStatus {
        if self.lines.iter().any(|line| line.shipped < line.quantity) {
            OrderStatus::PartlyShipped
        } else if self.shipments.iter().all(|shipment| shipment.delivered_at.is_some()) {
            OrderStatus::Delivered
        } else {
            OrderStatus::Shipped
        }
    }
}
