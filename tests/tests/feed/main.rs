//! The feed on the embedded engine: its writer and repair, reading, and subscriptions in process and over real sockets.
#![allow(clippy::unwrap_used, reason = "tests")]

mod audit_log;
mod bounds;
mod given;
mod notes;
mod repair;
mod serving;
mod sockets;
mod store;
mod subscriptions;
