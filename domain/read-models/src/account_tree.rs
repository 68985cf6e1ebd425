//! `account-tree`: accounts by capsule, and below each account its opportunities with their line items. Each row is written by its own
//! aggregate alone, so moving an account to another capsule touches two rows and never the subtree.
//!
//! | row | sort key | serves |
//! |---|---|---|
//! | [`CapsuleAccountRow`] | `CAPSULE#c#ACCOUNT#a` | a capsule's page of accounts: one query |
//! | [`AccountRow`] | `ACCOUNT#a` | an account's tree: one query over this and the next two |
//! | [`OpportunityRow`] | `ACCOUNT#a#OPPORTUNITY#o` | |
//! | [`LineItemRow`] | `ACCOUNT#a#OPPORTUNITY#o#LINE_ITEM#l` | |

use crate::{EventContext, Fold, RowKind, RowsFold};
use headwater_crm::{account, opportunity};
use headwater_dynamo_schema::{DynamoEntities, DynamoRepository, RowItem, RowItemError};
use headwater_kernel::{Currency, Id, Personal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "account-tree";

/// An account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "ACCOUNT",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{id}",
    gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}",
    gsi1_sk = "CREATED#{created_at}#{id}",
    gsi2_pk = "TENANT#{tenant_id}",
    gsi2_sk = "CREATED#{created_at}#{id}"
)]
pub struct AccountRow {
    /// Its id.
    pub id: Id,
    /// The capsule it is in.
    pub capsule_id: Id,
    /// Its name.
    pub name: Personal<String>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Id>,
    /// Whether it was closed.
    pub closed: bool,
    /// When it was opened.
    pub created_at: Timestamp,
}

/// An account in the page of its capsule; a closed one leaves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "CAPSULE_ACCOUNT",
    pk = "TENANT#{tenant_id}",
    sk = "CAPSULE#{capsule_id}#ACCOUNT#{id}"
)]
pub struct CapsuleAccountRow {
    /// The account's id.
    pub id: Id,
    /// The capsule.
    pub capsule_id: Id,
    /// The account's name.
    pub name: Personal<String>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Id>,
    /// When it was opened.
    pub created_at: Timestamp,
}

/// What an opportunity may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OpportunityStatus {
    /// Still to be decided.
    Open,
    /// Won.
    Won,
    /// Lost.
    Lost,
}

/// An opportunity of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "OPPORTUNITY",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{account_id}#OPPORTUNITY#{id}"
)]
pub struct OpportunityRow {
    /// Its id.
    pub id: Id,
    /// The account.
    pub account_id: Id,
    /// What it is called.
    pub name: String,
    /// What it may be worth, in hundredths of the currency's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_cents: Option<i64>,
    /// The currency.
    pub currency: Currency,
    /// How it stands.
    pub status: OpportunityStatus,
    /// When it was opened.
    pub created_at: Timestamp,
}

/// A line item of an opportunity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "LINE_ITEM",
    pk = "TENANT#{tenant_id}",
    sk = "ACCOUNT#{account_id}#OPPORTUNITY#{opportunity_id}#LINE_ITEM#{id}"
)]
pub struct LineItemRow {
    /// Its id within the opportunity.
    pub id: Id,
    /// The account.
    pub account_id: Id,
    /// The opportunity.
    pub opportunity_id: Id,
    /// The product.
    pub product_id: Id,
    /// How many.
    pub quantity: u32,
    /// The price of one, in hundredths of the opportunity's currency.
    pub price_cents: i64,
}

/// One row of an account's tree, in the tree's order.
#[derive(Debug, Clone, PartialEq, Serialize, DynamoEntities)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AccountTree {
    /// The account itself, first.
    Account(AccountRow),
    /// One of its opportunities.
    Opportunity(OpportunityRow),
    /// A line item, after its opportunity.
    LineItem(LineItemRow),
}

/// An account's rows: its own, and the one in its capsule's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountFold {
    id: Id,
    // Not flattened: an `Option` that is, swallows the error of a value that cannot be read and would then show nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<AccountFacts>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct AccountFacts {
    capsule_id: Id,
    name: Personal<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<Id>,
    closed: bool,
    created_at: Timestamp,
}

impl Fold for AccountFold {
    type Source = account::Account;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            row: None,
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &account::Event) {
        use account::Event;
        if let Event::AccountOpened {
            capsule_id,
            name,
            owner_id,
        } = event
        {
            self.row = Some(AccountFacts {
                capsule_id: capsule_id.clone(),
                name: name.clone(),
                owner_id: owner_id.clone(),
                closed: false,
                created_at: at.time,
            });
        }
        let Some(row) = &mut self.row else { return };
        match event {
            Event::AccountOpened { .. } => {}
            Event::AccountRenamed { name } => row.name = name.clone(),
            Event::AccountAssigned { owner_id } => row.owner_id = Some(owner_id.clone()),
            Event::AccountMoved { capsule_id } => row.capsule_id = capsule_id.clone(),
            Event::AccountClosed {} => row.closed = true,
        }
    }
}

impl RowsFold for AccountFold {
    const TABLE: &'static str = "crm";

    fn kinds() -> Vec<RowKind> {
        vec![RowKind::of::<AccountRow>(), RowKind::of::<CapsuleAccountRow>()]
    }

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        let Some(facts) = self.row.clone() else {
            return Ok(Vec::new());
        };
        let AccountFacts {
            capsule_id,
            name,
            owner_id,
            closed,
            created_at,
        } = facts;
        let id = self.id.clone();
        let mut rows = Vec::with_capacity(2);
        if !closed {
            rows.push(RowItem::of(&CapsuleAccountRow {
                id: id.clone(),
                capsule_id: capsule_id.clone(),
                name: name.clone(),
                owner_id: owner_id.clone(),
                created_at,
            })?);
        }
        rows.push(RowItem::of(&AccountRow {
            id,
            capsule_id,
            name,
            owner_id,
            closed,
            created_at,
        })?);
        Ok(rows)
    }
}

/// An opportunity's rows: its own and its line items'.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpportunityFold {
    id: Id,
    // Not flattened: an `Option` that is, swallows the error of a value that cannot be read and would then show nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<OpportunityFacts>,
    line_items: Vec<LineItem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OpportunityFacts {
    account_id: Id,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount_cents: Option<i64>,
    currency: Currency,
    status: OpportunityStatus,
    created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LineItem {
    line_item_id: Id,
    product_id: Id,
    quantity: u32,
    price_cents: i64,
}

impl Fold for OpportunityFold {
    type Source = opportunity::Opportunity;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            row: None,
            line_items: Vec::new(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &opportunity::Event) {
        use opportunity::Event;
        match event {
            Event::OpportunityOpened {
                account_id,
                name,
                amount_cents,
                currency,
            } => {
                self.row = Some(OpportunityFacts {
                    account_id: account_id.clone(),
                    name: name.clone(),
                    amount_cents: *amount_cents,
                    currency: *currency,
                    status: OpportunityStatus::Open,
                    created_at: at.time,
                });
            }
            Event::LineItemAdded {
                line_item_id,
                product_id,
                quantity,
                price_cents,
            } => self.line_items.push(LineItem {
                line_item_id: line_item_id.clone(),
                product_id: product_id.clone(),
                quantity: *quantity,
                price_cents: *price_cents,
            }),
            Event::LineItemRemoved { line_item_id } => {
                self.line_items.retain(|item| item.line_item_id != *line_item_id);
            }
            Event::OpportunityAmountChanged { amount_cents } => {
                self.change(|row| row.amount_cents = Some(*amount_cents))
            }
            Event::OpportunityWon {} => self.change(|row| row.status = OpportunityStatus::Won),
            Event::OpportunityLost { .. } => self.change(|row| row.status = OpportunityStatus::Lost),
        }
    }
}

impl OpportunityFold {
    fn change(&mut self, change: impl FnOnce(&mut OpportunityFacts)) {
        if let Some(row) = &mut self.row {
            change(row);
        }
    }
}

impl RowsFold for OpportunityFold {
    const TABLE: &'static str = "crm";

    fn kinds() -> Vec<RowKind> {
        vec![RowKind::of::<OpportunityRow>(), RowKind::of::<LineItemRow>()]
    }

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        let Some(facts) = self.row.clone() else {
            return Ok(Vec::new());
        };
        let OpportunityFacts {
            account_id,
            name,
            amount_cents,
            currency,
            status,
            created_at,
        } = facts;
        let mut rows = Vec::with_capacity(1 + self.line_items.len());
        for item in &self.line_items {
            rows.push(RowItem::of(&LineItemRow {
                id: item.line_item_id.clone(),
                account_id: account_id.clone(),
                opportunity_id: self.id.clone(),
                product_id: item.product_id.clone(),
                quantity: item.quantity,
                price_cents: item.price_cents,
            })?);
        }
        let id = self.id.clone();
        rows.push(RowItem::of(&OpportunityRow {
            id,
            account_id,
            name,
            amount_cents,
            currency,
            status,
            created_at,
        })?);
        Ok(rows)
    }
}
