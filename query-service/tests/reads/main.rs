//! The query edges, as a client sees them: real sockets, the embedded engines, rows and documents written beside them.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

mod consistency;
mod described;
mod given;
mod grpc;
mod histories;
mod invoices;
mod lists;
mod metrics;
mod orders;
mod prices;
mod searches;
mod server;
mod trees;
mod variants;
mod views;
