//! What is still open of an issued invoice: what was paid, credited and given back of it.

use headwater_kernel::{Id, Rejection};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most payments of one invoice.
pub const MAX_PAYMENTS: usize = 100;

/// Most credit notes of one invoice, and most refunds.
pub const MAX_CREDIT_NOTES: usize = 50;

/// The account of one invoice. `credited <= total` and `paid <= total`, both by the rules of what is added to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) total_cents: i64,
    pub(super) credited_cents: i64,
    /// What was paid and not given back.
    pub(super) paid_cents: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) payments: BTreeMap<Id, i64>,
    /// Credit notes by id, with their numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) credit_notes: BTreeMap<Id, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) refunds: BTreeMap<Id, i64>,
}

fn amount(cents: i64, most: i64, code: &'static str, what: &str) -> Result<(), Rejection> {
    if cents < 1 {
        let detail = "an amount is at least 1 cent";
        return Err(Rejection::field("no-amount", "/amount_cents", detail));
    }
    if cents > most {
        let detail = format!("{cents} cents are more than the {most} that {what}");
        return Err(Rejection::field(code, "/amount_cents", detail));
    }
    Ok(())
}

fn new_id<T>(known: &BTreeMap<Id, T>, id: &Id, pointer: &str, most: usize) -> Result<(), Rejection> {
    if known.contains_key(id) {
        let detail = "the invoice has one with this id; choose another";
        return Err(Rejection::field("duplicate-id", pointer, detail));
    }
    if known.len() >= most {
        return Err(Rejection::rule(
            "too-many",
            format!("an invoice has at most {most} of them"),
        ));
    }
    Ok(())
}

impl Account {
    /// What is still to be paid; never negative.
    pub(super) fn due(&self) -> i64 {
        self.balance().max(0)
    }

    /// What was paid too much because of credit notes; never negative.
    pub(super) fn refundable(&self) -> i64 {
        self.balance().saturating_neg().max(0)
    }

    /// Both terms are at most the total, so nothing saturates.
    fn balance(&self) -> i64 {
        self.total_cents
            .saturating_sub(self.credited_cents)
            .saturating_sub(self.paid_cents)
    }

    pub(super) fn check_payment(&self, id: &Id, cents: i64) -> Result<(), Rejection> {
        new_id(&self.payments, id, "/payment_id", MAX_PAYMENTS)?;
        amount(cents, self.due(), "more-than-due", "are due")
    }

    pub(super) fn check_credit(&self, id: &Id, cents: i64) -> Result<(), Rejection> {
        new_id(&self.credit_notes, id, "/credit_note_id", MAX_CREDIT_NOTES)?;
        let left = self.total_cents.saturating_sub(self.credited_cents);
        amount(cents, left, "more-than-left", "are left of the invoice")
    }

    pub(super) fn check_refund(&self, id: &Id, cents: i64) -> Result<(), Rejection> {
        new_id(&self.refunds, id, "/refund_id", MAX_CREDIT_NOTES)?;
        amount(cents, self.refundable(), "more-than-overpaid", "were paid too much")
    }
}
