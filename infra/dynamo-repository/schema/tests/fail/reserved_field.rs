use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}")]
struct Account {
    id: Id,
    version: u64,
    gsi1: String,
    #[serde(default, rename = "PK")]
    partition: String,
}

fn main() {}
