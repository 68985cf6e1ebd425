//! The log for users of [`cqrs_es`] 0.5: its framework, its queries and its test kit over the same append as the command bus.
//!
//! [`Cqrs<A>`] makes any kernel aggregate one of cqrs-es: the command is `A::Command`, the event [`CqrsEvent<A>`], the error
//! [`Rejection`](headwater_kernel::Rejection), the services [`Facts`](headwater_kernel::Facts). [`CqrsStore<A>`] is its event store,
//! made for one `TenantScope`: an id of another tenant names nothing there. Items, claims, snapshots and receipts are those of
//! [`AggregateStore`](crate::AggregateStore), so both may serve the same aggregates at the same time, and a command id that one of
//! them has seen the other answers too. Like `AggregateStore` it checks no roles: whoever takes commands from callers does.
//!
//! ```
//! use cqrs_es::test::TestFramework;
//! use headwater_catalog::brand::{Brand, Command, Event};
//! use headwater_dynamodb::Databases;
//! use headwater_event_log::{EventLog, Options, cqrs::{Cqrs, CqrsEvent, metadata}};
//! use headwater_kernel::{Actor, Facts, Id, TenantId, Timestamp};
//! use headwater_runtime::Runtime;
//! use headwater_tenancy::SealingKey;
//! use std::collections::HashMap;
//!
//! // Decisions are tested without any store. Only here do the services count.
//! let facts = Facts {
//!     tenant: TenantId::new("acme")?,
//!     id: Id::new("B1")?,
//!     actor: Actor::new("user:ada"),
//!     now: Timestamp::parse("2026-11-23T08:30:00Z")?,
//! };
//! let register = || Command::Register { name: "Harbor".into(), website: None };
//! TestFramework::<Cqrs<Brand>>::with(facts)
//!     .given_no_previous_events()
//!     .when(register())
//!     .then_expect_events(vec![CqrsEvent(Event::BrandRegistered { name: "Harbor".into(), website: None })]);
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! // Commands are executed for the tenant of a scope, which comes from a verified credential.
//! let scope = headwater_tenancy::testing::scope("acme").await;
//! let (folder, runtime) = (tempfile::tempdir()?, Runtime::tokio());
//! let databases = Databases::embedded(folder.path(), runtime.clone())?;
//! let log = EventLog::new(databases.durable.clone(), SealingKey::new([1; 32]), Options::default(), runtime);
//! log.ensure_tables(headwater_catalog::CONTEXT).await?;
//!
//! let brands = log.cqrs::<Brand>();
//! let framework = brands.scoped(&scope).framework(vec![]);
//! let once = HashMap::from([(metadata::COMMAND_ID.to_owned(), "order-17".to_owned())]);
//! framework.execute_with_metadata("B1", register(), once.clone()).await?;
//! // The same command again: its receipt, not a second commit, and not "it exists already".
//! framework.execute_with_metadata("B1", register(), once).await?;
//!
//! use cqrs_es::EventStore;
//! let events = brands.scoped(&scope).load_events("B1").await?;
//! assert_eq!(events.len(), 1);
//! assert_eq!(events[0].metadata[metadata::COMMAND_ID], "order-17");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What differs from cqrs-es' own stores
//!
//! - **One commit is one put.** All events of a command are one item, or one transaction with the claims that they change. cqrs-es'
//!   stores write an item per event.
//! - **Metadata has known keys** ([`metadata`]). Any other is refused before anything is sent, because a commit has no place for it. The
//!   actor is the scope's.
//! - **A repeated command id succeeds with the first commit's events**, also when the command would be refused by now, as long as it is
//!   among the aggregate's last 1,000 commits. Queries are dispatched to again, since the first process may have died before that; the
//!   events then carry [`metadata::REPLAYED`]. The id with another command or payload is refused as `idempotency-key-reused`. For this
//!   a refusal waits for the metadata: on an aggregate that a store has loaded, `handle` keeps a rejection and answers `Ok`, and `commit`
//!   returns it as the `UserError`. In the test kit `handle` returns it.
//! - **Facts come from the store**, made when the aggregate is loaded: the scope's tenant and actor, the id that was asked for, the
//!   time. The services that a framework was given are for the test kit; they cannot speak for another tenant.
//! - **`AggregateConflict`** means that another commit came first. It is not retried, as with cqrs-es; the command bus does retry.
//! - **A value that another aggregate has claimed** is a `UserError` with the code `already-taken`.
//! - **Ids** follow [`Id`](headwater_kernel::Id); others are a `UserError` with the code `invalid-id`.
//!
//! # Errors
//!
//! | cqrs-es | when |
//! |---|---|
//! | `UserError` | a rejection, a claimed value, an id or metadata that cannot be, a reused command id, events too large for one commit |
//! | `AggregateConflict` | another commit came first |
//! | `DatabaseConnectionError` | the store did not answer; the command may have been committed, and is safe to repeat with its id |
//! | `DeserializationError` | this build cannot read an event or a commit |
//! | `UnexpectedError` | the store refused for good: permissions, a missing table |
//!
//! The boxed errors are [`Error`](crate::Error).
//!
//! # What it costs
//!
//! `load_aggregate` reads the newest snapshot (0.5 RCU per 4 KB, and for none) and consistently every commit after it (1 RCU per 4 KB,
//! at least 1). `commit` of a warm aggregate costs 0 RCU and 1 WCU per KB, like a command on the bus. So one small warm command is
//! 1.5 RCU and 1 WCU. The first commit to an aggregate by clones of one [`CqrsStores`] loads it into their cache once more; the first
//! after another process wrote reads what is newer (1 RCU), as does a refusal or an empty decision under a given command id. Without
//! an id those cost nothing but the load. `load_events` reads every commit.

mod aggregate;
mod decided;
mod event;
pub mod metadata;
mod store;

pub use aggregate::Cqrs;
pub use event::CqrsEvent;
pub use store::{CqrsContext, CqrsStore, CqrsStores};
