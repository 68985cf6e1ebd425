//! What was refused to callers that are known, on its way to their tenants' audit logs: a bounded number of requests of each tenant, and of more of
//! them how many there were. Noting one takes a lock and a few hundred bytes; writing them down is the work of somebody else, later.

use ::http::StatusCode;
use headwater_analytics::refusal::{LeftOut, Request};
use headwater_kernel::{TenantId, Timestamp};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How many refusals of a tenant are noted one after the other, and how many wait to be written down: together less than a commit may hold.
pub(crate) const BURST: usize = 50;

/// After this long a tenant that has used its burst up has another refusal noted: 8,640 a day in each process.
pub(crate) const ANOTHER_AFTER: Duration = Duration::from_secs(10);

/// Numbers alone are written down this often, at most.
pub(crate) const COUNTS_EVERY: Duration = Duration::from_secs(60);

/// Refusals that wait to be written down. Cheap to clone; a process has one.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<Mutex<HashMap<TenantId, OfTenant>>>);

/// The refusals of one tenant.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Whose callers were refused.
    pub tenant: TenantId,
    /// At most 50.
    pub requests: Vec<Request>,
    /// Of how many more only the number is known.
    pub left_out: Option<LeftOut>,
}

#[derive(Debug, Default)]
struct OfTenant {
    /// How much of the burst is used up, and as of when.
    used: Duration,
    seen: Duration,
    requests: Vec<Request>,
    left_out: Option<(Timestamp, BTreeMap<&'static str, u64>)>,
    /// When a number was written down last.
    counted: Option<Duration>,
}

impl OfTenant {
    fn settle(&mut self, now: Duration) {
        self.used = self.used.saturating_sub(now.saturating_sub(self.seen));
        self.seen = now;
    }
}

impl Refusals {
    /// Notes a refusal, made only if there is room for it; else it is counted. `now` is in monotonic time, `time` by the clock.
    pub(crate) fn note(
        &self,
        tenant: &TenantId,
        (now, time): (Duration, Timestamp),
        code: &'static str,
        make: impl FnOnce() -> Request,
    ) {
        const MOST: Duration = ANOTHER_AFTER.saturating_mul(BURST as u32);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Tenants are looked up by a borrowed name: under an attack every request comes here.
        if !all.contains_key(tenant) {
            all.insert(tenant.clone(), OfTenant::default());
        }
        let Some(of) = all.get_mut(tenant) else { return };
        of.settle(now);
        if of.requests.len() < BURST && of.used + ANOTHER_AFTER <= MOST {
            of.used += ANOTHER_AFTER;
            of.requests.push(make());
        } else {
            let (_, counts) = of.left_out.get_or_insert_with(|| (time, BTreeMap::new()));
            *counts.entry(code).or_default() += 1;
        }
    }

    /// Takes what is to be written down at `now`, in monotonic time; all of it when the process `ends`.
    pub fn take(&self, now: Duration, ends: bool) -> Vec<Refused> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        all.retain(|tenant, of| {
            of.settle(now);
            let due = of.counted.is_none_or(|last| now.saturating_sub(last) >= COUNTS_EVERY);
            let left_out = if due || ends { of.left_out.take() } else { None };
            if left_out.is_some() {
                of.counted = Some(now);
            }
            if !of.requests.is_empty() || left_out.is_some() {
                taken.push(Refused {
                    tenant: tenant.clone(),
                    requests: std::mem::take(&mut of.requests),
                    left_out: left_out.map(|(since, counts)| LeftOut {
                        since,
                        counts: counts
                            .into_iter()
                            .map(|(code, count)| (code.to_owned(), count))
                            .collect(),
                    }),
                });
            }
            // Whoever has its whole burst again and nothing waiting is as one that never came.
            !of.used.is_zero() || of.left_out.is_some() || !due
        });
        taken
    }
}

/// Whether a refusal is one for the audit log: of what would change something, all but those for want of a token; of reads, those that may tell of
/// somebody who looks around: forbidden, not found (also what belongs to another tenant) and too many.
pub(crate) fn is_told(reads: bool, status: StatusCode) -> bool {
    match status {
        StatusCode::UNAUTHORIZED => false,
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS => true,
        status => !reads && status.is_client_error(),
    }
}

/// What a caller wrote, as it goes into a line: at most 128 characters, none of them a control character.
pub(crate) fn cut(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    text.chars().take(128).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(code: &str) -> Request {
        Request {
            time: Timestamp::from_nanos(0),
            actor: "user:ann".into(),
            client: None,
            route: "GET /v1/x".into(),
            status: 404,
            code: code.into(),
            trace_id: None,
            correlation_id: None,
            command: None,
        }
    }

    #[test]
    fn an_attack_leaves_a_burst_and_numbers() {
        let refusals = Refusals::default();
        let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
        let note = |tenant: &TenantId, second: u64, code| {
            let at = (Duration::from_secs(second), Timestamp::from_nanos(second as i64));
            refusals.note(tenant, at, code, || request(code));
        };
        let (mut requests, mut numbers, mut counted) = (0, 0, 0);
        for second in 1..=1_000 {
            for _ in 0..100 {
                note(&acme, second, "not-found");
            }
            note(&other, 1, "forbidden");
            for refused in refusals.take(Duration::from_secs(second), second == 1_000) {
                if refused.tenant == acme {
                    requests += refused.requests.len();
                    numbers += usize::from(refused.left_out.is_some());
                    counted += refused.left_out.map_or(0, |left_out| left_out.counts["not-found"]);
                }
            }
        }
        assert_eq!(requests, BURST + 99, "and one each ten seconds");
        assert_eq!(numbers, 18, "one a minute, and one at the end");
        assert_eq!(requests as u64 + counted, 100_000, "none is forgotten");
    }

    #[test]
    fn one_tenant_takes_nothing_from_another_and_nothing_stays() {
        let refusals = Refusals::default();
        let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
        let at = (Duration::from_secs(1), Timestamp::from_nanos(1));
        for _ in 0..1_000 {
            refusals.note(&acme, at, "not-found", || request("not-found"));
        }
        refusals.note(&other, at, "forbidden", || request("forbidden"));
        let taken = refusals.take(at.0, false);
        let of_other = taken.iter().find(|refused| refused.tenant == other).unwrap();
        assert_eq!((of_other.requests.len(), &of_other.left_out), (1, &None));
        refusals.take(Duration::from_secs(10_000), false);
        assert!(refusals.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_is_told() {
        let told = |reads| {
            let all = [400, 401, 403, 404, 409, 412, 422, 429, 500, 503];
            all.map(|status| is_told(reads, StatusCode::from_u16(status).unwrap()))
        };
        let (no, yes) = (false, true);
        assert_eq!(told(true), [no, no, yes, yes, no, no, no, yes, no, no]);
        assert_eq!(told(false), [yes, no, yes, yes, yes, yes, yes, yes, no, no]);
        assert_eq!(cut("a\n\u{7f}é"), "a\u{fffd}\u{fffd}é");
    }
}
