use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "CAPSULE#{capsule}#ACCOUNT#{idd}", gsi1_pk = "TENANT#{tenant_id}#{colour}", gsi1_sk = "ROW")]
struct Account {
    id: Id,
    capsule_id: Id,
}

fn main() {}
