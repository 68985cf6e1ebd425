//! Projections of the test aggregate: a row per account, and a row per number it has; with a worker that keeps them, and the check that
//! what is kept is what the log says.

use crate::account::{Account, CONTEXT, Event};
use headwater_dynamo_repository::{Generations, Repository};
use headwater_dynamo_schema::{DynamoRepository, RowItem, RowItemError, RowKey};
use headwater_dynamodb::{Database, tables};
use headwater_event_log::{EventLog, decode_commit};
use headwater_kernel::{Aggregate, Id};
use headwater_projectors::{
    Catalogue, Consumer, Projections, ReplayOptions, Replays, Runner, RunnerOptions, Sources, Stores,
};
use headwater_read_models::{EventContext, Fold, ProjectionRegistry, RowFold, RowKind, RowsFold};
use headwater_runtime::Runtime;
use headwater_tenancy::{TenantScope, WorkerAuthority};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

/// The projection of [`Balance`].
pub const BALANCES: &str = "balances";
/// The projection of [`Numbers`].
pub const NUMBERS: &str = "numbers";

/// Withdrawals of these amounts make the fold panic, as a bug would.
static POISON: Mutex<BTreeSet<i64>> = Mutex::new(BTreeSet::new());

/// Makes the fold of a withdrawal of `cents` panic, or mends it; negative, that of so many numbers.
pub fn poison(cents: i64, on: bool) {
    let mut poison = POISON.lock().unwrap_or_else(PoisonError::into_inner);
    if on {
        poison.insert(cents);
    } else {
        poison.remove(&cents);
    }
}

thread_local! {
    /// Whether folds are only compared with, and no bug is in the way.
    static COMPARING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Folds without the bug, for a comparison.
pub(crate) fn compare<T>(fold: impl FnOnce() -> T) -> T {
    let before = COMPARING.replace(true);
    let folded = fold();
    COMPARING.set(before);
    folded
}

fn is_poison(cents: i64) -> bool {
    !COMPARING.get() && POISON.lock().unwrap_or_else(PoisonError::into_inner).contains(&cents)
}

/// What an account holds, and how many events made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(table = "bank", entity = "BALANCE", pk = "TENANT#{tenant_id}", sk = "BALANCE#{id}")]
pub struct Balance {
    /// The account.
    pub id: Id,
    /// What is in it.
    pub cents: i64,
    /// Events folded: a commit applied twice would show.
    pub events: u64,
}

impl Fold for Balance {
    type Source = Account;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            cents: 0,
            events: 0,
        }
    }

    fn apply(&mut self, _: &EventContext<'_>, event: &Event) {
        self.events += 1;
        match event {
            Event::Deposited { cents } => self.cents += cents,
            Event::Withdrawn { cents } => {
                // The state is half changed when it panics.
                self.cents -= cents;
                assert!(!is_poison(*cents), "a fold with a bug");
            }
            Event::Numbered { .. } => {}
        }
    }
}

impl RowFold for Balance {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}

/// One number of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "bank",
    entity = "NUMBER",
    pk = "TENANT#{tenant_id}",
    sk = "NUMBERS#{account}#NUMBER#{number}"
)]
pub struct NumberRow {
    /// The account.
    pub account: Id,
    /// The number.
    pub number: String,
}

/// The numbers of an account, a row each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    id: Id,
    /// All of them.
    pub numbers: BTreeSet<String>,
}

impl Numbers {
    /// Those that it has.
    pub fn numbers(&self) -> &BTreeSet<String> {
        &self.numbers
    }
}

impl Fold for Numbers {
    type Source = Account;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            numbers: BTreeSet::new(),
        }
    }

    fn apply(&mut self, _: &EventContext<'_>, event: &Event) {
        if let Event::Numbered { numbers } = event {
            self.numbers = numbers.iter().cloned().collect();
            let count = i64::try_from(numbers.len()).unwrap_or_default();
            assert!(!is_poison(-count), "a fold with a bug");
        }
    }
}

impl RowsFold for Numbers {
    const TABLE: &'static str = CONTEXT;

    fn kinds() -> Vec<RowKind> {
        vec![RowKind::of::<NumberRow>()]
    }

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        let row = |number: &String| {
            RowItem::of(&NumberRow {
                account: self.id.clone(),
                number: number.clone(),
            })
        };
        self.numbers.iter().map(row).collect()
    }
}

/// Registers both.
pub fn register(registry: &mut impl ProjectionRegistry) {
    registry.row::<Balance>(BALANCES);
    registry.rows::<Numbers>(NUMBERS);
}

/// What keeps the projections of one set of stores.
#[derive(Clone)]
pub struct Keeping {
    /// The log.
    pub log: EventLog,
    /// Where the views are.
    pub views: Database,
    /// A clock.
    pub runtime: Runtime,
    /// Acts for the tenants of commits.
    pub authority: WorkerAuthority,
    generations: Generations,
}

impl Keeping {
    /// Makes the tables that are missing.
    pub async fn new(log: EventLog, views: Database, runtime: Runtime) -> Self {
        for table in [tables::views_table(CONTEXT), tables::checkpoints_table()] {
            views.ensure_table(&table).await.expect("the table is made");
        }
        Self::over(log, views, runtime)
    }

    /// On tables that are there.
    pub fn over(log: EventLog, views: Database, runtime: Runtime) -> Self {
        let operator = crate::sealing_key().operator();
        Self {
            log,
            generations: Generations::new(views.clone(), runtime.clone()),
            views,
            runtime,
            authority: WorkerAuthority::new(&operator, headwater_kernel::Region::Us),
        }
    }

    /// The repository of a projection.
    pub fn repository(&self, projection: &'static str) -> Repository {
        let key = crate::sealing_key();
        Repository::new(self.views.clone(), projection, self.generations.clone(), key)
    }

    /// Where projections find what they need.
    pub fn stores(&self) -> Stores {
        let keeping = self.clone();
        Stores {
            log: self.log.clone(),
            views: self.views.clone(),
            repository: Arc::new(move |projection| keeping.repository(projection)),
            indexes: headwater_projectors::Indexes::none(),
            metrics: headwater_projectors::Metrics::none(),
        }
    }

    /// Where their commits come from.
    pub fn sources(&self) -> Sources {
        Sources {
            log: self.log.clone(),
            views: self.views.clone(),
            authority: self.authority.clone(),
            contexts: vec![CONTEXT.to_owned()],
        }
    }

    /// The consumers of both projections.
    pub fn consumers(&self) -> Vec<Consumer> {
        self.consumers_of(1)
    }

    /// The consumers of a generation of both.
    pub fn consumers_of(&self, generation: u32) -> Vec<Consumer> {
        let mut projections = Projections::new(self.stores(), generation);
        register(&mut projections);
        projections.consumers()
    }

    /// What an operator does about replays of both.
    pub fn replays(&self, options: ReplayOptions) -> Replays {
        let mut catalogue = Catalogue::new(self.stores());
        register(&mut catalogue);
        Replays::new(self.sources(), catalogue, options, self.runtime.clone())
    }

    /// Starts a worker.
    pub fn start(&self, options: RunnerOptions) -> Runner {
        Runner::start(self.sources(), self.consumers(), options, &self.runtime)
    }

    /// What each account of the log folds to, with its version.
    pub async fn expected(&self, scope: &TenantScope) -> BTreeMap<Id, (Balance, Numbers, u64)> {
        let mut expected = BTreeMap::new();
        for segment in 0..2 {
            let mut after = None;
            loop {
                let page = self
                    .log
                    .segment_page(&self.authority, CONTEXT, segment, 2, after.take())
                    .await
                    .expect("the log is read");
                for logged in page.commits.iter().filter(|one| one.scope.tenant() == scope.tenant()) {
                    let commit = &logged.commit;
                    let (balance, numbers, version) = expected
                        .entry(commit.id.clone())
                        .or_insert_with(|| (Balance::empty(&commit.id), Numbers::empty(&commit.id), 0));
                    assert_eq!(commit.first_sequence, *version + 1, "the log has a gap or a double");
                    for (recorded, event) in commit.recorded().zip(decode_commit::<Account>(commit).expect("events")) {
                        let at = EventContext {
                            id: &commit.id,
                            sequence: recorded.sequence,
                            time: recorded.time,
                            actor: &commit.actor,
                            writer: commit.writer,
                            begins_commit: recorded.sequence == commit.first_sequence,
                        };
                        balance.apply(&at, &event);
                        numbers.apply(&at, &event);
                    }
                    *version = commit.version();
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        expected
    }

    /// Every way in which the views of a tenant differ from the log.
    pub async fn differences(&self, scope: &TenantScope) -> Vec<String> {
        let (balances, numbers) = (self.repository(BALANCES), self.repository(NUMBERS));
        let mut differences = Vec::new();
        for (id, (balance, held, version)) in self.expected(scope).await {
            match balances
                .find::<Balance>(scope, &Balance::key(&id))
                .await
                .expect("the row is read")
            {
                None => differences.push(format!("{id}: no balance, the log is at {version}")),
                Some(row) if (row.version, &row.entity) != (version, &balance) => {
                    differences.push(format!(
                        "{id}: {:?} at {}, not {balance:?} at {version}",
                        row.entity, row.version
                    ));
                }
                Some(_) => {}
            }
            let head = numbers
                .head(scope, CONTEXT, Account::NAME, &id)
                .await
                .expect("the head is read");
            let head_version = head.map_or(0, |head| head.version);
            if head_version != version {
                differences.push(format!("{id}: the numbers are at {head_version}, not {version}"));
            }
            for number in &held.numbers {
                let row = numbers.find::<NumberRow>(scope, &NumberRow::key(&id, number)).await;
                if row.expect("the row is read").is_none() {
                    differences.push(format!("{id}: no row for the number {number}"));
                }
            }
        }
        differences
    }

    /// Every way in which the feed of a tenant differs from the log: each commit is in it once. (Each aggregate's are in order unless
    /// the log had to fill in.)
    pub async fn feed_differences(&self, scope: &TenantScope) -> Vec<String> {
        let mut seen: BTreeMap<(Id, u64), u32> = BTreeMap::new();
        let mut next = 1;
        loop {
            let batches = self
                .log
                .feed_batches(scope, CONTEXT, next, 100)
                .await
                .expect("the feed is read");
            let Some(last) = batches.last() else { break };
            next = last.number + 1;
            for reference in batches.iter().flat_map(|batch| &batch.references) {
                *seen
                    .entry((reference.id.clone(), reference.first_sequence))
                    .or_default() += 1;
            }
        }
        let mut differences: Vec<String> = seen
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|((id, sequence), times)| format!("{id}/{sequence} is {times} times in the feed"))
            .collect();
        for (id, (_, _, version)) in self.expected(scope).await {
            let aggregate = headwater_kernel::AggregateType::of::<Account>();
            let commits = self
                .log
                .commits(scope, &aggregate, &id, 1)
                .await
                .expect("the history is read");
            assert_eq!(commits.last().map(headwater_kernel::Commit::version), Some(version));
            for commit in commits {
                if !seen.contains_key(&(id.clone(), commit.first_sequence)) {
                    differences.push(format!("{id}/{} is not in the feed", commit.first_sequence));
                }
            }
        }
        differences
    }

    /// Waits until the views and the feed are what the log says.
    ///
    /// # Panics
    /// When they are not after three minutes, with what differs.
    pub async fn settled(&self, scope: &TenantScope) {
        let until = self.runtime.monotonic() + std::time::Duration::from_secs(180);
        loop {
            let mut differences = self.differences(scope).await;
            differences.extend(self.feed_differences(scope).await);
            if differences.is_empty() {
                return;
            }
            assert!(self.runtime.monotonic() < until, "still different: {differences:#?}");
            self.runtime.sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
