//! Repositories on the embedded engine: whose rows a call can reach, what a page holds, which writes happen, and what it all costs.

#![allow(clippy::unwrap_used, reason = "tests")]

mod allowance;
mod conditions;
mod costs;
mod generations;
mod golden;
mod isolation;
mod keys;
mod many;
mod paging;
mod rows;
mod steps;
mod together;
mod world;
