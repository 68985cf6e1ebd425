//! From a command to its commit: load, decide, append, and again when another was faster; and the same receipt for the same command.

use crate::{
    Error, EventLog, NewCommit,
    cache::{Cache, Loaded},
    claims::{self, ClaimChange, PROVISIONAL},
    codec, load,
    log::name_of,
};
use headwater_kernel::{Aggregate, AggregateType, Claim, Commit, Facts, Id, Rejection, Timestamp};
use headwater_tenancy::TenantScope;
use std::sync::Arc;

/// The aggregates of one type, with their cache. Cheap to clone.
pub struct AggregateStore<A> {
    log: EventLog,
    aggregate: AggregateType,
    cache: Arc<Cache<A>>,
}

impl<A> Clone for AggregateStore<A> {
    fn clone(&self) -> Self {
        Self {
            log: self.log.clone(),
            aggregate: self.aggregate,
            cache: Arc::clone(&self.cache),
        }
    }
}

/// How often a write whose answer was lost is looked for and tried again, after the SDK's own retries.
const MAX_UNSURE: u32 = 3;

/// What comes with a command.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The command's id; the same id is the same command.
    pub command_id: String,
    /// The command's name and canonical payload, by which a second use of the id is told from a repetition.
    pub name: &'a str,
    /// See `name`.
    pub payload: &'a [u8],
    /// The version that the caller has seen, if it insists.
    pub expected_version: Option<u64>,
    /// What ties together everything that one request sets in motion.
    pub correlation_id: Option<String>,
    /// The command or event that caused this one.
    pub causation_id: Option<String>,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub enum Executed {
    /// It was committed now.
    Committed(Commit),
    /// It was committed before, under the same id. `version` is where the aggregate stands now, as far as this process knows.
    Replayed {
        /// The commit of the first time.
        commit: Commit,
        /// The aggregate's present version.
        version: u64,
    },
    /// Nothing had to change; the aggregate stands at this version.
    Unchanged {
        /// The aggregate's present version.
        version: u64,
    },
}

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The domain forbids it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The caller insisted on another version than there is.
    #[error("the aggregate is at version {current}, not at {expected}; read it again and decide anew")]
    VersionConflict {
        /// What the caller has seen.
        expected: u64,
        /// What there is.
        current: u64,
    },
    /// The command's id was used before, with another command or payload.
    #[error("this command id was used before with another command or payload; use a new id for a new command")]
    CommandIdReused,
    /// Others kept being faster.
    #[error("other commands to this aggregate kept being faster; try again")]
    Contended,
    /// The log failed.
    #[error(transparent)]
    Log(#[from] Error),
}

impl<A: Aggregate> AggregateStore<A> {
    /// The aggregates of type `A` in `log`.
    pub fn new(log: EventLog) -> Self {
        let cache = Arc::new(Cache::new(log.0.options.cache_bytes));
        Self {
            log,
            aggregate: AggregateType::of::<A>(),
            cache,
        }
    }

    /// Executes a command. `decode` gives it anew for every attempt.
    ///
    /// # Errors
    /// [`Refusal`]. After [`Error::Unavailable`] the command may have been committed; sending it again with the same id is safe.
    pub async fn execute(
        &self,
        scope: &TenantScope,
        id: &Id,
        request: Request<'_>,
        command: impl Fn() -> Result<A::Command, Rejection>,
    ) -> Result<Executed, Refusal> {
        let slot = self.cache.slot(scope.tenant(), id.as_str());
        let mut guard = slot.lock().await;
        // Taken out while in doubt: if this future is dropped in the middle, the next command loads anew.
        let (mut loaded, mut fresh) = match guard.take() {
            Some(loaded) => (loaded, false),
            None => (self.log.load::<A>(scope, &self.aggregate, id).await?, true),
        };
        let mut call = Call {
            tag: self.log.payload_tag(scope.tenant(), request.name, request.payload),
            request,
            sent: Vec::new(),
        };
        let (mut attempts, mut unsure) = (0, 0);
        let result = loop {
            match self.attempt(scope, id, &mut call, &mut loaded, &command).await {
                Ok(done) => break Ok(done),
                // What was decided from a cached state is confirmed against the table before anybody is told.
                Err(Attempt::Confirm(outcome)) => {
                    if fresh || !self.log.catch_up(scope, &self.aggregate, id, &mut loaded).await? {
                        break outcome;
                    }
                    fresh = true;
                }
                Err(Attempt::Again) => {
                    attempts += 1;
                    if attempts >= self.log.0.options.max_attempts {
                        break Err(Refusal::Contended);
                    }
                    if attempts > 1 {
                        self.log.back_off(attempts).await;
                    }
                    self.log.catch_up(scope, &self.aggregate, id, &mut loaded).await?;
                    fresh = true;
                }
                // The write may have happened although its answer was lost: the table knows.
                Err(Attempt::Unsure(error)) => {
                    unsure += 1;
                    if unsure >= MAX_UNSURE {
                        break Err(error.into());
                    }
                    self.log.back_off(unsure + 4).await;
                    self.log.catch_up(scope, &self.aggregate, id, &mut loaded).await?;
                    fresh = true;
                }
                Err(Attempt::Failed(error)) => break Err(error.into()),
            }
        };
        // One whose answer was lost, to us or to the SDK's own retries, is found as a repetition would be.
        let result = match result {
            Ok(Executed::Replayed { commit, .. }) if self.is_own(&call, &commit) => Ok(Executed::Committed(commit)),
            other => other,
        };
        let in_doubt = matches!(&result, Err(Refusal::Log(error)) if error.is_retryable());
        if !in_doubt {
            self.cache
                .weigh(scope.tenant(), id.as_str(), loaded.weight + loaded.window.weight());
            *guard = Some(loaded);
        }
        result
    }

    /// Whether this call wrote the commit, by what names it everywhere.
    fn is_own(&self, call: &Call<'_>, commit: &Commit) -> bool {
        commit.writer == self.log.0.clock.writer() && call.sent.contains(&commit.time)
    }

    async fn attempt(
        &self,
        scope: &TenantScope,
        id: &Id,
        call: &mut Call<'_>,
        loaded: &mut Loaded<A>,
        command: &impl Fn() -> Result<A::Command, Rejection>,
    ) -> Result<Executed, Attempt> {
        if let Some(replayed) = self.replay(scope, id, call, loaded).await? {
            return Ok(replayed);
        }
        let request = &call.request;
        if let Some(expected) = request.expected_version
            && expected != loaded.version
        {
            return Err(Attempt::Confirm(Err(Refusal::VersionConflict {
                expected,
                current: loaded.version,
            })));
        }
        let facts = Facts {
            tenant: scope.tenant().clone(),
            id: id.clone(),
            actor: scope.actor().clone(),
            now: self.log.0.runtime.now(),
        };
        let decided = command().and_then(|command| loaded.state.decide(command, &facts));
        let events = decided.map_err(|rejection| Attempt::Confirm(Err(rejection.into())))?;
        if events.is_empty() {
            return Err(Attempt::Confirm(Ok(Executed::Unchanged {
                version: loaded.version,
            })));
        }
        let mut after = loaded.state.clone();
        events.iter().for_each(|event| after.apply(event));
        let changes = claims::changes(&loaded.state, &after);
        let stored = events
            .iter()
            .map(codec::encode_event::<A>)
            .collect::<Result<Vec<_>, _>>()?;
        let time = self.log.0.clock.reserve(stored.len());
        let new = NewCommit {
            time,
            first_sequence: loaded.version + 1,
            events: stored,
            command_id: request.command_id.clone(),
            correlation_id: request.correlation_id.clone(),
            causation_id: request.causation_id.clone(),
            tag: call.tag.clone(),
        };
        call.sent.push(time);
        match self.log.append(scope, &self.aggregate, id, new, &changes).await {
            Ok(commit) => {
                loaded.state = after;
                loaded.version = commit.version();
                loaded.window.insert(&commit.command_id, commit.first_sequence);
                loaded.weight += commit.events.iter().map(|event| event.data.get().len()).sum::<usize>();
                if loaded.version - loaded.snapshot >= self.log.0.options.snapshot_every {
                    loaded.snapshot = loaded.version;
                    self.log.snapshot_soon(scope, id, loaded);
                }
                Ok(Executed::Committed(commit))
            }
            Err(Error::Conflict) => Err(Attempt::Again),
            Err(Error::Claimed { claim, .. }) => self.claimed(scope, id, loaded, &changes, claim).await,
            Err(error) if error.is_retryable() => Err(Attempt::Unsure(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// The receipt of the first time, when this command id is in the window.
    async fn replay(
        &self,
        scope: &TenantScope,
        id: &Id,
        Call { request, tag, .. }: &Call<'_>,
        loaded: &Loaded<A>,
    ) -> Result<Option<Executed>, Attempt> {
        let Some(first_sequence) = loaded.window.find(&request.command_id) else {
            return Ok(None);
        };
        let found = self.log.commit_at(scope, &self.aggregate, id, first_sequence).await?;
        let Some(found) = found.filter(|found| found.commit.command_id == request.command_id) else {
            return Ok(None);
        };
        if found.tag != *tag {
            return Err(Attempt::Confirm(Err(Refusal::CommandIdReused)));
        }
        Ok(Some(Executed::Replayed {
            commit: found.commit,
            version: loaded.version,
        }))
    }

    /// A value that the commit takes is claimed. The claim stands if its owner's history bears it out, or may soon.
    async fn claimed(
        &self,
        scope: &TenantScope,
        id: &Id,
        loaded: &mut Loaded<A>,
        changes: &[ClaimChange],
        claim: Claim,
    ) -> Result<Executed, Attempt> {
        // The race may have been lost to this very command, sent twice.
        if self.log.catch_up(scope, &self.aggregate, id, loaded).await? {
            return Err(Attempt::Again);
        }
        let taken = changes.iter().any(|change| change.takes() && *change.claim() == claim);
        let owner = self.log.claim_owner(scope, &self.aggregate, &claim).await?;
        let Some((owner, at)) = owner.filter(|(owner, _)| taken && owner != id) else {
            return Err(Attempt::Again);
        };
        let held = {
            let theirs = self.log.load::<A>(scope, &self.aggregate, &owner).await?;
            theirs
                .state
                .claims()
                .iter()
                .any(|held| held.name == claim.name && held.value == claim.value)
        };
        if !held && self.log.0.runtime.now().since(at) > PROVISIONAL {
            self.log
                .drop_claim(scope, &self.aggregate, &claim, (&owner, at))
                .await?;
            return Err(Attempt::Again);
        }
        Err(Attempt::Confirm(Err(Refusal::Rejected(Rejection::field(
            "already-taken",
            claim.pointer,
            format!(
                "the {} {:?} belongs to {}; it is unique within the tenant",
                claim.name, claim.value, owner
            ),
        )))))
    }

    /// The present state and version of an aggregate, read from the log.
    ///
    /// # Errors
    /// As loading.
    pub async fn read(&self, scope: &TenantScope, id: &Id) -> Result<(A, u64), Error> {
        let loaded = self.log.load::<A>(scope, &self.aggregate, id).await?;
        Ok((loaded.state, loaded.version))
    }

    /// Folds commits into the state that a history ends in; for checks that compare a projection with the log.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a hole or an unknown event.
    pub fn fold<'a>(commits: impl IntoIterator<Item = &'a Commit>) -> Result<(A, u64), Error> {
        let mut loaded = Loaded::<A>::default();
        for commit in commits {
            load::fold(commit, &mut loaded)?;
        }
        Ok((loaded.state, loaded.version))
    }
}

impl<A: Aggregate> std::fmt::Debug for AggregateStore<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&name_of(&self.aggregate, "*"))
    }
}

/// One execution of a command, over all its attempts.
struct Call<'a> {
    request: Request<'a>,
    /// The keyed tag of the payload.
    tag: String,
    /// The times of the commits that were sent.
    sent: Vec<Timestamp>,
}

/// How an attempt ended that did not commit.
enum Attempt {
    /// This is the outcome, unless the state it came from was stale.
    Confirm(Result<Executed, Refusal>),
    /// Another commit came first, or a claim was freed.
    Again,
    /// Whether the commit was written is unknown.
    Unsure(Error),
    /// The log failed.
    Failed(Error),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
