//! For how long writes without a condition may be sent: their caller acts under a lease, and nothing of it may reach the store when
//! another may have it. Each attempt of a call is looked at just before it is sent, also those that the SDK makes of itself, and a call
//! is given up when the time is over.

use aws_sdk_dynamodb::config::{
    ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextMut, timeout::TimeoutConfig,
};
use std::{error::Error, fmt, sync::Arc, time::Duration};

/// Tells how long writes may still be sent.
#[derive(Clone)]
pub(crate) struct Allowance(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Allowance {
    pub(crate) fn new(left: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(left))
    }

    pub(crate) fn is_over(&self) -> bool {
        (self.0)().is_zero()
    }

    /// No call lasts longer than the time that is left.
    pub(crate) fn timeouts(&self) -> TimeoutConfig {
        let left = (self.0)().clamp(Duration::from_millis(1), headwater_dynamodb::CALL_TIMEOUT);
        TimeoutConfig::builder()
            .operation_timeout(left)
            .operation_attempt_timeout(left.min(headwater_dynamodb::ATTEMPT_TIMEOUT))
            .build()
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Allowance").field(&(self.0)()).finish()
    }
}

impl Intercept for Allowance {
    fn name(&self) -> &'static str {
        "Allowance"
    }

    fn modify_before_transmit(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        match self.is_over() {
            true => Err("the time in which this may be written is over".into()),
            false => Ok(()),
        }
    }
}
