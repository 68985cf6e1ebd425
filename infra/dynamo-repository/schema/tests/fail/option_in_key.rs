use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}#OWNER#{owner_id}", sk = "ACCOUNT#{id}")]
struct Account {
    id: Option<Id>,
    owner_id: Option<Id>,
}

fn main() {}
