//! This machine's clock against the store's, by the `Date` of an answer. Commits carry the time, leases live by it, and AWS refuses signatures
//! that are five minutes off.

use super::findings::Findings;
use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeDeserializationInterceptorContextRef},
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
};
use headwater_runtime::Runtime;
use std::sync::{Arc, Mutex, PoisonError};

/// Seconds that are worth a word. A `Date` has whole seconds.
const NOTED: i64 = 3;
/// Seconds with which leases and times no longer hold what they promise.
const TOO_MUCH: i64 = 60;

/// Reads the difference off an answer: `.customize().interceptor(clock.clone())`.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    runtime: Runtime,
    /// Seconds by which this machine is ahead.
    ahead: Arc<Mutex<Option<i64>>>,
}

impl Clock {
    pub(super) fn new(runtime: &Runtime) -> Self {
        Self {
            runtime: runtime.clone(),
            ahead: Arc::default(),
        }
    }

    /// Says what was read.
    pub(super) fn report(&self, findings: &mut Findings) {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ahead) = ahead else {
            return findings.warn("clock", "cannot be compared: the store's answer has no date");
        };
        let way = if ahead < 0 { "behind" } else { "ahead of" };
        let found = format!("{} s {way} the store's", ahead.abs());
        match ahead.abs() {
            ..NOTED => findings.ok("clock", "agrees with the store's within the second that can be seen"),
            NOTED..TOO_MUCH => findings.warn("clock", format!("{found}; run an NTP client")),
            _ => findings.fail("clock", format!("{found}; set it, and run an NTP client")),
        }
    }
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date {
            let now = self.runtime.now().nanos() / 1_000_000_000;
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(now - date.secs());
        }
        Ok(())
    }
}
