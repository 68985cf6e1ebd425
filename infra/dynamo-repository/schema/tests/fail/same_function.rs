use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}")]
#[dynamo(gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}", gsi1_sk = "ACCOUNT#{id}")]
#[dynamo(gsi2_pk = "TENANT#{tenant_id}#SELLER#{owner_id}", gsi2_sk = "ACCOUNT#{id}")]
#[dynamo(gsi3_pk = "TENANT#{tenant_id}", gsi3_sk = "OWNER#{owner_id}", gsi3_name = "by owner")]
struct Account {
    id: Id,
    owner_id: Id,
}

fn main() {}
