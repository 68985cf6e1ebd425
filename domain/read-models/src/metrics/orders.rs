//! Orders placed, and what they are worth.

use super::{Measured, MetricFold, series};
use crate::{EventContext, Fold};
use headwater_kernel::{Currency, Id};
use headwater_orders::order::{Event, Line, Order};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is left of an order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OrderMeasures {
    currency: Currency,
    /// Pieces and the price of one, by line.
    lines: BTreeMap<Id, (u32, i64)>,
    #[serde(skip)]
    measured: Measured,
}

fn worth((quantity, price): (u32, i64)) -> i128 {
    i128::from(quantity) * i128::from(price)
}

impl OrderMeasures {
    fn add(&mut self, line: &Line) -> i128 {
        let new = (line.quantity, line.unit_price_cents);
        self.lines.insert(line.line_id.clone(), new);
        worth(new)
    }

    fn take_back(&mut self, line: &Id, quantity: u32) -> i128 {
        let Some((left, price)) = self.lines.get_mut(line) else {
            return 0;
        };
        let back = quantity.min(*left);
        *left -= back;
        worth((back, *price))
    }
}

impl Fold for OrderMeasures {
    type Source = Order;

    fn empty(_: &Id) -> Self {
        Self {
            currency: Currency::USD,
            lines: BTreeMap::new(),
            measured: Measured::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        self.measured.command::<Order>(at);
        let change = match event {
            Event::OrderPlaced { currency, lines, .. } => {
                self.currency = *currency;
                let by = [("currency", self.currency.as_str())];
                self.measured.add(at, &series::ORDERS_PLACED, &by, 1.0);
                lines.iter().map(|line| self.add(line)).sum()
            }
            Event::OrderLineAdded(line) => self.add(line),
            Event::OrderLineRemoved { line_id } => -self.lines.remove(line_id).map_or(0, worth),
            Event::OrderCancelled { .. } => -std::mem::take(&mut self.lines).into_values().map(worth).sum::<i128>(),
            Event::OrderItemsReturned { quantities, .. } => {
                let back = quantities
                    .iter()
                    .map(|(line, quantity)| self.take_back(line, *quantity));
                -back.sum::<i128>()
            }
            Event::OrderConfirmed {}
            | Event::OrderFulfilmentCentreAssigned { .. }
            | Event::OrderShipToCorrected { .. }
            | Event::OrderShipped { .. }
            | Event::OrderDelivered { .. } => 0,
        };
        let by = [("currency", self.currency.as_str())];
        self.measured.add_cents(at, &series::REVENUE, &by, change);
    }
}

impl MetricFold for OrderMeasures {
    const NEEDS_HISTORY: bool = true;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}
