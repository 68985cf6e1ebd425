//! The real binary as an installation runs it: `serve` with roles, `doctor`, what both refuse.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test of real processes in real time: a failed step is a failed test"
)]

mod chaos;
mod doctor;
mod drain;
mod embedded;
mod handover;
mod installation;
mod issuer;
mod issuer_keys;
mod process;
mod refused;
mod roles;
mod search_cluster;
