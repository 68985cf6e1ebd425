use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}#ACCOUNT#{id}", sk = "VISIT#{at}")]
struct Visit {
    id: Id,
    at: Timestamp,
}

/// A time of another type, declared as one.
#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}#ACCOUNT#{id}", sk = "CALL#{second}")]
struct Call {
    id: Id,
    #[dynamo(timestamp)]
    second: u64,
}

fn main() {}
