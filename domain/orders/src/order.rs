//! Orders: what a customer ordered, and how far it has come.

mod command;
mod event;
mod lines;
#[cfg(test)]
mod tests;

pub use command::{Command, NewLine};
pub use event::{Event, Line};
pub use lines::{MAX_LINES, MAX_QUANTITY};

use headwater_kernel::{Aggregate, Currency, Facts, Id, Money, MoneyError, Personal, Rejection, text};
use lines::{LineState, Lines};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most shipments of one order.
pub const MAX_SHIPMENTS: usize = 50;

/// Most lines that all shipments of an order have together, a line counted once for each shipment that has a part of it.
pub const MAX_SHIPPED_PARTS: usize = 300;

/// An order. Before it is confirmed its lines may change; from then on parts of it are shipped, delivered and returned, and never more than
/// there is. Once something was shipped it cannot be cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    stage: Stage,
    currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fulfilment_centre: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ship_to_name: Option<Personal<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ship_to_address: Option<Personal<String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lines: Lines,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    shipments: BTreeMap<Id, Shipment>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    #[default]
    Absent,
    Placed,
    Confirmed,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shipment {
    tracking_number: String,
    quantities: BTreeMap<Id, u32>,
    delivered: bool,
}

fn nothing_left() -> Rejection {
    Rejection::rule("nothing-left", "all of the order was shipped already")
}

fn check_ship_to(name: Option<&str>, address: Option<&str>) -> Result<(), Rejection> {
    name.map_or(Ok(()), |name| text::line("/ship_to_name", name, text::MAX_NAME))?;
    address.map_or(Ok(()), |address| {
        text::paragraph("/ship_to_address", address, text::MAX_ADDRESS)
    })
}

/// What of `new` differs from `old`, as personal data of the customer.
fn changed(new: Option<String>, old: Option<&Personal<String>>, customer: &Id) -> Option<Personal<String>> {
    new.map(|value| Personal::about(customer, value))
        .filter(|new| Some(new) != old)
}

impl Order {
    /// The exact sum of all lines.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] past 64 bits, which no order reaches, because no line is added that would.
    pub fn total(&self) -> Result<Money, MoneyError> {
        lines::total(self.currency, self.lines.values())
    }

    fn ship(
        &self,
        shipment_id: Id,
        carrier: String,
        tracking_number: String,
        quantities: Option<BTreeMap<Id, u32>>,
    ) -> Result<Event, Rejection> {
        if self.shipments.contains_key(&shipment_id) {
            let detail = "the order has a shipment with this id; choose another";
            return Err(Rejection::field("duplicate-shipment", "/shipment_id", detail));
        }
        text::line("/carrier", &carrier, 100)?;
        text::line("/tracking_number", &tracking_number, 100)?;
        if self.shipments.values().any(|of| of.tracking_number == tracking_number) {
            let detail = "the order has a shipment with this tracking number";
            return Err(Rejection::field("duplicate-shipment", "/tracking_number", detail));
        }
        let left = LineState::left;
        let quantities = quantities.unwrap_or_else(|| {
            let lines = self.lines.iter().map(|(id, line)| (id.clone(), left(line)));
            lines.filter(|(_, left)| *left > 0).collect()
        });
        if quantities.is_empty() && self.lines.values().all(|line| left(line) == 0) {
            return Err(nothing_left());
        }
        lines::check_quantities(&quantities, &self.lines, left, "more-than-ordered")?;
        let parts: usize = self.shipments.values().map(|of| of.quantities.len()).sum();
        if self.shipments.len() >= MAX_SHIPMENTS || parts + quantities.len() > MAX_SHIPPED_PARTS {
            let detail = format!(
                "an order has at most {MAX_SHIPMENTS} shipments, and {MAX_SHIPPED_PARTS} lines in all of them together"
            );
            return Err(Rejection::rule("too-many", detail));
        }
        let Some(fulfilment_centre) = self.fulfilment_centre.clone() else {
            let detail = "nothing is shipped without a fulfilment centre; assign one first";
            return Err(Rejection::rule("no-fulfilment-centre", detail));
        };
        Ok(Event::OrderShipped {
            shipment_id,
            fulfilment_centre,
            carrier,
            tracking_number,
            quantities,
        })
    }

    /// Whether the order has come to where the command has its place.
    fn check_stage(&self, command: &Command) -> Result<(), Rejection> {
        let not = |code, detail: &str| Err(Rejection::rule(code, detail));
        match (self.stage, command) {
            (Stage::Absent, Command::Place { .. }) => Ok(()),
            (Stage::Absent, _) => Err(Rejection::not_found()),
            (_, Command::Place { .. }) => Err(Rejection::already_exists()),
            // What is stored about a person must stay correctable.
            (_, Command::CorrectShipTo { .. }) => Ok(()),
            (Stage::Cancelled, _) => not("order-cancelled", "the order was cancelled; place another"),
            (Stage::Confirmed, Command::AddLine(_) | Command::RemoveLine { .. }) => not(
                "order-confirmed",
                "the order was confirmed, and its lines stay as they are",
            ),
            (Stage::Placed, Command::Ship { .. } | Command::Deliver { .. } | Command::Return { .. }) => {
                not("not-confirmed", "the order is not confirmed yet; confirm it first")
            }
            (Stage::Confirmed, Command::Cancel { .. }) if !self.shipments.is_empty() => {
                let detail = "a part of the order was shipped already; what came back is recorded by return";
                not("order-shipped", detail)
            }
            (Stage::Placed | Stage::Confirmed, _) => Ok(()),
        }
    }
}

impl Aggregate for Order {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "orders";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        self.check_stage(&command)?;
        Ok(vec![match command {
            Command::Place {
                customer_id,
                currency,
                lines,
                fulfilment_centre,
                ship_to_name,
                ship_to_address,
            } => {
                if lines.is_empty() {
                    return Err(Rejection::field("no-lines", "/lines", "an order has at least one line"));
                }
                let mut checked = Lines::new();
                for (index, line) in lines.iter().enumerate() {
                    let state = lines::check(&format!("/lines/{index}"), line, &checked, currency)?;
                    checked.insert(line.line_id.clone(), state);
                }
                check_ship_to(ship_to_name.as_deref(), ship_to_address.as_deref())?;
                let personal = |value| Personal::about(&customer_id, value);
                Event::OrderPlaced {
                    ship_to_name: ship_to_name.map(personal),
                    ship_to_address: ship_to_address.map(personal),
                    lines: lines.into_iter().map(Line::from).collect(),
                    customer_id,
                    currency,
                    fulfilment_centre,
                }
            }
            Command::AddLine(line) => {
                lines::check("", &line, &self.lines, self.currency)?;
                Event::OrderLineAdded(line.into())
            }
            Command::RemoveLine { line_id } => {
                if !self.lines.contains_key(&line_id) {
                    let detail = "the order has no line with this id";
                    return Err(Rejection::field("no-such-line", "/line_id", detail));
                }
                if self.lines.len() == 1 {
                    let detail = "an order has at least one line; cancel the order instead";
                    return Err(Rejection::field("no-lines", "/line_id", detail));
                }
                Event::OrderLineRemoved { line_id }
            }
            Command::Confirm {} if self.stage == Stage::Confirmed => return Ok(vec![]),
            Command::Confirm {} => Event::OrderConfirmed {},
            Command::AssignFulfilmentCentre { fulfilment_centre } => {
                if self.fulfilment_centre.as_ref() == Some(&fulfilment_centre) {
                    return Ok(vec![]);
                }
                if self.lines.values().all(|line| line.left() == 0) {
                    return Err(nothing_left());
                }
                Event::OrderFulfilmentCentreAssigned { fulfilment_centre }
            }
            Command::CorrectShipTo {
                ship_to_name,
                ship_to_address,
            } => {
                check_ship_to(ship_to_name.as_deref(), ship_to_address.as_deref())?;
                let customer = self.customer_id.as_ref().unwrap_or(&facts.id);
                let ship_to_name = changed(ship_to_name, self.ship_to_name.as_ref(), customer);
                let ship_to_address = changed(ship_to_address, self.ship_to_address.as_ref(), customer);
                if ship_to_name.is_none() && ship_to_address.is_none() {
                    return Ok(vec![]);
                }
                Event::OrderShipToCorrected {
                    ship_to_name,
                    ship_to_address,
                }
            }
            Command::Ship {
                shipment_id,
                carrier,
                tracking_number,
                quantities,
            } => self.ship(shipment_id, carrier, tracking_number, quantities)?,
            Command::Deliver { shipment_id } => match self.shipments.get(&shipment_id) {
                None => {
                    let detail = "the order has no shipment with this id";
                    return Err(Rejection::field("no-such-shipment", "/shipment_id", detail));
                }
                Some(shipment) if shipment.delivered => return Ok(vec![]),
                Some(_) => Event::OrderDelivered { shipment_id },
            },
            Command::Return { quantities, reason } => {
                text::reason(reason.as_deref())?;
                let left = |line: &LineState| line.delivered.saturating_sub(line.returned);
                lines::check_quantities(&quantities, &self.lines, left, "more-than-delivered")?;
                Event::OrderItemsReturned { quantities, reason }
            }
            Command::Cancel { reason } => {
                text::reason(reason.as_deref())?;
                Event::OrderCancelled { reason }
            }
        }])
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::OrderPlaced {
                customer_id,
                currency,
                lines,
                fulfilment_centre,
                ship_to_name,
                ship_to_address,
            } => {
                *self = Self {
                    stage: Stage::Placed,
                    currency,
                    customer_id: Some(customer_id),
                    fulfilment_centre,
                    ship_to_name,
                    ship_to_address,
                    lines: lines.into_iter().map(state_of).collect(),
                    shipments: BTreeMap::new(),
                };
            }
            Event::OrderLineAdded(line) => self.lines.extend([state_of(line)]),
            Event::OrderLineRemoved { line_id } => {
                self.lines.remove(&line_id);
            }
            Event::OrderConfirmed {} => self.stage = Stage::Confirmed,
            Event::OrderFulfilmentCentreAssigned { fulfilment_centre } => {
                self.fulfilment_centre = Some(fulfilment_centre);
            }
            Event::OrderShipToCorrected {
                ship_to_name,
                ship_to_address,
            } => {
                self.ship_to_name = ship_to_name.or_else(|| self.ship_to_name.take());
                self.ship_to_address = ship_to_address.or_else(|| self.ship_to_address.take());
            }
            Event::OrderShipped {
                shipment_id,
                tracking_number,
                quantities,
                ..
            } => {
                self.count(&quantities, |line| &mut line.shipped);
                let shipment = Shipment {
                    tracking_number,
                    quantities,
                    delivered: false,
                };
                self.shipments.insert(shipment_id, shipment);
            }
            Event::OrderDelivered { shipment_id } => {
                if let Some(shipment) = self.shipments.get_mut(&shipment_id) {
                    shipment.delivered = true;
                    let quantities = shipment.quantities.clone();
                    self.count(&quantities, |line| &mut line.delivered);
                }
            }
            Event::OrderItemsReturned { quantities, .. } => self.count(&quantities, |line| &mut line.returned),
            Event::OrderCancelled { .. } => self.stage = Stage::Cancelled,
        }
    }
}

impl Order {
    /// Adds quantities to one of the counts of their lines.
    fn count(&mut self, quantities: &BTreeMap<Id, u32>, of: impl Fn(&mut LineState) -> &mut u32) {
        for (id, quantity) in quantities {
            if let Some(line) = self.lines.get_mut(id) {
                let count = of(line);
                *count = count.saturating_add(*quantity);
            }
        }
    }
}

fn state_of(line: Line) -> (Id, LineState) {
    let state = LineState {
        quantity: line.quantity,
        unit_price_cents: line.unit_price_cents,
        shipped: 0,
        delivered: 0,
        returned: 0,
    };
    (line.line_id, state)
}
