//! Whether this process should get requests: not while it starts, not while it drains, and not while a part of it says no.

use headwater_edge::Problem;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What a part of the process says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    /// It does its work.
    Ready,
    /// It does not, and why.
    NotReady(String),
}

/// Asked at each `/readyz`; answers at once.
pub(crate) type Check = Arc<dyn Fn() -> Status + Send + Sync>;

#[derive(Debug, Clone)]
enum Phase {
    Starting(String),
    Running,
    Draining,
}

struct Inner {
    phase: Phase,
    checks: Vec<Check>,
}

/// Shared by all listeners.
#[derive(Clone)]
pub(crate) struct Readiness(Arc<Mutex<Inner>>);

impl Readiness {
    pub(crate) fn new(what: &str) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            phase: Phase::Starting(what.to_owned()),
            checks: Vec::new(),
        })))
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is still starting, and what keeps it.
    pub(crate) fn starting(&self, what: &str) {
        self.inner().phase = Phase::Starting(what.to_owned());
    }

    /// From now on it is ready when `check` says so too.
    pub(crate) fn depends_on(&self, check: Check) {
        self.inner().checks.push(check);
    }

    pub(crate) fn started(&self) {
        self.inner().phase = Phase::Running;
    }

    pub(crate) fn draining(&self) {
        self.inner().phase = Phase::Draining;
    }

    /// Whether it should get requests.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn ask(&self) -> Result<(), String> {
        let (phase, checks) = {
            let inner = self.inner();
            (inner.phase.clone(), inner.checks.clone())
        };
        match phase {
            Phase::Starting(what) => return Err(what),
            Phase::Draining => return Err("draining: this process ends".to_owned()),
            Phase::Running => {}
        }
        let reasons: Vec<String> = checks
            .iter()
            .filter_map(|check| match check() {
                Status::Ready => None,
                Status::NotReady(why) => Some(why),
            })
            .collect();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons.join("; "))
        }
    }

    /// Lets requests through once it has started. While it drains, what still arrives by an open connection is answered.
    ///
    /// # Errors
    /// 503 `starting`.
    pub(crate) fn admit(&self) -> Result<(), Problem> {
        match &self.inner().phase {
            Phase::Starting(what) => Err(Problem::unavailable(
                "starting",
                format!("this process does not serve yet: {what}"),
                Duration::from_secs(1),
            )),
            Phase::Running | Phase::Draining => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_between_start_and_drain_while_all_parts_say_so() {
        let readiness = Readiness::new("starting");
        assert_eq!(readiness.ask(), Err("starting".into()));
        assert_eq!(readiness.admit().unwrap_err().code(), "starting");
        let lag = Arc::new(Mutex::new(Status::Ready));
        let asked = Arc::clone(&lag);
        readiness.depends_on(Arc::new(move || asked.lock().unwrap().clone()));
        readiness.started();
        assert_eq!(readiness.ask(), Ok(()));
        *lag.lock().unwrap() = Status::NotReady("product-view is 40 s behind".into());
        assert_eq!(readiness.ask(), Err("product-view is 40 s behind".into()));
        assert!(
            readiness.admit().is_ok(),
            "a process that lags still answers who asks it"
        );
        *lag.lock().unwrap() = Status::Ready;
        readiness.draining();
        assert!(readiness.ask().is_err());
    }
}
