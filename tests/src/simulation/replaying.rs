//! The operator's other work: rebuilds begun, cancelled, switched back and dropped at random while everything goes wrong.

use super::{actors::Stage, plan::TENANTS};
use crate::projections::{BALANCES, Keeping, NUMBERS};
use headwater_dynamo_repository::GenerationState;
use headwater_projectors::{Budget, ReplayError};

impl Stage {
    /// Does one thing about the generations of a projection, or nothing.
    pub async fn see_to_generations(&self, keeping: &Keeping) {
        if self.memory().enough {
            return;
        }
        let replays = keeping.replays(self.plan.replays.clone());
        let projection = if self.world.chance(50) { BALANCES } else { NUMBERS };
        let known = self.weather.ledger().registered_of(projection).cloned();
        let Some(known) = known else { return };
        let kept: Vec<u32> = known
            .generations
            .iter()
            .filter(|one| one.state == GenerationState::Kept)
            .map(|one| one.number)
            .collect();
        let one = usize::try_from(self.world.below(kept.len().max(1) as u64)).unwrap_or(0);
        let some = kept.get(one).copied().unwrap_or(1);
        let tenant = self.world.chance(25).then(|| {
            let n = usize::try_from(self.world.below(TENANTS.len() as u64)).unwrap_or(0);
            self.scopes[n].tenant().clone()
        });
        let done = match self.world.below(20) {
            0..=5 => {
                let budget = Budget {
                    write_units_per_second: self.world.chance(30).then_some(5.0),
                };
                replays.start(projection, tenant, budget).await.map(drop)
            }
            6 => replays.cancel(projection).await.map(drop),
            7..=9 => replays.switch(projection, some, tenant).await,
            10..=11 => replays.drop(projection, some, Budget::default()).await,
            _ => Ok(()),
        };
        self.accept(done);
    }

    /// Cancels what failed its check, so that everything comes to its end.
    pub async fn end_replays(&self, keeping: &Keeping) {
        let replays = keeping.replays(self.plan.replays.clone());
        for projection in [BALANCES, NUMBERS] {
            let known = self.weather.ledger().registered_of(projection).cloned();
            let failed = known.is_some_and(|known| {
                let failed = |one: &headwater_dynamo_repository::Generation| one.state == GenerationState::CheckFailed;
                known.generations.iter().any(failed)
            });
            if failed {
                self.accept(replays.cancel(projection).await.map(drop));
            }
        }
    }

    fn accept(&self, done: Result<(), ReplayError>) {
        match done {
            Ok(())
            | Err(
                ReplayError::Busy { .. }
                | ReplayError::NoReplay(_)
                | ReplayError::Live(_)
                | ReplayError::NotComplete(_)
                | ReplayError::OneTenant(_)
                | ReplayError::UnknownGeneration { .. },
            ) => {}
            Err(error) if error.is_retryable() => {}
            Err(error) => self.violation(format!("a replay: {error:?}")),
        }
    }
}
