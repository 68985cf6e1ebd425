//! `account-tree`: capsules, accounts, opportunities and line items, each row written by its own aggregate alone.
//!
//! | query | rows | serves |
//! |---|---|---|
//! | [`CapsuleRow::all`] | `CAPSULE#c` in a partition of their own | `GET /crm/capsules` |
//! | [`CapsuleAccountRow::in_capsule`] | `CAPSULE#c#ACCOUNT#a` | `GET /crm/capsules/{id}/accounts` |
//! | [`CapsuleAccountRow::by_owner`] | the same, by who looks after them | the accounts of an owner, in the order of opening |
//! | [`AccountRow::tree_of_account`] | `ACCOUNT#a`, `ACCOUNT#a#OPPORTUNITY#o`, `ACCOUNT#a#OPPORTUNITY#o#LINE_ITEM#l` | `GET /crm/accounts/{id}/tree`, read as [`AccountTree`] |
//! | [`OpportunityRow::tree_of_opportunity`] | one opportunity with its line items | a part of the tree |
//!
//! Each is one query, and none reads a row that it does not answer. Moving an account between capsules takes away one
//! `CAPSULE#c#ACCOUNT#a` row and puts another; nothing below the account changes.

mod account;
mod capsule;
mod opportunity;

pub use account::{AccountRow, AccountRows, CapsuleAccountRow};
pub use capsule::CapsuleRow;
pub use opportunity::{LineItemRow, OpportunityRow, OpportunityRows, OpportunityStage};

use headwater_dynamo_schema::DynamoEntities;
use schemars::JsonSchema;
use serde::Serialize;

/// A row of an account's tree. Rows come in the order of the tree: the account, then each opportunity followed by its line items.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, DynamoEntities)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AccountTree {
    /// The account itself.
    Account(AccountRow),
    /// One of its opportunities.
    Opportunity(OpportunityRow),
    /// A line item of the opportunity before it.
    LineItem(LineItemRow),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        RowsFold,
        fold::testing::{given, given_of, id},
    };
    use headwater_crm::{account, opportunity};
    use headwater_dynamo_schema::FromRow;
    use headwater_kernel::{Currency, Personal};

    #[test]
    fn the_tree_of_an_account_is_one_range_in_the_order_of_the_tree() {
        let name = Personal::about(&id("T1"), "Acme".to_owned());
        let opened = account::Event::AccountOpened {
            capsule_id: id("C1"),
            name,
            owner_id: None,
        };
        let mut rows = given::<AccountRows>([opened]).rows(&id("T1")).unwrap();
        for (account_id, opportunity_id) in [("T1", "O2"), ("T1", "O1"), ("T10", "O3"), ("T", "O4")] {
            let (account_id, product_id) = (id(account_id), id("P1"));
            let added = |item| opportunity::Event::LineItemAdded {
                line_item_id: id(item),
                product_id: product_id.clone(),
                quantity: 1,
                price_cents: 1,
            };
            let opportunity = given_of::<OpportunityRows>(
                opportunity_id,
                [
                    opportunity::Event::OpportunityOpened {
                        account_id,
                        name: "Toner".into(),
                        amount_cents: None,
                        currency: Currency::USD,
                    },
                    added("b"),
                    added("a"),
                ],
            );
            rows.extend(opportunity.rows(&id(opportunity_id)).unwrap());
        }
        let range = AccountRow::tree_of_account(&id("T1"));
        let within = |sort: &str| (range.from()..=range.to()).contains(&sort);
        rows.retain(|row| row.key.partition == range.partition() && within(&row.key.sort));
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        let tree: Vec<_> = rows
            .into_iter()
            .map(|row| match AccountTree::from_row(row.entity, row.attributes).unwrap() {
                AccountTree::Account(row) => row.id.to_string(),
                AccountTree::Opportunity(row) => row.id.to_string(),
                AccountTree::LineItem(row) => format!("{} {}", row.opportunity_id, row.id),
            })
            .collect();
        assert_eq!(tree, ["T1", "O1", "O1 a", "O1 b", "O2", "O2 a", "O2 b"]);
    }
}
