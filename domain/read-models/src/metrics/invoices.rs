//! What was invoiced, and what was paid.

use super::{Measured, MetricFold, series};
use crate::{EventContext, Fold};
use headwater_billing::invoice::{Event, Invoice};
use headwater_kernel::{Currency, Id};
use serde::{Deserialize, Serialize};

/// What an invoice asks for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct InvoiceMeasures {
    currency: Currency,
    /// What was issued and not credited.
    due_cents: i64,
    #[serde(skip)]
    measured: Measured,
}

impl Fold for InvoiceMeasures {
    type Source = Invoice;

    fn empty(_: &Id) -> Self {
        Self {
            currency: Currency::USD,
            due_cents: 0,
            measured: Measured::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        self.measured.command::<Invoice>(at);
        let (series, cents) = match event {
            Event::InvoiceDrafted { currency, .. } => {
                self.currency = *currency;
                return;
            }
            Event::InvoiceIssued { total_cents, .. } => (&series::INVOICED, *total_cents),
            Event::InvoiceCredited { amount_cents, .. } => (&series::INVOICED, -amount_cents),
            Event::InvoiceVoided { .. } => (&series::INVOICED, -self.due_cents),
            Event::InvoicePaymentRecorded { amount_cents, .. } => (&series::PAID, *amount_cents),
            Event::InvoiceRefundRecorded { amount_cents, .. } => (&series::PAID, -amount_cents),
            Event::InvoiceLineItemAdded { .. }
            | Event::InvoiceLineItemRemoved { .. }
            | Event::InvoiceBillToCorrected { .. }
            | Event::InvoiceMarkedOverdue {} => return,
        };
        if *series == series::INVOICED {
            self.due_cents += cents;
        }
        let by = [("currency", self.currency.as_str())];
        self.measured.add_cents(at, series, &by, cents.into());
    }
}

impl MetricFold for InvoiceMeasures {
    const NEEDS_HISTORY: bool = true;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}
