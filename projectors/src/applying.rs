//! One round: each follower of a consumer gets its sources, and one that panics is asked again source by source.

use crate::{ApplyError, Consumer, Follower, SourceCommits, SourceKey};
use futures::{FutureExt, future::join_all};
use std::{panic::AssertUnwindSafe, sync::Arc};

/// Applies news of several aggregates of a context, of each once; the results stand in the order of the input.
pub(crate) async fn apply(
    consumer: &Consumer,
    context: &str,
    news: &[(&SourceKey, &SourceCommits)],
) -> Vec<Result<(), ApplyError>> {
    let mut results: Vec<Result<(), ApplyError>> = news.iter().map(|_| Ok(())).collect();
    let applied = join_all(consumer.followers.iter().map(async |follower| {
        let mine: Vec<usize> = (0..news.len())
            .filter(|n| follower.source() == (context, news[*n].0.aggregate.as_str()))
            .collect();
        let sources: Vec<SourceCommits> = mine.iter().map(|n| news[*n].1.clone()).collect();
        if sources.is_empty() {
            return Vec::new();
        }
        let applied = guarded(follower, sources).await;
        mine.into_iter().zip(applied).collect::<Vec<_>>()
    }))
    .await;
    for (n, result) in applied.into_iter().flatten() {
        if result.is_err() {
            results[n] = result;
        }
    }
    results
}

async fn guarded(follower: &Arc<dyn Follower>, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>> {
    let attempt = |sources: Vec<SourceCommits>| AssertUnwindSafe(follower.apply(sources)).catch_unwind();
    if let Ok(results) = attempt(sources.clone()).await {
        return results;
    }
    let mut results = Vec::with_capacity(sources.len());
    for source in sources {
        let panicked = || vec![Err(ApplyError::Permanent("the projection panicked".into()))];
        let alone = attempt(vec![source]).await.unwrap_or_else(|_| panicked());
        results.push(alone.into_iter().next().unwrap_or(Ok(())));
    }
    results
}
