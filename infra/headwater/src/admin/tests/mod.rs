//! The operators' routes by HTTP and gRPC.

#![allow(clippy::unwrap_used, reason = "a test: a failed step is a failed test")]

mod gate;
mod parked;
mod replays;
mod status;
mod world;
