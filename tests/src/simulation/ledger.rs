//! Watches every write that the stores take, and holds it against the invariants.

mod feeding;
mod generations;

use crate::{
    account::Event,
    invariants::{self, Committed, Holder},
    projections::{BALANCES, Balance, NUMBERS, Numbers},
};
use headwater_dynamo_repository::Registered;
use headwater_dynamodb::{
    Store,
    simulated::{Effect, SimulatedEngine},
};
use headwater_kernel::{Id, StoredEvent};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The stream whose shard a batch of the feed was read from; `None` for a repair.
type Source = Option<String>;

/// A tenant's account.
pub type Account = (String, String);

/// What a power cut takes back.
#[derive(Debug, Clone, Default)]
struct Rebuildable {
    /// By consumer: how far it is with an account.
    heads: BTreeMap<(String, Account), u64>,
    /// By consumer: up to where an account is parked.
    parked: BTreeMap<(String, Account), u64>,
    leases: BTreeMap<String, Holder>,
    /// Up to where checkpoints were verified, by their key.
    verified: BTreeMap<(String, String), u128>,
    /// The register of generations.
    register: BTreeMap<String, Registered>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Every account of the log.
    pub histories: BTreeMap<Account, Vec<Committed>>,
    /// Accounts and commits that an operator may have discarded.
    pub discards: BTreeMap<Account, BTreeSet<u64>>,
    /// What is in the feed, and how often.
    pub feed: BTreeMap<(String, String, u64), u32>,
    /// The last batch of each tenant's feed, and the last reference of each account from each source.
    batches: BTreeMap<String, u64>,
    order: BTreeMap<(Source, Account), u64>,
    /// From where the batches of the request come that is being looked at.
    source: Source,
    /// The stream for which the feed is said to be whole.
    whole: Option<String>,
    positions: BTreeMap<(String, String), u128>,
    now: Rebuildable,
    safe: Rebuildable,
    /// Whether the stream keeps the order of an account's commits.
    ordered: bool,
    /// Generations that were made and took over; and those that somebody asked for.
    pub switches: (u64, u64),
    /// What did not hold.
    pub violations: Vec<String>,
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

fn number<T: std::str::FromStr + Default>(item: &Value, name: &str) -> T {
    item[name]["N"]
        .as_str()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

/// The generation that a row is of: `…#~balances.1`.
fn consumer_of(partition_key: &str) -> String {
    let end = partition_key.rsplit("#~").next();
    end.unwrap_or_default().to_owned()
}

/// `TENANT#t#accounts#id`.
fn account_of(partition_key: &str) -> Account {
    let mut parts = partition_key.split('#').skip(1);
    let tenant = parts.next().unwrap_or_default().to_owned();
    (tenant, parts.nth(1).unwrap_or_default().to_owned())
}

fn id(account: &Account) -> Id {
    Id::new(&account.1).expect("an id")
}

/// The commit of an item of the log, with its account.
fn committed(item: &Value) -> (Account, Committed) {
    let stored: Vec<StoredEvent> = serde_json::from_str(text(item, "events")).expect("events");
    let event = |stored: &StoredEvent| -> Event {
        let data: Value = serde_json::from_str(stored.data.get()).expect("data");
        serde_json::from_value(serde_json::json!({ "type": stored.event_type, "data": data })).expect("an event")
    };
    let commit = Committed {
        first: text(item, "SK").parse().expect("a sequence"),
        events: stored.iter().map(event).collect(),
    };
    (account_of(text(item, "PK")), commit)
}

/// What a request has written: table, key, and the item if the request holds it.
fn writes<'a>(operation: &str, request: &'a Value) -> Vec<(&'a str, Value, Option<&'a Value>)> {
    let key = |item: &Value| serde_json::json!({ "PK": item["PK"], "SK": item["SK"] });
    let table = |request: &'a Value| request["TableName"].as_str().unwrap_or_default();
    match operation {
        "PutItem" => vec![(table(request), key(&request["Item"]), Some(&request["Item"]))],
        "BatchWriteItem" => request["RequestItems"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(table, writes)| {
                writes
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(move |write| (table.as_str(), write))
            })
            .filter_map(|(table, write)| {
                let item = write.get("PutRequest")?.get("Item")?;
                Some((table, key(item), Some(item)))
            })
            .collect(),
        "UpdateItem" | "DeleteItem" => vec![(table(request), request["Key"].clone(), None)],
        "TransactWriteItems" => request["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|item| item.as_object().into_iter().flatten())
            .filter_map(|(kind, write)| match kind.as_str() {
                "Put" => Some((table(write), key(&write["Item"]), Some(&write["Item"]))),
                "Update" | "Delete" => Some((table(write), write["Key"].clone(), None)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

impl Ledger {
    /// Empty. `ordered`: the stream keeps the order of an account's commits.
    pub fn new(ordered: bool) -> Self {
        Self {
            ordered,
            ..Self::default()
        }
    }

    fn hold(&mut self, broken: Option<String>) {
        self.violations.extend(broken);
    }

    /// Looks at what a request has done.
    pub fn ran(&mut self, engine: &SimulatedEngine, effect: &Effect<'_>) {
        if effect.status != 200 {
            return;
        }
        let store = effect.call.store;
        let all = writes(effect.call.operation, effect.request);
        // Batches before the position that lies in the same transaction.
        let (positions, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(_, key, _)| text(key, "PK").starts_with("FEED#"));
        self.source = positions
            .iter()
            .find_map(|(_, _, item)| item.map(|item| text(item, "stream").to_owned()));
        for (table, key, item) in others.into_iter().chain(positions) {
            let read;
            let item = match item {
                Some(item) => Some(item),
                None => {
                    read = engine.item(store, table, &key);
                    read.as_ref()
                }
            };
            match (table, item) {
                ("bank-events", Some(item)) => self.logged(item),
                ("bank-feed", item) => self.fed(engine, &key, item),
                ("bank", Some(item)) => self.shown(item),
                ("checkpoints", item) => self.kept(engine, &key, item),
                _ => {}
            }
        }
    }

    fn logged(&mut self, item: &Value) {
        let (account, commit) = committed(item);
        let history = self.histories.entry(account.clone()).or_default();
        history.push(commit);
        let broken = invariants::history_is_whole(history).map(|why| format!("{account:?}: {why}"));
        self.hold(broken);
    }

    fn shown(&mut self, item: &Value) {
        let pk = text(item, "PK");
        let tenant = pk.split('#').nth(1).unwrap_or_default().to_owned();
        let version: u64 = number(item, "version");
        let consumer = consumer_of(pk);
        let (projection, account) = match text(item, "entity") {
            "BALANCE" => (BALANCES, (tenant, text(item, "id").to_owned())),
            "HEAD" => (NUMBERS, (tenant, pk.split('#').nth(4).unwrap_or_default().to_owned())),
            _ => return,
        };
        let history = self.histories.get(&account).cloned().unwrap_or_default();
        let maybe = self.discards.get(&account).cloned().unwrap_or_default();
        let broken = if projection == BALANCES {
            let row = Balance {
                id: id(&account),
                cents: number(item, "cents"),
                events: number(item, "events"),
            };
            invariants::row_is_its_fold(&id(&account), &history, version, &row, &maybe)
        } else {
            match serde_json::from_str::<Numbers>(text(item, "state")) {
                Ok(state) => invariants::head_is_its_fold(&id(&account), &history, version, &state),
                Err(error) => Some(format!("{account:?}: a head that cannot be read: {error}")),
            }
        };
        self.hold(broken);
        let known = self.now.heads.entry((consumer.clone(), account.clone())).or_default();
        let before = std::mem::replace(known, version);
        // What fills a generation has no condition, and may come late; its check mends that.
        if self.is_complete(&consumer) {
            let broken = invariants::version_grows(&format!("{consumer} {account:?}"), before, version);
            self.hold(broken);
        }
    }

    fn kept(&mut self, engine: &SimulatedEngine, key: &Value, item: Option<&Value>) {
        let (pk, sk) = (text(key, "PK"), text(key, "SK"));
        if pk == "LEASES" {
            let Some(item) = item else {
                self.now.leases.remove(sk);
                return;
            };
            let owner = item["owner"]["S"].as_str().map(str::to_owned);
            let after = Holder {
                owner,
                fence: number(item, "fence"),
            };
            let before = self.now.leases.insert(sk.to_owned(), after.clone());
            if let Some(before) = before {
                let broken = invariants::lease_changes_hands_with_a_higher_fence(sk, &before, &after);
                self.hold(broken);
            }
        } else if let Some(consumer) = pk.strip_prefix("PARKED#") {
            let mut parts = sk.split('#');
            let account = (
                parts.next().unwrap_or_default().to_owned(),
                parts.nth(2).unwrap_or_default().to_owned(),
            );
            let parked = (consumer.to_owned(), account);
            match item {
                Some(item) => drop(self.now.parked.insert(parked, number(item, "up_to"))),
                None => drop(self.now.parked.remove(&parked)),
            }
        } else if let ("PROJECTIONS", Some(item)) = (pk, item) {
            self.registered(sk, item);
        } else if let (Some(consumer), Some(item)) = (pk.strip_prefix("CHECKPOINT#bank#"), item)
            && self.is_complete(consumer)
        {
            self.passed(engine, consumer, item);
        }
    }

    /// A position was written: everything before it has had its effect.
    fn passed(&mut self, engine: &SimulatedEngine, consumer: &str, item: &Value) {
        let shard = text(item, "SK").to_owned();
        let finished = item["finished"]["BOOL"].as_bool() == Some(true);
        let to: u128 = if finished {
            u128::MAX
        } else {
            text(item, "sequence").parse().unwrap_or(0)
        };
        let place = (consumer.to_owned(), shard.clone());
        let from = self.now.verified.get(&place).copied().unwrap_or(0);
        let records = engine.records(text(item, "stream"), &shard);
        let last = records.last().map_or(0, |last| last.sequence);
        let commits: Vec<(Account, u64)> = records
            .iter()
            .filter(|record| record.sequence > from && record.sequence <= to)
            .map(|record| committed(&record.image))
            .map(|(account, commit)| (account, commit.version()))
            .collect();
        let only = self.only(consumer);
        let reached = |account: &Account| {
            if only.as_ref().is_some_and(|only| *only != account.0) {
                return u64::MAX;
            }
            let head = self
                .now
                .heads
                .get(&(consumer.to_owned(), account.clone()))
                .copied()
                .unwrap_or(0);
            let parked = self
                .now
                .parked
                .get(&(consumer.to_owned(), account.clone()))
                .copied()
                .unwrap_or(0);
            head.max(parked)
        };
        let broken = invariants::position_is_behind_its_effect(
            commits.iter().map(|(account, version)| (account, *version)),
            reached,
        );
        self.now.verified.insert(place, to.min(last).max(from));
        self.hold(broken.map(|why| format!("checkpoint of {consumer} in {shard}: {why}")));
    }

    /// The rebuildable store was synced.
    pub fn sync(&mut self) {
        self.safe = self.now.clone();
    }

    /// The power went.
    pub fn lose_power(&mut self) {
        self.now = self.safe.clone();
    }

    /// Every way in which views and feed differ from the log.
    pub fn differences(&self, engine: &SimulatedEngine) -> Vec<String> {
        let mut differences = Vec::new();
        let mut numbers: BTreeMap<(String, Account), BTreeSet<String>> = BTreeMap::new();
        for item in engine.items(Store::Rebuildable, "bank") {
            if text(&item, "entity") == "NUMBER" {
                let tenant = text(&item, "PK").split('#').nth(1).unwrap_or_default().to_owned();
                let account = (tenant, text(&item, "account").to_owned());
                let of = numbers.entry((consumer_of(text(&item, "PK")), account)).or_default();
                of.insert(text(&item, "number").to_owned());
            }
        }
        for (account, history) in &self.histories {
            let version = history.last().map_or(0, Committed::version);
            let state = invariants::fold::<Numbers>(&id(account), history, version, &BTreeSet::new());
            for consumer in self.complete_for(&account.0) {
                let of = (consumer, account.clone());
                let head = self.now.heads.get(&of).copied().unwrap_or(0);
                if head != version {
                    differences.push(format!("{account:?}: {} at {head}, the log at {version}", of.0));
                }
                if !of.0.starts_with(NUMBERS) {
                    continue;
                }
                let shown = numbers.remove(&of).unwrap_or_default();
                if shown != *state.numbers() {
                    differences.push(format!("{of:?}: rows for {shown:?}, not {:?}", state.numbers()));
                }
            }
        }
        differences.extend(
            numbers
                .iter()
                .map(|(of, rows)| format!("{of:?}: rows {rows:?} of nothing")),
        );
        differences.extend(self.unfinished());
        let parked = self.now.parked.keys();
        differences.extend(parked.map(|(consumer, account)| format!("{account:?} is parked in {consumer}")));
        differences.extend(invariants::feed_has_each_once(&self.feed, self.commits()));
        differences
    }

    /// Every commit of the log: tenant, account, first sequence.
    pub fn commits(&self) -> Vec<(String, String, u64)> {
        let of = |(account, history): (&Account, &Vec<Committed>)| {
            let (tenant, id) = account.clone();
            let firsts: Vec<u64> = history.iter().map(|commit| commit.first).collect();
            firsts
                .into_iter()
                .map(move |first| (tenant.clone(), id.clone(), first))
                .collect::<Vec<_>>()
        };
        self.histories.iter().flat_map(of).collect()
    }
}
