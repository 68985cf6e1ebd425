//! The command edges, as a client sees them: real sockets, the embedded engine, the catalog.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

mod bad_input;
mod batches;
mod commands;
mod described;
mod grpc;
mod refusals;
mod server;
mod slow_clients;
