use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(tabel = "crm", pk = "ACCOUNT#{idd}", sk = "AT#{at}", gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner}", gsi5_pk = "x")]
struct Account {
    id: Id,
    tenant_id: String,
    entity: String,
    owner_id: Option<Id>,
    at: Timestamp,
}

fn main() {}
