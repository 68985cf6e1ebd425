//! What an operator does about parked aggregates: look, try again, or discard the commit that stops them.

use crate::{
    ApplyError, Consumer, Parked, Parking, SourceCommits, SourceKey, applying::apply, follower::Chain,
    parking::without_quotes,
};
use headwater_tenancy::TenantScope;

/// What became of a parked aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It is applied as far as its history goes, and parked no more.
    Applied,
    /// It stopped again, at this commit and for this reason.
    StillParked(Box<Parked>),
    /// It was not parked.
    NotParked,
}

impl Parking {
    /// Applies a parked aggregate as far as its history goes. With `discard` the commit that stopped it advances the head and has no
    /// effect in this generation; a rebuild will meet it again.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] when a store does not answer; the aggregate stays parked.
    pub async fn retry(
        &self,
        consumer: &Consumer,
        scope: &TenantScope,
        context: &str,
        source: &SourceKey,
        discard: bool,
    ) -> Result<Retried, ApplyError> {
        let name = consumer.name();
        let mut discard_next = discard;
        loop {
            let Some(mut parked) = self.find(&name, context, source).await? else {
                return Ok(Retried::NotParked);
            };
            let news = SourceCommits {
                scope: scope.clone(),
                id: source.id.clone(),
                commits: Vec::new(),
                up_to: parked.up_to.max(parked.first_sequence),
                from: parked.first_sequence,
                discard: discard_next.then_some(parked.first_sequence),
            };
            let applied = apply(consumer, context, &[(source, &news)]).await;
            let applied = match applied.into_iter().next().unwrap_or(Ok(())) {
                // Released only once the effect is safe: an index keeps what it was given in memory until it commits.
                Ok(()) => consumer.positions.flush().await,
                Err(error) => Err(error),
            };
            match applied {
                // Told of more in the meantime: once more, from where it stands now.
                Ok(()) if !self.release(&parked).await? => discard_next = false,
                Ok(()) => return Ok(Retried::Applied),
                Err(error @ (ApplyError::Commit { .. } | ApplyError::Permanent(_))) => {
                    if let ApplyError::Commit { first_sequence, .. } = &error {
                        parked.first_sequence = *first_sequence;
                    }
                    parked.reason = without_quotes(&Chain(&error).to_string());
                    self.park(&parked).await?;
                    return Ok(Retried::StillParked(Box::new(parked)));
                }
                Err(error) => return Err(error),
            }
        }
    }
}
