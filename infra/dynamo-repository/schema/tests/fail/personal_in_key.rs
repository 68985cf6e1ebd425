use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::{Id, Personal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}", gsi1_pk = "TENANT#{tenant_id}#EMAIL#{email}", gsi1_sk = "ACCOUNT#{id}")]
struct Account {
    id: Id,
    email: Personal<String>,
}

fn main() {}
