//! Metrics: one port, its adapters as modules.
//!
//! [`MetricStore`] is the port: points go in, bins come out, and every call takes a [`TenantScope`](headwater_tenancy::TenantScope), which a
//! query can therefore neither leave out nor name. What a point is, is said in `headwater_read_models::metrics`.

mod batch;
mod bin;
mod bins;
mod cut;
mod error;
pub mod influx;
mod query;
pub mod sqlite;
mod store;
pub mod timestream;

pub use bin::{Bin, InvalidBin};
pub use error::Error;
pub use query::{Answer, Fill, Item, MAX_BINS, MAX_GROUPS, Query, Stat};
pub use store::{MetricStore, PointWrite, SeriesInfo, Written};
