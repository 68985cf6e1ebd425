use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::{Id, TenantId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}#TENANT#{tenant_id}")]
struct Account {
    id: Id,
    tenant_id: TenantId,
}

fn main() {}
