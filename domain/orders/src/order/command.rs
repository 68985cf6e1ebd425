//! What can be asked of an order.

use super::event::Line;
use headwater_kernel::{Currency, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be asked of an order. No `Debug`: it carries personal data as it came.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Places an order.
    Place {
        /// Who ordered; whose data the name and the address are.
        customer_id: Id,
        /// The one currency of all its prices.
        #[serde(default)]
        currency: Currency,
        /// What was ordered: 1 to 100 lines.
        #[schemars(length(min = 1, max = 100))]
        lines: Vec<NewLine>,
        /// The fulfilment centre that it comes from; one has to be assigned before anything is shipped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fulfilment_centre: Option<Id>,
        /// To whom it goes. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        ship_to_name: Option<String>,
        /// Where it goes, on one or more lines. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 500))]
        ship_to_address: Option<String>,
    },
    /// Adds a line to an order that is not confirmed yet.
    AddLine(NewLine),
    /// Removes a line from an order that is not confirmed yet. The last one stays: an order without lines is one to cancel.
    RemoveLine {
        /// The line to remove.
        line_id: Id,
    },
    /// Confirms an order; from then on its lines stay as they are.
    Confirm {},
    /// Says which fulfilment centre the order, or what is left of it, comes from.
    AssignFulfilmentCentre {
        /// The fulfilment centre.
        fulfilment_centre: Id,
    },
    /// Corrects to whom and where it goes, whatever became of the order. What is left out stays.
    CorrectShipTo {
        /// To whom it goes. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        ship_to_name: Option<String>,
        /// Where it goes, on one or more lines. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 500))]
        ship_to_address: Option<String>,
    },
    /// Hands a part of a confirmed order, or all that is left of it, to a carrier.
    Ship {
        /// The shipment's id, not used in this order before.
        shipment_id: Id,
        /// Who carries it.
        #[schemars(length(min = 1, max = 100))]
        carrier: String,
        /// The number under which the carrier knows it, not used in this order before.
        #[schemars(length(min = 1, max = 100))]
        tracking_number: String,
        /// How many of each line, by the line's id; left out, it is all that is not shipped yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quantities: Option<BTreeMap<Id, u32>>,
    },
    /// Records that a shipment has arrived.
    Deliver {
        /// The shipment.
        shipment_id: Id,
    },
    /// Records that a part of what was delivered came back.
    Return {
        /// How many of each line, by the line's id.
        quantities: BTreeMap<Id, u32>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
    /// Cancels an order of which nothing was shipped.
    Cancel {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct NewLine {
    /// Its id, not in this order already.
    pub line_id: Id,
    /// The product that was ordered.
    pub product_id: Id,
    /// The variant of it, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<Id>,
    /// Its SKU when it was ordered.
    #[schemars(length(min = 1, max = 255))]
    pub sku: String,
    /// What it was called when it was ordered.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// How many were ordered, 1 to 1,000,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub quantity: u32,
    /// The price of one in hundredths of the order's currency; never negative.
    #[schemars(range(min = 0))]
    pub unit_price_cents: i64,
}

impl From<NewLine> for Line {
    fn from(line: NewLine) -> Self {
        let NewLine {
            line_id,
            product_id,
            variant_id,
            sku,
            title,
            quantity,
            unit_price_cents,
        } = line;
        Self {
            line_id,
            product_id,
            variant_id,
            sku,
            title,
            quantity,
            unit_price_cents,
        }
    }
}
