//! What the pipeline is worth.

use super::{Measured, MetricFold, series};
use crate::{EventContext, Fold};
use headwater_crm::opportunity::{Event, Opportunity};
use headwater_kernel::{Currency, Id};
use serde::{Deserialize, Serialize};

/// What an opportunity is expected to be worth.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OpportunityMeasures {
    currency: Currency,
    amount_cents: i64,
    #[serde(skip)]
    measured: Measured,
}

impl OpportunityMeasures {
    fn change(&mut self, at: &EventContext<'_>, stage: &str, cents: i128) {
        let by = [("stage", stage), ("currency", self.currency.as_str())];
        self.measured.add_cents(at, &series::PIPELINE, &by, cents);
    }

    fn close(&mut self, at: &EventContext<'_>, stage: &str) {
        let amount = i128::from(self.amount_cents);
        self.change(at, "open", -amount);
        self.change(at, stage, amount);
    }
}

impl Fold for OpportunityMeasures {
    type Source = Opportunity;

    fn empty(_: &Id) -> Self {
        Self {
            currency: Currency::USD,
            amount_cents: 0,
            measured: Measured::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        self.measured.command::<Opportunity>(at);
        match event {
            Event::OpportunityOpened {
                amount_cents, currency, ..
            } => {
                self.currency = *currency;
                self.amount_cents = amount_cents.unwrap_or_default();
                self.change(at, "open", self.amount_cents.into());
            }
            Event::OpportunityAmountChanged { amount_cents } => {
                let before = std::mem::replace(&mut self.amount_cents, *amount_cents);
                self.change(at, "open", i128::from(*amount_cents) - i128::from(before));
            }
            Event::OpportunityWon {} => self.close(at, "won"),
            Event::OpportunityLost { .. } => self.close(at, "lost"),
            Event::LineItemAdded { .. } | Event::LineItemRemoved { .. } => {}
        }
    }
}

impl MetricFold for OpportunityMeasures {
    const NEEDS_HISTORY: bool = true;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}
