//! Making a generation live: the default in one write, a tenant's own in one write. What is registered comes before what readers see where
//! a generation becomes live, and after it where it is live no more, so nothing that is seen can be dropped.

use super::{
    ReplayError,
    replays::{Inner, find},
};
use headwater_dynamo_repository::{GenerationState, Registered, Switched};
use headwater_kernel::{TenantId, Timestamp};

impl Inner {
    /// Makes a generation live for all, or for one tenant.
    pub(crate) async fn switch(
        &self,
        projection: &'static str,
        to: u32,
        tenant: Option<&TenantId>,
        asked: bool,
    ) -> Result<(), ReplayError> {
        let now = self.runtime.now();
        let change = |registered: &mut Registered| {
            let generation = find(registered, to)?;
            match generation.state {
                GenerationState::Kept => {}
                GenerationState::Switching if !asked => {}
                // Somebody has read what is wrong with it and wants it all the same.
                GenerationState::CheckFailed if asked => {
                    generation.state = GenerationState::Kept;
                    generation.problem = None;
                }
                _ => return Err(ReplayError::NotComplete(to)),
            }
            if let Some(only) = &generation.only
                && tenant != Some(only)
            {
                return Err(ReplayError::OneTenant(only.clone()));
            }
            generation.retired_at = None;
            let from = registered.live_for(tenant);
            if from != to {
                registered.note(Switched {
                    at: now,
                    tenant: tenant.cloned(),
                    from,
                    to,
                    asked,
                });
            }
            match tenant {
                None => registered.live = to,
                Some(tenant) => {
                    registered.owners.insert(tenant.clone(), to);
                }
            }
            retire(registered, from, now);
            Ok(())
        };
        let (registered, ()) = self.register.change(projection, change).await?;
        let tables = self.catalogue.tables(projection);
        let authority = &self.sources.authority;
        if let Some(tenant) = tenant {
            let own = (registered.live != to).then_some(to);
            self.generations
                .set_own(authority, tenant, &tables, projection, own)
                .await?;
            if own.is_none() {
                self.disown(projection, tenant, to).await?;
            }
            return Ok(());
        }
        // Tenants whose own generation is older go with the others.
        for (tenant, own) in registered.owners.iter().filter(|(_, own)| **own <= to) {
            self.generations
                .set_own(authority, tenant, &tables, projection, None)
                .await?;
            self.disown(projection, tenant, *own).await?;
        }
        self.generations.forget();
        Ok(())
    }

    /// A tenant has no generation of its own any more.
    async fn disown(&self, projection: &'static str, tenant: &TenantId, own: u32) -> Result<(), ReplayError> {
        let now = self.runtime.now();
        let change = |registered: &mut Registered| {
            if registered.owners.get(tenant) == Some(&own) {
                registered.owners.remove(tenant);
                retire(registered, own, now);
            }
            Ok::<_, ReplayError>(())
        };
        self.register.change(projection, change).await?;
        Ok(())
    }
}

/// Notes when a generation ceased to be live.
fn retire(registered: &mut Registered, number: u32, now: Timestamp) {
    if registered.is_live(number) {
        return;
    }
    if let Some(generation) = registered.generation_mut(number) {
        generation.retired_at.get_or_insert(now);
    }
}
