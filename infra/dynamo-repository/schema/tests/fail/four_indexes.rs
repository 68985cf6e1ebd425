use headwater_dynamo_schema::DynamoRepository;
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}")]
#[dynamo(gsi1_pk = "TENANT#{tenant_id}#A#{a}", gsi1_sk = "ACCOUNT#{id}")]
#[dynamo(gsi2_pk = "TENANT#{tenant_id}#B#{b}", gsi2_sk = "ACCOUNT#{id}")]
#[dynamo(gsi3_pk = "TENANT#{tenant_id}#C#{c}", gsi3_sk = "ACCOUNT#{id}")]
#[dynamo(gsi4_pk = "TENANT#{tenant_id}#D#{d}", gsi4_sk = "ACCOUNT#{id}")]
struct Account {
    id: Id,
    a: Id,
    b: Id,
    c: Id,
    d: Id,
}

fn main() {}
