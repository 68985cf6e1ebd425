//! What can happen to an order. Stored for ever: a change here needs a new schema version and an upcast.

use headwater_kernel::{Currency, Id, Personal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can happen to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
#[allow(clippy::large_enum_variant, reason = "the large one is the most frequent")]
pub enum Event {
    /// An order was placed.
    OrderPlaced {
        /// Who ordered.
        customer_id: Id,
        /// The one currency of all its prices.
        currency: Currency,
        /// What was ordered.
        lines: Vec<Line>,
        /// The fulfilment centre that it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fulfilment_centre: Option<Id>,
        /// To whom it goes; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ship_to_name: Option<Personal<String>>,
        /// Where it goes; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ship_to_address: Option<Personal<String>>,
    },
    /// A line was added.
    OrderLineAdded(Line),
    /// A line was removed.
    OrderLineRemoved {
        /// The line's id.
        line_id: Id,
    },
    /// The order was confirmed.
    OrderConfirmed {},
    /// The order, or what is left of it, comes from this fulfilment centre.
    OrderFulfilmentCentreAssigned {
        /// The fulfilment centre.
        fulfilment_centre: Id,
    },
    /// To whom or where it goes was corrected. What is absent stayed.
    OrderShipToCorrected {
        /// To whom it goes; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ship_to_name: Option<Personal<String>>,
        /// Where it goes; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ship_to_address: Option<Personal<String>>,
    },
    /// A part of the order was handed to a carrier.
    OrderShipped {
        /// The shipment's id.
        shipment_id: Id,
        /// The fulfilment centre that it came from.
        fulfilment_centre: Id,
        /// Who carries it.
        carrier: String,
        /// The number under which the carrier knows it.
        tracking_number: String,
        /// How many of each line, by the line's id; none is zero.
        quantities: BTreeMap<Id, u32>,
    },
    /// A shipment arrived.
    OrderDelivered {
        /// The shipment's id.
        shipment_id: Id,
    },
    /// A part of what was delivered came back.
    OrderItemsReturned {
        /// How many of each line, by the line's id; none is zero.
        quantities: BTreeMap<Id, u32>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The order was cancelled.
    OrderCancelled {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// A line of an order, as it was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Line {
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
    /// How many.
    pub quantity: u32,
    /// The price of one in hundredths of the order's currency.
    pub unit_price_cents: i64,
}
