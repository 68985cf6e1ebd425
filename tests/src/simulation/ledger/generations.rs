//! What the register says of generations, and what that means for their rows.

use super::{Ledger, number, text};
use crate::{
    invariants,
    projections::{BALANCES, NUMBERS},
};
use headwater_dynamo_repository::{Generation, GenerationState, Registered};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether readers may be shown such a generation.
fn is_complete(state: GenerationState) -> bool {
    matches!(state, GenerationState::Switching | GenerationState::Kept)
}

impl Ledger {
    /// The register was written.
    pub(super) fn registered(&mut self, projection: &str, item: &Value) {
        let parsed = serde_json::from_str::<Registered>(text(item, "state"));
        let Ok(mut after) = parsed else {
            return self
                .violations
                .push(format!("the register of {projection} cannot be read"));
        };
        after.projection = projection.to_owned();
        after.live = number(item, "generation");
        after.revision = number(item, "revision");
        let before = self.now.register.insert(projection.to_owned(), after.clone());
        let complete = after.generation(after.live).is_some_and(|live| is_complete(live.state));
        let Some(before) = before else { return };
        let asked = after.switches.last().is_some_and(|last| last.asked);
        let broken = invariants::a_switch_goes_forward(projection, before.live, after.live, asked, complete);
        self.hold(broken);
        if after.switches.last() != before.switches.last() {
            let of = if asked {
                &mut self.switches.1
            } else {
                &mut self.switches.0
            };
            *of += 1;
        }
        if after.revision != before.revision + 1 {
            let (from, to) = (before.revision, after.revision);
            self.violations.push(format!(
                "the register of {projection} went from revision {from} to {to}"
            ));
        }
        let gone = before
            .generations
            .iter()
            .filter(|one| after.generation(one.number).is_none());
        for one in gone {
            let consumer = format!("{projection}.{}", one.number);
            self.now.heads.retain(|(of, _), _| *of != consumer);
            self.now.parked.retain(|(of, _), _| *of != consumer);
        }
    }

    /// The numbers of the generations of both projections that are registered.
    pub fn generations(&self) -> BTreeSet<u32> {
        let all = self.now.register.values().flat_map(|one| &one.generations);
        all.map(|one| one.number).chain([1]).collect()
    }

    /// What is registered of a projection.
    pub fn registered_of(&self, projection: &str) -> Option<&Registered> {
        self.now.register.get(projection)
    }

    fn generation(&self, consumer: &str) -> Option<&Generation> {
        let (projection, number) = consumer.rsplit_once('.')?;
        self.now.register.get(projection)?.generation(number.parse().ok()?)
    }

    /// Whether a generation may be shown: what its positions say has had its effect.
    pub(super) fn is_complete(&self, consumer: &str) -> bool {
        self.generation(consumer).is_some_and(|one| is_complete(one.state))
    }

    /// The one tenant that a generation is made for.
    pub(super) fn only(&self, consumer: &str) -> Option<String> {
        Some(self.generation(consumer)?.only.as_ref()?.to_string())
    }

    /// The generations that have a tenant's rows, as they should be in the end.
    pub(super) fn complete_for(&self, tenant: &str) -> Vec<String> {
        let of = |projection: &'static str| {
            let register = self.now.register.get(projection);
            let all = register
                .map(|register| register.generations.clone())
                .unwrap_or_default();
            let complete = all.into_iter().filter(|one| {
                let theirs = one.only.as_ref().is_none_or(|only| only.as_str() == tenant);
                theirs && is_complete(one.state)
            });
            complete.map(move |one| format!("{projection}.{}", one.number))
        };
        of(BALANCES).chain(of(NUMBERS)).collect()
    }

    /// Generations that somebody still works on.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let all = self.now.register.iter().flat_map(|(name, register)| {
            let active = register
                .generations
                .iter()
                .filter(|one| one.state != GenerationState::Kept);
            active.map(move |one| format!("{name}.{} is {:?}: {:?}", one.number, one.state, one.problem))
        });
        all.collect()
    }
}
