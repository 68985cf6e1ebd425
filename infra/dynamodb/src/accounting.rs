//! What calls consumed, summed by table, operation, tenant and access pattern.

mod capacity;
mod interceptor;

pub(crate) use interceptor::Meter;

use headwater_kernel::TenantId;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Totals since the process started. Clones share them. Counting a call takes about a microsecond.
///
/// One row is kept per (table, operation, tenant, pattern) seen: a few hundred bytes each.
#[derive(Clone, Default)]
pub struct Accounting(Arc<Mutex<HashMap<Key, Totals>>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    table: String,
    operation: &'static str,
    tenant: Option<TenantId>,
    pattern: &'static str,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Totals {
    calls: u64,
    read_units: f64,
    write_units: f64,
    throttled: u64,
}

/// What calls of one kind consumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// The table, with its prefix; empty for a call that names none, such as `GetRecords`.
    pub table: String,
    /// The operation, such as `PutItem`.
    pub operation: &'static str,
    /// For whom, if for one tenant.
    pub tenant: Option<TenantId>,
    /// The access pattern the call was tagged with, `untagged` without one.
    pub pattern: &'static str,
    /// Requests sent, retries included. A call that touches several tables counts once in each.
    pub calls: u64,
    /// Read units consumed (1 is 4 KB strongly consistent, or 8 KB eventually consistent).
    pub read_units: f64,
    /// Write units consumed (1 is 1 KB; indexes and transactions cost extra, and are in).
    pub write_units: f64,
    /// Requests refused for going over the rate.
    pub throttled: u64,
}

impl Accounting {
    /// All totals, ordered by table, operation, tenant and pattern.
    pub fn snapshot(&self) -> Vec<Usage> {
        let rows: BTreeMap<Key, Totals> = self.lock().iter().map(|(key, totals)| (key.clone(), *totals)).collect();
        rows.into_iter().map(|(key, totals)| usage(key, totals)).collect()
    }

    /// What was consumed since `earlier`, a [`snapshot`](Self::snapshot) of this accounting: rows that grew, by how much.
    pub fn since(&self, earlier: &[Usage]) -> Vec<Usage> {
        let mut rows = self.snapshot();
        for row in &mut rows {
            let same = |before: &&Usage| {
                before.table == row.table
                    && before.operation == row.operation
                    && before.tenant == row.tenant
                    && before.pattern == row.pattern
            };
            if let Some(before) = earlier.iter().find(same) {
                row.calls -= before.calls;
                row.read_units -= before.read_units;
                row.write_units -= before.write_units;
                row.throttled -= before.throttled;
            }
        }
        rows.retain(|row| row.calls > 0);
        rows
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Totals>> {
        // Sums stay usable whatever a panicking thread left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, key: Key, read_units: f64, write_units: f64, throttled: bool) {
        let mut rows = self.lock();
        let totals = rows.entry(key).or_default();
        totals.calls += 1;
        totals.read_units += read_units;
        totals.write_units += write_units;
        totals.throttled += u64::from(throttled);
    }
}

fn usage(key: Key, totals: Totals) -> Usage {
    Usage {
        table: key.table,
        operation: key.operation,
        tenant: key.tenant,
        pattern: key.pattern,
        calls: totals.calls,
        read_units: totals.read_units,
        write_units: totals.write_units,
        throttled: totals.throttled,
    }
}

impl fmt::Debug for Accounting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.snapshot()).finish()
    }
}
