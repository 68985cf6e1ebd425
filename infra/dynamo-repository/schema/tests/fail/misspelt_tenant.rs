use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenantid}", sk = "ACCOUNT#{id}")]
struct Account {
    id: Id,
}

fn main() {}
