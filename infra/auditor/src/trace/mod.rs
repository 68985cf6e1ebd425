//! Follows clients, requests and answers through the bodies of functions, and notes what is said about each call.

mod body;
mod call;
mod expression;
mod facts;
mod items;
mod macros;
mod method;
mod pattern;
mod sdk;

pub use facts::{Facts, Key, Limit, RawSite, Said, Traced};
pub use items::trace;
