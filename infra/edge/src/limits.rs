//! What an edge allows. Everything has a bound, so that no caller can hold a server up for the others.

use std::time::Duration;

/// The bounds of an edge.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most bytes of a request's body, and of one line or message of a batch. 1 MiB.
    pub max_body: usize,
    /// Most requests in work at the same time; one more is refused at once with 503. 1,024.
    pub max_in_flight: usize,
    /// Most of these that are one tenant's; one more is refused at once with 429. 256.
    pub max_in_flight_per_tenant: usize,
    /// Most searches in work at the same time, of all requests; one more is refused at once with 503. 256.
    pub max_searches: usize,
    /// Most of these that are one tenant's; one more is refused at once with 429. 64.
    pub max_searches_per_tenant: usize,
    /// Most batches streaming at the same time; each may hold 64 MiB of results for a client that reads late. 16.
    pub max_batches: usize,
    /// Most of these that are one tenant's. 4.
    pub max_batches_per_tenant: usize,
    /// Most open connections of a listener; further ones wait to be accepted. 8,192.
    pub max_connections: usize,
    /// How long one command or query may take, its body not counted. 10 s.
    pub deadline: Duration,
    /// How long the headers of a request may take to arrive. 15 s.
    pub header_timeout: Duration,
    /// How long the body of a single request may take to arrive. 30 s.
    pub body_timeout: Duration,
    /// How long a stream may stand still, in either direction. 60 s.
    pub idle_timeout: Duration,
    /// How long requests in work may take to end once the server stops. 10 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            max_in_flight: 1_024,
            max_in_flight_per_tenant: 256,
            max_searches: 256,
            max_searches_per_tenant: 64,
            max_batches: 16,
            max_batches_per_tenant: 4,
            max_connections: 8_192,
            deadline: Duration::from_secs(10),
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(10),
        }
    }
}
