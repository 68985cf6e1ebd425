//! The command side: HTTP and gRPC in, one bus, receipts out.
//!
//! The bus knows the aggregates by what the binary registers with its builder; no context is named here. What a command means is
//! decided in `domain`, how it is stored in `infra/event-log`, who may call in `infra/tenancy`, and what all edges share in
//! `infra/edge`.

mod batch;
mod bus;
mod grpc;
mod handler;
mod http;
mod openapi;
mod precondition;
mod receipt;
mod refusal;
mod submission;

pub use bus::{CommandBus, CommandBusBuilder};
pub use grpc::grpc;
pub use http::router;
pub use openapi::describe;
pub use receipt::{Accepted, Receipt, ReceiptEvent};
pub use submission::Submission;
