//! The rows of accounts: the root of each account's tree, and its place in the page of its capsule.

use crate::{EventContext, Fold, RowsFold};
use headwater_crm::account::{Account, Event};
use headwater_dynamo_schema::{DynamoRepository, RowItem, RowItemError};
use headwater_kernel::{Id, Personal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of an account, wherever it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Opened {
    capsule_id: Id,
    name: Personal<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<Id>,
    closed: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The fold of an account: an [`AccountRow`] and a [`CapsuleAccountRow`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AccountRows {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opened: Option<Opened>,
}

/// An account, the root of its tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(table = "crm", entity = "ACCOUNT", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}")]
pub struct AccountRow {
    /// The account's id.
    pub id: Id,
    /// The capsule it is in.
    pub capsule_id: Id,
    /// The customer's name.
    pub name: Personal<String>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Id>,
    /// Whether it was closed.
    pub closed: bool,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

/// An account in the page of its capsule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "CAPSULE_ACCOUNT",
    pk = "TENANT#{tenant_id}",
    sk = "CAPSULE#{capsule_id}#ACCOUNT#{id}",
    gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}",
    gsi1_sk = "CREATED#{created_at}#ACCOUNT#{id}",
    gsi1_name = "by_owner"
)]
pub struct CapsuleAccountRow {
    /// The account's id.
    pub id: Id,
    /// The capsule it is in.
    pub capsule_id: Id,
    /// The customer's name.
    pub name: Personal<String>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Id>,
    /// Whether it was closed.
    pub closed: bool,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl Fold for AccountRows {
    type Source = Account;
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        if let Event::AccountOpened {
            capsule_id,
            name,
            owner_id,
        } = event.clone()
        {
            let (created_at, updated_at) = (at.time, at.time);
            self.opened = Some(Opened {
                capsule_id,
                name,
                owner_id,
                closed: false,
                created_at,
                updated_at,
            });
        }
        let Some(opened) = &mut self.opened else { return };
        match event.clone() {
            Event::AccountOpened { .. } => {}
            Event::AccountRenamed { name } => opened.name = name,
            Event::AccountAssigned { owner_id } => opened.owner_id = Some(owner_id),
            Event::AccountMoved { capsule_id } => opened.capsule_id = capsule_id,
            Event::AccountClosed {} => opened.closed = true,
        }
        opened.updated_at = at.time;
    }
}

impl RowsFold for AccountRows {
    fn rows(&self, id: &Id) -> Result<Vec<RowItem>, RowItemError> {
        let Some(Opened {
            capsule_id,
            name,
            owner_id,
            closed,
            created_at,
            updated_at,
        }) = self.opened.clone()
        else {
            return Ok(vec![]);
        };
        let account = AccountRow {
            id: id.clone(),
            capsule_id,
            name,
            owner_id,
            closed,
            created_at,
            updated_at,
        };
        let AccountRow {
            id,
            capsule_id,
            name,
            owner_id,
            ..
        } = account.clone();
        let in_capsule = CapsuleAccountRow {
            id,
            capsule_id,
            name,
            owner_id,
            closed,
            created_at,
            updated_at,
        };
        Ok(vec![RowItem::of(&account)?, RowItem::of(&in_capsule)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::testing::{at, given, id};

    fn opened() -> Event {
        Event::AccountOpened {
            capsule_id: id("C1"),
            name: Personal::about(&id("T1"), "Acme".into()),
            owner_id: Some(id("u1")),
        }
    }

    fn keys(events: impl IntoIterator<Item = Event>) -> Vec<String> {
        let rows = given::<AccountRows>(events).rows(&id("T1")).unwrap();
        rows.into_iter().map(|row| row.key.sort).collect()
    }

    #[test]
    fn a_move_replaces_the_row_in_the_capsule_and_nothing_else() {
        assert_eq!(keys([opened()]), ["ACCOUNT#T1", "CAPSULE#C1#ACCOUNT#T1"]);
        let moved = Event::AccountMoved { capsule_id: id("C2") };
        assert_eq!(keys([opened(), moved]), ["ACCOUNT#T1", "CAPSULE#C2#ACCOUNT#T1"]);
        let page = CapsuleAccountRow::in_capsule(&id("C1"));
        let within = |sort: &str| (page.from()..=page.to()).contains(&sort);
        assert!(within("CAPSULE#C1#ACCOUNT#T1") && !within("CAPSULE#C10#ACCOUNT#T1") && !within("CAPSULE#C1"));
    }

    #[test]
    fn folds_all_that_happens_to_an_account() {
        let rows = given::<AccountRows>([
            opened(),
            Event::AccountRenamed {
                name: Personal::about(&id("T1"), "Apex".into()),
            },
            Event::AccountAssigned { owner_id: id("u2") },
            Event::AccountClosed {},
        ])
        .rows(&id("T1"))
        .unwrap();
        let row = CapsuleAccountRow {
            id: id("T1"),
            capsule_id: id("C1"),
            name: Personal::about(&id("T1"), "Apex".into()),
            owner_id: Some(id("u2")),
            closed: true,
            created_at: at(1),
            updated_at: at(4),
        };
        assert_eq!(rows[1], RowItem::of(&row).unwrap());
        assert_eq!(rows[0].attributes, rows[1].attributes, "both places say the same");
        let by_owner = rows[1].indexes[0].key.clone().unwrap();
        assert_eq!(by_owner.partition, CapsuleAccountRow::by_owner(&id("u2")).partition());
    }
}
