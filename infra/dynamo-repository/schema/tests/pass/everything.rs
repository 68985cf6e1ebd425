//! All that the derive knows, in one place.

use headwater_dynamo_schema::{DynamoEntities, DynamoRepository, Entity, FromRow, RowItem};
use headwater_kernel::{Id, Personal, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", entity = "ACC", pk = "TENANT#{tenant_id}#REGION#{region}", sk = "ACCOUNT#{id}")]
#[dynamo(gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}", gsi1_sk = "CREATED#{created_at}#{id}", gsi1_name = "of_owner")]
#[dynamo(gsi2_pk = "TENANT#{tenant_id}", gsi2_sk = "CREATED#{created_at}")]
#[dynamo(gsi3_pk = "TENANT#{tenant_id}#FLAG#{flag}", gsi3_sk = "FLAGGED")]
struct Account {
    id: Id,
    region: String,
    owner_id: Option<Id>,
    created_at: Timestamp,
    name: Personal<String>,
    flag: bool,
    rank: u32,
}

#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}#REGION#{region}", sk = "ACCOUNT#{account_id}#VISIT#{at}")]
struct Visit {
    region: String,
    account_id: Id,
    at: Timestamp,
}

/// One row a tenant.
#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "SETTINGS")]
struct Settings {
    dark: bool,
}

#[derive(DynamoEntities)]
enum Tree {
    Account(Account),
    Visit(Visit),
}

/// Its row would have an attribute of the repository's own, by a way the derive cannot see.
#[derive(Serialize, Deserialize, Clone, DynamoRepository)]
#[serde(rename_all = "UPPERCASE")]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ODD#{id}")]
struct Odd {
    id: Id,
    #[serde(flatten)]
    more: std::collections::BTreeMap<String, u8>,
}

fn main() {
    let (a, at) = (Id::new("a").unwrap(), Timestamp::from_nanos(1));
    let row = Account {
        id: a.clone(),
        region: "EU west".into(),
        owner_id: None,
        created_at: at,
        name: Personal::Erased,
        flag: true,
        rank: 1,
    };
    assert_eq!(Account::SCHEMA.entity, "ACC");
    assert_eq!(Account::SCHEMA.indexes.len(), 3);
    assert_eq!(row.row_key(), Account::key("EU west", &a));
    assert_eq!(row.row_key().partition, "#REGION#EU%20west");
    let indexed: Vec<bool> = row.index_keys().iter().map(|index| index.key.is_some()).collect();
    assert_eq!(indexed, [false, true, true]);
    assert_eq!(Account::of_owner(&a).partition(), "#OWNER#a");
    assert_eq!(Account::by_created_at().from(), "CREATED#");
    assert_eq!((Account::by_flag(&true).from(), Account::by_flag(&true).index()), ("FLAGGED", Some(3)));
    assert_eq!(Account::all("EU west").from(), "ACCOUNT#");
    assert_eq!(Visit::in_account("EU west", &a).from(), "ACCOUNT#a#VISIT#");
    assert_eq!(Account::tree_of_account("EU west", &a).partition(), row.row_key().partition);
    assert_eq!(Settings::key().sort, "SETTINGS");
    assert!(Tree::wants("VISIT") && Tree::wants("ACC") && !Tree::wants("SETTINGS"));

    let odd = |name: &str| Odd { id: a.clone(), more: [(name.to_owned(), 1)].into() };
    assert!(RowItem::of(&odd("fine")).is_ok());
    for name in ["PK", "version", "GSI1SK", "entity"] {
        assert!(RowItem::of(&odd(name)).is_err(), "{name}");
    }
    let (_, _) = (Settings { dark: true }.dark, row.rank);
}
