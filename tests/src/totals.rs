//! A projection with sums: how many accounts are small and large, and what is in them, made by all accounts of a tenant.

use crate::{
    account::{Account, CONTEXT, Event},
    projections::Keeping,
};
use headwater_dynamo_schema::{DynamoRepository, RowItem, RowItemError, Share};
use headwater_kernel::Id;
use headwater_read_models::{EventContext, Fold, ProjectionRegistry, RowKind, RowsFold};
use headwater_tenancy::TenantScope;
use serde::{Deserialize, Serialize};

/// The projection of [`Total`].
pub const TOTALS: &str = "totals";
/// From so many cents on an account is large.
pub const LARGE: i64 = 1_000;

/// Accounts of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(table = "bank", entity = "TOTAL", pk = "TENANT#{tenant_id}", sk = "TOTAL#{size}")]
pub struct Total {
    /// `small` or `large`.
    pub size: String,
    /// How many.
    pub accounts: i64,
    /// What is in them.
    pub cents: i64,
}

/// What one account contributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    cents: i64,
}

impl Contribution {
    fn total(&self) -> Total {
        let size = if self.cents < LARGE { "small" } else { "large" };
        Total {
            size: size.to_owned(),
            accounts: 1,
            cents: self.cents,
        }
    }
}

impl Fold for Contribution {
    type Source = Account;

    fn empty(_: &Id) -> Self {
        Self { cents: 0 }
    }

    fn apply(&mut self, _: &EventContext<'_>, event: &Event) {
        match event {
            Event::Deposited { cents } => self.cents += cents,
            Event::Withdrawn { cents } => self.cents -= cents,
            Event::Numbered { .. } => {}
        }
    }
}

impl RowsFold for Contribution {
    const TABLE: &'static str = CONTEXT;
    const HAS_SUMS: bool = true;

    fn kinds() -> Vec<RowKind> {
        Vec::new()
    }

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        Ok(Vec::new())
    }

    /// An account without money is in neither.
    fn shares(&self) -> Result<Vec<Share>, RowItemError> {
        let share = (self.cents != 0).then(|| Share::of(&self.total(), &["accounts", "cents"]));
        share.into_iter().collect()
    }
}

/// Registers it.
pub fn register(registry: &mut impl ProjectionRegistry) {
    registry.rows::<Contribution>(TOTALS);
}

impl Keeping {
    /// The sums of a generation, small and large, as they are stored and as the log says: (accounts, cents).
    pub async fn totals(&self, scope: &TenantScope, generation: u32) -> [[(i64, i64); 2]; 2] {
        let repository = self.repository(TOTALS).at_generation(generation);
        let mut stored = [(0, 0); 2];
        for (size, sum) in ["small", "large"].into_iter().zip(&mut stored) {
            let key = Total::key(size);
            let row = repository.find::<Total>(scope, &key).await.expect("the sum is read");
            *sum = row.map_or((0, 0), |row| (row.entity.accounts, row.entity.cents));
        }
        let mut expected = [(0, 0); 2];
        for (balance, ..) in self.expected(scope).await.values() {
            if balance.cents != 0 {
                let sum = &mut expected[usize::from(balance.cents >= LARGE)];
                *sum = (sum.0 + 1, sum.1 + balance.cents);
            }
        }
        [stored, expected]
    }
}
