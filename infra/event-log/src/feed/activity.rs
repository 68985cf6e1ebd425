//! Tells readers in the same process that a tenant's feed has grown, so that they need not poll.

use headwater_kernel::TenantId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

type Waiting = HashMap<String, HashMap<TenantId, watch::Sender<u64>>>;

/// Which feeds are waited for in this process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct FeedActivity(Arc<Mutex<Waiting>>);

impl FeedActivity {
    /// Changes after each append by this process to the tenant's feed of `context`. What other processes append does not show here.
    pub fn watch(&self, context: &str, tenant: &TenantId) -> watch::Receiver<u64> {
        let mut waiting = self.lock();
        let of_context = waiting.entry(context.to_owned()).or_default();
        // Those that nobody waits for any more go when another one comes.
        of_context.retain(|_, sender| sender.receiver_count() > 0);
        let sender = of_context.entry(tenant.clone()).or_insert_with(|| watch::channel(0).0);
        sender.subscribe()
    }

    pub(super) fn grown(&self, context: &str, tenant: &TenantId) {
        if let Some(sender) = self.lock().get(context).and_then(|of_context| of_context.get(tenant)) {
            sender.send_modify(|changes| *changes += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
