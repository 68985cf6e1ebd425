//! Changes of prices.

use super::{Measured, MetricFold, series};
use crate::{EventContext, Fold};
use headwater_catalog::product::{Event, Product};
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

/// Nothing is remembered of a product.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ProductMeasures {
    #[serde(skip)]
    measured: Measured,
}

impl Fold for ProductMeasures {
    type Source = Product;

    fn empty(_: &Id) -> Self {
        Self {
            measured: Measured::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        self.measured.command::<Product>(at);
        if let Event::ProductPriceChanged { currency, .. } = event {
            let by = [("currency", currency.as_str())];
            self.measured.add(at, &series::PRICE_CHANGES, &by, 1.0);
        }
    }
}

impl MetricFold for ProductMeasures {
    const NEEDS_HISTORY: bool = false;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}
