//! The shared kernel: what every bounded context means by tenant, id, key, time, money, personal data, command and event.
//!
//! It holds no client, no socket and no runtime, and it stays small: something belongs here only when two contexts need the same
//! meaning of it. Storage, transport and configuration live under `infra/`.

mod aggregate;
mod claim;
mod command;
mod event;
mod facts;
mod id;
pub mod key;
mod money;
mod personal;
mod registry;
mod rejection;
mod tenant;
pub mod testing;
pub mod text;
mod time;

pub use aggregate::{Aggregate, Upcast};
pub use claim::Claim;
pub use command::{DecodeError, decode_command, encode_command};
pub use event::{Commit, EventId, RecordedEvent, StoredEvent};
pub use facts::{Actor, Facts};
pub use id::{Id, IdError, MAX_ID_BYTES};
pub use money::{Currency, Money, MoneyError};
pub use personal::Personal;
pub use registry::{AggregateRegistry, AggregateType};
pub use rejection::Rejection;
pub use tenant::{Region, TenantId, TenantIdError, UnknownRegion};
pub use time::{Timestamp, TimestampError};
