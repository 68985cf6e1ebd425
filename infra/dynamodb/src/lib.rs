//! The one place that makes DynamoDB clients: regions, retries, capacity accounting, table definitions, and the embedded engine.
//!
//! All access goes through `aws-sdk-dynamodb` and `aws-sdk-dynamodbstreams`. What differs is where the SDK's HTTP client ends: AWS (or
//! DynamoDB Local), or an engine in this process, reached without a socket. Everything above sees a [`Database`] and cannot tell.
//!
//! - [`Databases`] is the factory: [`Databases::embedded`] or [`Databases::aws`].
//! - [`tables`] holds every table definition, [`Database::ensure_table`] creates and verifies them.
//! - [`AccessPattern`] tags a call, [`Accounting`] tells what calls consumed.
//! - [`classify`] says whether an error may be retried; [`faults`] makes them happen.

mod accounting;
mod aws;
mod client;
mod database;
mod embedded;
mod ensure;
mod error;
pub mod faults;
mod pattern;
mod retry;
#[cfg(feature = "simulation")]
pub mod simulated;
pub mod tables;

pub use accounting::{Accounting, Usage};
pub use aws::{ATTEMPT_TIMEOUT, AwsConfig, AwsParts, CALL_TIMEOUT, aws_credentials};
pub use database::{Database, Databases};
pub use embedded::{EngineOptions, OnSync, Synced};
pub use error::{Class, Error, classify, is_retryable, transaction_reasons};
pub use pattern::AccessPattern;
pub use tables::{Index, Store, TableDefinition};
