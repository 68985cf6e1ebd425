//! Filling a generation from the log: segments in parallel, each aggregate folded once, one write for each row.

use super::{
    ReplayError,
    folding::{Done, Folding, Whose},
    job::Job,
    progress::Segment,
    refold::Effect,
    sums::Sums,
    writer::{Source, Writer},
};
use crate::{ApplyError, SourceCommits, consumer::PositionStore};
use headwater_dynamo_repository::{BulkWrite, ItemKey};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Semaphore, mpsc};

/// What is done with an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its rows are written.
    Fill,
    /// Its rows are deleted.
    Delete,
}

/// Goes through the whole log, as far as that was not done before.
pub(crate) struct Pass {
    pub(crate) job: Arc<Job>,
    pub(crate) whose: Whose,
    pub(crate) purpose: Purpose,
    pub(crate) positions: Option<Arc<dyn PositionStore>>,
}

impl Pass {
    /// Until everything is done.
    pub(crate) async fn run(self) -> Result<(), ReplayError> {
        let job = &self.job;
        let (known, _) = job.patiently(|| job.progress.load(&job.consumer)).await?;
        let mut open = VecDeque::new();
        for number in 0..job.segments {
            for context in &job.contexts {
                let same = |segment: &&Segment| segment.context == *context && segment.number == number;
                match known.iter().find(same) {
                    Some(segment) if segment.done => {}
                    Some(segment) => open.push_back(segment.clone()),
                    None => open.push_back(Segment {
                        context: context.clone(),
                        number,
                        ..Segment::default()
                    }),
                }
            }
        }
        let (results, mut ended) = mpsc::unbounded_channel();
        let (queue, in_flight) = (
            Arc::new(Mutex::new(open)),
            Arc::new(Semaphore::new(job.options.in_flight)),
        );
        let (runtime, job_in_flight) = (job.runtime.clone(), job.options.in_flight);
        let this = Arc::new(self);
        for _ in 0..this.job.options.concurrency {
            let (this, queue, in_flight, results) = (
                Arc::clone(&this),
                Arc::clone(&queue),
                Arc::clone(&in_flight),
                results.clone(),
            );
            drop(runtime.spawn(async move {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(segment) = next() {
                    let result = this.segment(segment, &in_flight).await;
                    let failed = result.is_err();
                    if failed {
                        queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    }
                    let _ = results.send(result);
                }
            }));
        }
        drop(results);
        let mut result = Ok(());
        while let Some(one) = ended.recv().await {
            result = result.and(one);
        }
        // All of them, also those whose segment has not waited for them: nothing is written any more when this has ended.
        let all = u32::try_from(job_in_flight).unwrap_or(u32::MAX);
        let _ = in_flight.acquire_many(all).await;
        result
    }

    async fn segment(&self, mut segment: Segment, in_flight: &Arc<Semaphore>) -> Result<(), ReplayError> {
        let job = &self.job;
        let history = self.purpose == Purpose::Delete;
        let mut folding = Folding::new(&job.refolds, &segment.context, self.whose.clone(), history);
        let mut writer = Writer::new(Arc::clone(job), Arc::clone(in_flight));
        let mut sums = Sums::new(Arc::clone(job));
        let context: Arc<str> = segment.context.as_str().into();
        let (mut after, before) = (segment.place.clone(), segment.commits);
        let mut saved_at = job.runtime.monotonic();
        loop {
            job.check()?;
            let mut page = job.page(&segment.context, segment.number, after.as_ref()).await?;
            after = page.next.take();
            let end = after.is_none();
            let mut done = folding.page(page);
            if end {
                done.extend(folding.end());
            }
            match self.purpose {
                Purpose::Fill => {
                    for one in done {
                        self.fill(&context, one, &mut writer, &mut sums).await?;
                    }
                }
                Purpose::Delete => self.delete(&context, done, &mut writer).await?,
            }
            let since = job.runtime.monotonic().saturating_sub(saved_at);
            if end || since >= job.options.save_every {
                let mut tally = writer.flush().await?;
                tally += sums.flush().await?;
                if let Some(positions) = &self.positions {
                    job.patiently(|| positions.flush()).await?;
                }
                let (place, passed) = folding.resume();
                segment.place = place.cloned().or(segment.place);
                segment.commits = before + passed;
                segment.rows += tally.rows;
                segment.parked += tally.parked;
                segment.units += tally.units;
                segment.done = end;
                let kept = job.patiently(|| job.progress.save(&job.consumer, &segment, job.fence));
                if !kept.await? {
                    return Err(ReplayError::Stopped);
                }
                saved_at = job.runtime.monotonic();
            }
            if end {
                return Ok(());
            }
        }
    }

    async fn fill(
        &self,
        context: &Arc<str>,
        mut done: Done,
        writer: &mut Writer,
        sums: &mut Sums,
    ) -> Result<(), ReplayError> {
        let job = &self.job;
        if let Some((first_sequence, error)) = &done.stopped {
            job.park(context, &done.key, *first_sequence, done.up_to, error).await?;
            writer.parked();
            let mut tries = 0;
            while let Err(error) = done.mend(&job.log).await {
                tries += 1;
                if tries == 8 || !matches!(error, ApplyError::Retry(_)) {
                    return Err(error.into());
                }
                job.runtime.sleep(crate::options::backoff(tries)).await;
            }
        }
        let version = done.folded.version();
        if version == 0 {
            return Ok(());
        }
        let effect = match done.folded.effect() {
            Ok(effect) => effect,
            Err(error) => {
                job.park(context, &done.key, version, done.up_to, &error).await?;
                writer.parked();
                return Ok(());
            }
        };
        if let Some(follower) = done.refold.follower() {
            let source = SourceCommits {
                scope: done.scope,
                id: done.key.id,
                commits: Vec::new(),
                up_to: version,
                from: 0,
                discard: None,
            };
            // A transaction takes twice as many, and the sums some more.
            let units = match &effect {
                Effect::Items(items) => 2.0 + items.iter().map(|item| 2.0 * item.write_units()).sum::<f64>(),
                // Those are not in DynamoDB.
                Effect::Document(_) | Effect::Points => 0.0,
            };
            return sums.add(follower, source, units).await;
        }
        let source = Source {
            context: Arc::clone(context),
            key: Arc::new(done.key),
            version,
        };
        match effect {
            Effect::Items(items) => {
                for item in items {
                    writer.item(source.clone(), BulkWrite::Put(item)).await?;
                }
            }
            Effect::Document(document) => writer.document(source, *document).await?,
            // A follower writes them, above.
            Effect::Points => {}
        }
        Ok(())
    }

    /// Deletes whatever these aggregates may have in the generation: what the log says that they ever showed, and what their heads say.
    async fn delete(&self, context: &Arc<str>, done: Vec<Done>, writer: &mut Writer) -> Result<(), ReplayError> {
        let job = &self.job;
        for group in done.chunks(100) {
            let mut heads = Vec::with_capacity(group.len());
            for one in group {
                // A key that cannot be made was never written.
                heads.push(one.refold.head_key(&one.scope, &one.key.id).ok().flatten());
            }
            let shown = group.iter().flat_map(|one| one.folded.shown().union(one.folded.sums()));
            let wanted: Vec<_> = heads.iter().flatten().chain(shown).cloned().collect();
            let read = job.patiently(|| async { job.bulk.read(&wanted).await.map_err(crate::race::failed) });
            let stored = read.await?;
            for (one, head) in group.iter().zip(heads) {
                let source = Source {
                    context: Arc::clone(context),
                    key: Arc::new(one.key.clone()),
                    version: one.up_to,
                };
                let there = |key: &&ItemKey| stored.contains_key(*key);
                let shown = one.folded.shown().union(one.folded.sums());
                let mut keys: BTreeSet<_> = shown.filter(there).cloned().collect();
                if let Some(head) = head.and_then(|head| stored.get(&head)) {
                    keys.extend(one.refold.keys_of_head(&one.scope, head));
                    keys.extend(job.bulk.unfinished_keys(&one.scope, head));
                    keys.insert(head.key().clone());
                }
                for key in keys {
                    writer.item(source.clone(), BulkWrite::Delete(key)).await?;
                }
            }
        }
        Ok(())
    }
}
