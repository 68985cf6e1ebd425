//! Who has to be caught up from the log, and where each of them holds the position.

use headwater_kernel::{TenantId, Timestamp};
use std::collections::BTreeMap;

/// Tenants that may be lost one by one. Beyond, all are: a pass reads the whole log anyway, and remembering them has an end.
const TENANTS: usize = 1_000;

/// The mark of what a loss of everything stands for: before any record's.
const BEFORE_ALL: u64 = 0;

/// What was given up of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The first record that was given up.
    pub(crate) mark: u64,
    /// How many were.
    pub(crate) records: u64,
    /// When the oldest was committed.
    pub(crate) oldest: Timestamp,
}

impl Hold {
    /// Both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            mark: self.mark.min(other.mark),
            records: self.records + other.records,
            oldest: self.oldest.min(other.oldest),
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Losses {
    all: bool,
    tenants: BTreeMap<TenantId, Hold>,
}

impl Losses {
    /// Loses a tenant; `false` when so many are lost that all have to be.
    pub(crate) fn lose(&mut self, tenant: &TenantId, hold: Hold) -> bool {
        if self.all {
            return true;
        }
        let known = self.tenants.get(tenant).map(|known| known.and(&hold));
        self.tenants.insert(tenant.clone(), known.unwrap_or(hold));
        self.tenants.len() <= TENANTS
    }

    pub(crate) fn lose_all(&mut self) {
        self.all = true;
        self.tenants.clear();
    }

    pub(crate) fn add(&mut self, other: Self) {
        if other.all {
            self.lose_all();
        }
        for (tenant, hold) in other.tenants {
            if !self.lose(&tenant, hold) {
                self.lose_all();
            }
        }
    }

    pub(crate) fn is_all(&self) -> bool {
        self.all
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.tenants.is_empty()
    }

    pub(crate) fn covers(&self, tenant: &TenantId) -> bool {
        self.all || self.tenants.contains_key(tenant)
    }

    /// The position may move up to here.
    pub(crate) fn floor(&self) -> u64 {
        match self.all {
            true => BEFORE_ALL,
            false => self.tenants.values().map(|hold| hold.mark).min().unwrap_or(u64::MAX),
        }
    }

    /// The mark of what is read from the log for a tenant.
    pub(crate) fn mark(&self, tenant: &TenantId) -> u64 {
        self.tenants.get(tenant).map_or(BEFORE_ALL, |hold| hold.mark)
    }

    pub(crate) fn tenants(&self) -> impl Iterator<Item = (&TenantId, &Hold)> {
        self.tenants.iter()
    }
}
