use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "account-{id}", gsi1_pk = "TENANT#{tenant_id}#", gsi1_sk = "{id}")]
struct Account {
    id: Id,
}

fn main() {}
