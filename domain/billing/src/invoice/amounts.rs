//! What the line items of an invoice come to, in whole cents.
//!
//! **Rounding.** A line item's net amount is quantity times unit price, which is exact. Its tax is the net amount times the rate, rounded to a
//! cent, half a cent up. The tax of an invoice is the sum of its line items' taxes, so that what is printed on the lines adds up to what is
//! printed below them; rounding the sum instead may differ by half a cent a line. An issued invoice keeps the sums that it was issued with.

use super::command::NewLineItem;
use headwater_kernel::{Id, Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most line items of one invoice. With the longest texts, and all payments and credit notes, they still fit one commit and one row.
pub const MAX_LINE_ITEMS: usize = 100;

/// The greatest quantity of one line item.
pub const MAX_QUANTITY: u32 = 1_000_000;

/// The highest tax rate: 100 percent, in hundredths of a percent.
pub const MAX_TAX_BASIS_POINTS: u32 = 10_000;

/// Amounts in hundredths of the invoice's currency. The total is net and tax.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// Without tax.
    pub net_cents: i64,
    /// The tax.
    pub tax_cents: i64,
    /// Both.
    pub total_cents: i64,
}

impl Amounts {
    /// Of one line item, rounded as said at the top of this file. `None` when the total does not fit 64 bits, or a price is negative.
    pub fn of(quantity: u32, unit_price_cents: i64, tax_basis_points: u32) -> Option<Self> {
        let net_cents = unit_price_cents.checked_mul(i64::from(quantity))?;
        if net_cents < 0 {
            return None;
        }
        let tax = (i128::from(net_cents) * i128::from(tax_basis_points) + 5_000) / 10_000;
        let tax_cents = i64::try_from(tax).ok()?;
        Some(Self {
            net_cents,
            tax_cents,
            total_cents: net_cents.checked_add(tax_cents)?,
        })
    }

    /// The exact sum. `None` past 64 bits.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            net_cents: self.net_cents.checked_add(other.net_cents)?,
            tax_cents: self.tax_cents.checked_add(other.tax_cents)?,
            total_cents: self.total_cents.checked_add(other.total_cents)?,
        })
    }
}

/// The exact sum of line items. `None` past 64 bits, which no invoice reaches, because no line item is added that would.
pub(super) fn sum<'a>(items: impl IntoIterator<Item = &'a Amounts>) -> Option<Amounts> {
    items
        .into_iter()
        .try_fold(Amounts::default(), |sum, item| sum.plus(*item))
}

/// Whether `item` can be one more of `items`, and what it comes to. `at` is the pointer to it in the payload.
pub(super) fn check(at: &str, item: &NewLineItem, items: &BTreeMap<Id, Amounts>) -> Result<Amounts, Rejection> {
    let wrong = |field: &str, code, detail: String| Rejection::field(code, format!("{at}/{field}"), detail);
    if items.contains_key(&item.line_item_id) {
        let detail = "the invoice has a line item with this id; choose another";
        return Err(wrong("line_item_id", "duplicate-line-item", detail.into()));
    }
    if items.len() >= MAX_LINE_ITEMS {
        let detail = format!("an invoice has at most {MAX_LINE_ITEMS} line items; draft another for the rest");
        return Err(Rejection::field("too-many", at, detail));
    }
    text::line(&format!("{at}/description"), &item.description, text::MAX_NAME)?;
    if !(1..=MAX_QUANTITY).contains(&item.quantity) {
        let detail = format!("a line item has a quantity of 1 to {MAX_QUANTITY}");
        return Err(wrong("quantity", "quantity-out-of-range", detail));
    }
    if item.unit_price_cents < 0 {
        let detail = "a price is never negative; what is given back is a credit note";
        return Err(wrong("unit_price_cents", "negative-price", detail.into()));
    }
    if item.tax_basis_points > MAX_TAX_BASIS_POINTS {
        let detail = "a tax rate is 0 to 10000 hundredths of a percent; 19 percent is 1900";
        return Err(wrong("tax_basis_points", "tax-rate-out-of-range", detail.into()));
    }
    let amounts = Amounts::of(item.quantity, item.unit_price_cents, item.tax_basis_points);
    let fits = |added: &Amounts| sum(items.values().chain([added])).is_some();
    amounts.filter(fits).ok_or_else(|| {
        let detail = "with it the total of the invoice does not fit 64 bits";
        wrong("unit_price_cents", "amount-too-large", detail.into())
    })
}

/// Whether all these can be the line items of a new invoice. `at` is the pointer to them in the payload.
pub(super) fn check_all(at: &str, items: &[NewLineItem]) -> Result<(), Rejection> {
    let mut checked = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let amounts = check(&format!("{at}/{index}"), item, &checked)?;
        checked.insert(item.line_item_id.clone(), amounts);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_is_rounded_by_line_half_a_cent_up() {
        let tax = |quantity, price, rate| Amounts::of(quantity, price, rate).unwrap().tax_cents;
        for (quantity, price, rate, expected) in [
            (1, 100, 1_900, 19),
            (1, 50, 100, 1),  // 0.5
            (1, 49, 100, 0),  // 0.49
            (3, 33, 700, 7),  // 6.93
            (1, 150, 100, 2), // 1.5
            (1, 250, 100, 3), // 2.5, which bankers would make 2
            (1_000_000, 1, 0, 0),
            (1, 1, 10_000, 1),
        ] {
            assert_eq!(tax(quantity, price, rate), expected, "{quantity} × {price} at {rate}");
        }
        let one = Amounts::of(2, 1_050, 825).unwrap();
        assert_eq!((one.net_cents, one.tax_cents, one.total_cents), (2_100, 173, 2_273));
    }

    #[test]
    fn what_does_not_fit_has_no_amount() {
        assert!(Amounts::of(1, i64::MAX, 0).is_some());
        assert_eq!(Amounts::of(1, i64::MAX, 1), None, "the tax takes it past the end");
        assert_eq!(Amounts::of(2, i64::MAX, 0), None);
        assert_eq!(Amounts::of(1, -1, 0), None);
        let most = Amounts::of(1, i64::MAX, 0).unwrap();
        assert_eq!(most.plus(Amounts::of(1, 1, 0).unwrap()), None);
    }
}
