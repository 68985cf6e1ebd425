//! The adapter for OpenSearch against the contract that all adapters keep, on a node that the tests start, and what is its own.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod contract;
mod node;

use node::Own;

search_contract!(Own);

/// The whole contract again with tenants that have an index of their own.
mod apart {
    use super::{contract, node::Apart};

    search_contract!(Apart);
}
