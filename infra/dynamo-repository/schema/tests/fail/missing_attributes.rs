use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(gsi1_pk = "TENANT#{tenant_id}", gsi2_name = "by_id")]
struct Account {
    id: Id,
}

fn main() {}
