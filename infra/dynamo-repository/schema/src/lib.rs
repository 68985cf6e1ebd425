//! What `#[derive(DynamoRepository)]` expands to: a pure description of a row's keys, indexes and queries. No AWS type appears here, so
//! the domain may use it; `headwater-dynamo-repository` executes it.
//!
//! ```
//! use headwater_dynamo_schema::{DynamoRepository, Entity};
//! use headwater_kernel::{Id, Timestamp};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Clone, DynamoRepository)]
//! #[dynamo(
//!     table = "crm",
//!     pk = "TENANT#{tenant_id}",
//!     sk = "CAPSULE#{capsule_id}#ACCOUNT#{id}",
//!     gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}",
//!     gsi1_sk = "CREATED#{created_at}"
//! )]
//! struct CapsuleAccount {
//!     id: Id,
//!     capsule_id: Id,
//!     owner_id: Option<Id>,
//!     created_at: Timestamp,
//! }
//!
//! let c = Id::new("c#1").unwrap();
//! // A capsule's page of accounts, an owner's accounts, one row: each is one query, for whatever tenant the scope says.
//! assert_eq!(CapsuleAccount::in_capsule(&c).from(), "CAPSULE#c%231#ACCOUNT#");
//! assert_eq!(CapsuleAccount::by_owner_id(&c).partition(), "#OWNER#c%231");
//! assert_eq!(CapsuleAccount::key(&c, &c).sort, "CAPSULE#c%231#ACCOUNT#c%231");
//! assert_eq!(CapsuleAccount::SCHEMA.entity, "CAPSULE_ACCOUNT");
//! ```

mod entity;
mod part;
mod range;
mod row;
mod share;

pub use entity::{Entity, EntitySchema, FromRow, IndexKey, RowKey};
pub use headwater_dynamo_derive::{DynamoEntities, DynamoRepository};
pub use part::KeyPart;
pub use range::Range;
pub use row::{RowItem, RowItemError, is_own_attribute};
pub use share::Share;
