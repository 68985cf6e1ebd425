use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "OWNER#{owner_id}", sk = "ACCOUNT#{id}", gsi1_pk = "OWNER#{owner_id}", gsi1_sk = "ACCOUNT#{id}")]
struct Account {
    id: Id,
    owner_id: Id,
}

fn main() {}
