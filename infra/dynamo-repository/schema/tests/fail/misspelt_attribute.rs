use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(tabel = "crm", pk = "TENANT#{tenant_id}", skk = "ACCOUNT#{id}", gsi1_pkey = "TENANT#{tenant_id}", colour = "red")]
struct Account {
    id: Id,
}

fn main() {}
