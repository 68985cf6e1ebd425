//! The lines of an order: how many were ordered, shipped, delivered and returned, and what they come to.

use super::command::NewLine;
use headwater_kernel::{Currency, Id, Money, MoneyError, Rejection, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most lines of one order. With the longest texts they still fit one commit and one row.
pub const MAX_LINES: usize = 100;

/// The greatest quantity of one line.
pub const MAX_QUANTITY: u32 = 1_000_000;

/// What counts of a line. Always `returned <= delivered <= shipped <= quantity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LineState {
    pub(super) quantity: u32,
    pub(super) unit_price_cents: i64,
    #[serde(default)]
    pub(super) shipped: u32,
    #[serde(default)]
    pub(super) delivered: u32,
    #[serde(default)]
    pub(super) returned: u32,
}

impl LineState {
    /// How many were ordered and not shipped yet.
    pub(super) fn left(&self) -> u32 {
        self.quantity.saturating_sub(self.shipped)
    }
}

/// Lines by id.
pub(super) type Lines = BTreeMap<Id, LineState>;

/// The exact sum of quantities times prices.
pub(super) fn total<'a>(
    currency: Currency,
    lines: impl IntoIterator<Item = &'a LineState>,
) -> Result<Money, MoneyError> {
    let zero = Money { cents: 0, currency };
    lines.into_iter().try_fold(zero, |sum, line| {
        let price = Money {
            cents: line.unit_price_cents,
            currency,
        };
        sum.plus(price.times(line.quantity)?)
    })
}

/// Whether `line` can be one more of `lines`. `at` is the pointer to it in the payload.
pub(super) fn check(at: &str, line: &NewLine, lines: &Lines, currency: Currency) -> Result<LineState, Rejection> {
    if lines.contains_key(&line.line_id) {
        let detail = "the order has a line with this id; choose another";
        return Err(Rejection::field("duplicate-line", format!("{at}/line_id"), detail));
    }
    if lines.len() >= MAX_LINES {
        let detail = format!("an order has at most {MAX_LINES} lines; place another order for the rest");
        return Err(Rejection::field("too-many", at, detail));
    }
    text::line(&format!("{at}/sku"), &line.sku, 255)?;
    text::line(&format!("{at}/title"), &line.title, text::MAX_NAME)?;
    if !(1..=MAX_QUANTITY).contains(&line.quantity) {
        let detail = format!("a line has a quantity of 1 to {MAX_QUANTITY}");
        return Err(Rejection::field(
            "quantity-out-of-range",
            format!("{at}/quantity"),
            detail,
        ));
    }
    let pointer = || format!("{at}/unit_price_cents");
    if line.unit_price_cents < 0 {
        return Err(Rejection::field(
            "negative-price",
            pointer(),
            "a price is never negative",
        ));
    }
    let state = LineState {
        quantity: line.quantity,
        unit_price_cents: line.unit_price_cents,
        shipped: 0,
        delivered: 0,
        returned: 0,
    };
    total(currency, lines.values().chain([&state])).map_err(|_| {
        let detail = "with it the total of the order does not fit 64 bits";
        Rejection::field("amount-too-large", pointer(), detail)
    })?;
    Ok(state)
}

/// Checks quantities by line: some, none zero, each of a line of the order, and none more than `left` says.
pub(super) fn check_quantities(
    quantities: &BTreeMap<Id, u32>,
    lines: &Lines,
    left: impl Fn(&LineState) -> u32,
    exceeded: &'static str,
) -> Result<(), Rejection> {
    if quantities.is_empty() {
        let detail = "name at least one line with a quantity";
        return Err(Rejection::field("no-quantity", "/quantities", detail));
    }
    for (id, quantity) in quantities {
        let pointer = || format!("/quantities/{}", id.as_str().replace('~', "~0").replace('/', "~1"));
        let Some(line) = lines.get(id) else {
            let detail = "the order has no line with this id";
            return Err(Rejection::field("no-such-line", pointer(), detail));
        };
        if *quantity == 0 {
            let detail = "a quantity is at least 1; leave the line out";
            return Err(Rejection::field("no-quantity", pointer(), detail));
        }
        let left = left(line);
        if *quantity > left {
            let detail = format!("{quantity} of this line were asked for, and only {left} are left");
            return Err(Rejection::field(exceeded, pointer(), detail));
        }
    }
    Ok(())
}
