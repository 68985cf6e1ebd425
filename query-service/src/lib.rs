//! The query side: views, lists, histories, searches and subscriptions, by HTTP and gRPC with the same meaning.
//!
//! What can be read is registered: views and search documents by `headwater_read_models::register`, histories by each context's own
//! `register`. The lists are one table, [`lists`], and the searches another, [`searches`]; HTTP, gRPC and OpenAPI follow them. Personal
//! data becomes plain here and nowhere before.

mod audit;
mod builder;
mod consistency;
mod grpc;
mod history;
mod http;
mod lists;
mod metrics;
mod openapi;
mod parameters;
mod prices;
mod refusal;
mod searches;
mod service;
mod subscribe;
mod view;

pub use builder::QueryServiceBuilder;
pub use grpc::grpc;
pub use http::router;
pub use openapi::describe;
pub use service::QueryService;
pub use subscribe::{EndReason, FeedEvent, Message, Subscription, SubscriptionOptions};
