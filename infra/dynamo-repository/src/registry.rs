//! The register of generations: per projection which one is live by default, which are kept, and what has been switched.
//!
//! An item of the table `checkpoints`, `PK = PROJECTIONS`, `SK = <projection>`:
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `generation` | N | the default: live for every tenant that has none of its own |
//! | `revision` | N | grows with every change, and is the condition of the next |
//! | `state` | S | the rest, as JSON ([`Registered`]) |

use crate::{Error, attributes::Item, attributes::number, attributes::text};
use headwater_dynamodb::{AccessPattern, Database};
use headwater_kernel::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) const PARTITION: &str = "PROJECTIONS";

/// How far a generation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationState {
    /// It waits until every reader collects for it.
    Attaching,
    /// It is filled from the log.
    Filling,
    /// What was collected meanwhile is applied.
    CatchingUp,
    /// It is compared with the log.
    Checking,
    /// The comparison found differences; it follows the stream and is not shown to anybody.
    CheckFailed,
    /// It takes over.
    Switching,
    /// It is complete and follows the stream, live or not.
    Kept,
    /// Its rows are being deleted.
    Dropping,
}

impl GenerationState {
    /// Whether somebody has work to do for it.
    pub fn is_active(self) -> bool {
        !matches!(self, Self::Kept | Self::CheckFailed)
    }
}

/// A generation of a projection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number; no number is given twice.
    pub number: u32,
    /// The versions of the folds that made it, by `<context>.<aggregates>`.
    pub folds: BTreeMap<String, u32>,
    /// How far it has come.
    pub state: GenerationState,
    /// The one tenant that it is made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<TenantId>,
    /// When it was begun.
    pub made_at: Timestamp,
    /// Since when its filling reads the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filling_since: Option<Timestamp>,
    /// When it was live last, if it is so no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// Most write units a second that filling and dropping may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_units_per_second: Option<f64>,
    /// Into how many segments each context is read.
    pub segments: u32,
    /// What keeps it from going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A change of what is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switched {
    /// When.
    pub at: Timestamp,
    /// For whom; all when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// What was live before.
    pub from: u32,
    /// What is since.
    pub to: u32,
    /// Whether somebody asked for it, rather than a replay having come to its end.
    pub asked: bool,
}

/// What is registered of a projection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Its name.
    #[serde(skip)]
    pub projection: String,
    /// The default: live for every tenant that has none of its own.
    #[serde(skip)]
    pub live: u32,
    /// Grows with every change.
    #[serde(skip)]
    pub revision: u64,
    /// The number of the next generation.
    pub next: u32,
    /// The generations that are there, by number.
    pub generations: Vec<Generation>,
    /// Tenants that have, or may have, a live generation of their own.
    #[serde(default)]
    pub owners: BTreeMap<TenantId, u32>,
    /// The last switches, the newest last.
    #[serde(default)]
    pub switches: Vec<Switched>,
    /// The folds whose generation somebody cancelled or dropped: they are not rebuilt again without being asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<BTreeMap<String, u32>>,
}

/// How many switches are remembered.
const SWITCHES: usize = 100;

/// How often a change is made anew after losing a race.
const RACES: u32 = 20;

impl Registered {
    /// A generation by its number.
    pub fn generation(&self, number: u32) -> Option<&Generation> {
        self.generations.iter().find(|one| one.number == number)
    }

    /// The same, to be changed.
    pub fn generation_mut(&mut self, number: u32) -> Option<&mut Generation> {
        self.generations.iter_mut().find(|one| one.number == number)
    }

    /// Whether a generation is live for anybody, as far as is registered.
    pub fn is_live(&self, number: u32) -> bool {
        self.live == number || self.owners.values().any(|own| *own == number)
    }

    /// The generation that is live for a tenant, or for all that have none of their own.
    pub fn live_for(&self, tenant: Option<&TenantId>) -> u32 {
        tenant
            .and_then(|tenant| self.owners.get(tenant).copied())
            .unwrap_or(self.live)
    }

    /// Gives a generation up at somebody's wish.
    pub fn give_up(&mut self, number: u32) {
        let live = self.generation(self.live).map(|live| live.folds.clone());
        if let Some(one) = self.generation_mut(number) {
            one.state = GenerationState::Dropping;
            let folds = (Some(&one.folds) != live.as_ref()).then(|| one.folds.clone());
            self.declined = folds.or(self.declined.take());
        }
    }

    /// Notes a switch.
    pub fn note(&mut self, switched: Switched) {
        self.switches.push(switched);
        let surplus = self.switches.len().saturating_sub(SWITCHES);
        self.switches.drain(..surplus);
    }
}

/// The register in one database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GenerationRegister {
    database: Database,
}

impl GenerationRegister {
    /// In the table `checkpoints` of `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// All projections that are registered, by name.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`], or [`Error::Unreadable`].
    pub async fn all(&self) -> Result<BTreeMap<String, Registered>, Error> {
        let mut all = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self
                .database
                .client()
                .query()
                .table_name(self.database.table("checkpoints"))
                .key_condition_expression("PK = :pk")
                .expression_attribute_values(":pk", text(PARTITION))
                .consistent_read(true)
                .set_exclusive_start_key(after)
                .customize()
                .interceptor(AccessPattern::system("generations.all"))
                .send()
                .await
                .map_err(Error::of)?;
            for item in page.items() {
                let registered = read(item)?;
                all.insert(registered.projection.clone(), registered);
            }
            after = page.last_evaluated_key;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// What is registered of a projection; nothing before its first registration.
    ///
    /// # Errors
    /// As [`GenerationRegister::all`].
    pub async fn get(&self, projection: &str) -> Result<Option<Registered>, Error> {
        let answer = self
            .database
            .client()
            .get_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", text(PARTITION))
            .key("SK", text(projection))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::system("generations.get"))
            .send()
            .await
            .map_err(Error::of)?;
        answer.item().map(read).transpose()
    }

    /// Registers a projection with its first generation, which is live, unless it is registered already.
    ///
    /// # Errors
    /// As [`GenerationRegister::all`].
    pub async fn found(
        &self,
        projection: &str,
        folds: &BTreeMap<String, u32>,
        now: Timestamp,
    ) -> Result<Registered, Error> {
        if let Some(known) = self.get(projection).await? {
            return Ok(known);
        }
        let mut first = Registered {
            projection: projection.to_owned(),
            live: 1,
            revision: 0,
            next: 2,
            generations: vec![Generation {
                number: 1,
                folds: folds.clone(),
                state: GenerationState::Kept,
                only: None,
                made_at: now,
                filling_since: None,
                retired_at: None,
                write_units_per_second: None,
                segments: 1,
                problem: None,
            }],
            owners: BTreeMap::new(),
            switches: Vec::new(),
            declined: None,
        };
        match self.put(&mut first).await {
            Ok(()) => Ok(first),
            // Another process was faster.
            Err(Error::Conflict) => self.get(projection).await?.ok_or(Error::Conflict),
            Err(error) => Err(error),
        }
    }

    /// Changes what is registered of a projection: reads, lets `change` decide, and writes on condition that nobody else did meanwhile.
    ///
    /// # Errors
    /// What `change` answers, and as [`GenerationRegister::all`]; [`Error::Conflict`] for a projection that is not registered.
    pub async fn change<T, E: From<Error>>(
        &self,
        projection: &str,
        mut change: impl FnMut(&mut Registered) -> Result<T, E> + Send,
    ) -> Result<(Registered, T), E> {
        let mut races = 0;
        loop {
            let known = self.get(projection).await?.ok_or(Error::Conflict)?;
            let mut registered = known.clone();
            let result = change(&mut registered)?;
            if registered == known {
                return Ok((known, result));
            }
            match self.put(&mut registered).await {
                Ok(()) => return Ok((registered, result)),
                Err(Error::Conflict) if races < RACES => races += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn put(&self, registered: &mut Registered) -> Result<(), Error> {
        let state = serde_json::to_string(registered).map_err(|error| Error::unreadable("PROJECTIONS", error))?;
        let before = registered.revision;
        let put = self
            .database
            .client()
            .put_item()
            .table_name(self.database.table("checkpoints"))
            .item("PK", text(PARTITION))
            .item("SK", text(&registered.projection))
            .item("generation", number(registered.live))
            .item("revision", number(before + 1))
            .item("state", text(state));
        let put = match before {
            0 => put.condition_expression("attribute_not_exists(PK)"),
            _ => put
                .condition_expression("revision = :before")
                .expression_attribute_values(":before", number(before)),
        };
        put.customize()
            .interceptor(AccessPattern::system("generations.put"))
            .send()
            .await
            .map_err(Error::of)?;
        registered.revision = before + 1;
        Ok(())
    }
}

fn read(item: &Item) -> Result<Registered, Error> {
    let unreadable = || Error::unreadable("PROJECTIONS", "the item is not of this layout");
    let parse = || {
        let digits = |name: &str| item.get(name)?.as_n().ok()?.parse::<u64>().ok();
        let mut registered: Registered = serde_json::from_str(item.get("state")?.as_s().ok()?).ok()?;
        registered.projection = item.get("SK")?.as_s().ok()?.clone();
        registered.live = u32::try_from(digits("generation")?).ok()?;
        registered.revision = digits("revision")?;
        Some(registered)
    };
    parse().ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_layout_1_are_read() {
        let state = r#"{"next":3,"generations":[{"number":1,"folds":{"crm.leads":1},"state":"kept","made_at":"2025-01-01T00:00:00Z",
            "segments":1},{"number":2,"folds":{"crm.leads":2},"state":"filling","only":"acme","made_at":"2025-01-01T00:00:00Z",
            "write_units_per_second":50.0,"segments":16}],"owners":{"acme":1},
            "switches":[{"at":"2025-01-01T00:00:00Z","from":2,"to":1,"asked":true}]}"#;
        let item = Item::from([
            ("PK".to_owned(), text(PARTITION)),
            ("SK".to_owned(), text("leads")),
            ("generation".to_owned(), number(1)),
            ("revision".to_owned(), number(7)),
            ("state".to_owned(), text(state)),
        ]);
        let registered = read(&item).unwrap();
        assert_eq!((registered.live, registered.revision, registered.next), (1, 7, 3));
        let filling = registered.generation(2).unwrap();
        assert_eq!(filling.state, GenerationState::Filling);
        assert_eq!(filling.only.as_ref().map(TenantId::as_str), Some("acme"));
        assert_eq!(filling.folds["crm.leads"], 2);
        assert!(registered.is_live(1) && !registered.is_live(2));
    }
}
