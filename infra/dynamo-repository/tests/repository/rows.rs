//! The entities of the tests: accounts by owner and rank, in capsules, and the tree below an account.

use headwater_dynamo_schema::{DynamoEntities, DynamoRepository};
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(
    table = "crm",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{id}",
    gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}",
    gsi1_sk = "RANK#{rank}#{id}",
    gsi2_pk = "TENANT#{tenant_id}#NOTE#{note}",
    gsi2_sk = "NOTED"
)]
pub(crate) struct Account {
    pub(crate) id: Id,
    pub(crate) owner_id: Option<Id>,
    pub(crate) rank: u32,
    pub(crate) note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "CAPSULE#{capsule_id}#ACCOUNT#{id}")]
pub(crate) struct CapsuleAccount {
    pub(crate) id: Id,
    pub(crate) capsule_id: Id,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(
    table = "crm",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{account_id}#OPPORTUNITY#{id}"
)]
pub(crate) struct Opportunity {
    pub(crate) id: Id,
    pub(crate) account_id: Id,
    pub(crate) amount: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(
    table = "crm",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{account_id}#OPPORTUNITY#{opportunity_id}#LINE_ITEM#{id}"
)]
pub(crate) struct LineItem {
    pub(crate) id: Id,
    pub(crate) account_id: Id,
    pub(crate) opportunity_id: Id,
    pub(crate) quantity: u64,
}

/// Another entity under the keys of accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}")]
pub(crate) struct Impostor {
    pub(crate) id: Id,
}

#[derive(Debug, Clone, PartialEq, DynamoEntities)]
pub(crate) enum Tree {
    Account(Account),
    Opportunity(Opportunity),
    LineItem(LineItem),
}

pub(crate) fn id(text: impl AsRef<str>) -> Id {
    Id::new(text).unwrap()
}

pub(crate) fn account(text: impl AsRef<str>) -> Account {
    Account {
        id: id(text),
        owner_id: None,
        rank: 0,
        note: None,
    }
}

pub(crate) fn opportunity(account: &str, text: &str) -> Opportunity {
    Opportunity {
        id: id(text),
        account_id: id(account),
        amount: 2.5,
    }
}

pub(crate) fn line_item(account: &str, opportunity: &str, text: &str) -> LineItem {
    LineItem {
        id: id(text),
        account_id: id(account),
        opportunity_id: id(opportunity),
        quantity: u64::MAX,
    }
}
