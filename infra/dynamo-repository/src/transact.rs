//! Several writes that happen together or not at all.

use crate::{
    Error, Expect, Head, Repository,
    attributes::Item,
    head::{attributes, head_key},
};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use headwater_dynamo_schema::{RowItem, RowKey};
use headwater_dynamodb::{AccessPattern, transaction_reasons};
use headwater_kernel::Id;
use headwater_tenancy::TenantScope;
use std::collections::HashMap;

/// One of several writes.
#[derive(Debug, Clone)]
pub enum Write {
    /// A row, at a version of its source.
    Put {
        /// The row.
        row: RowItem,
        /// The version it shows.
        version: u64,
        /// What must be there.
        expect: Expect,
    },
    /// The end of a row that is at this version or an older one.
    Delete {
        /// The table.
        table: &'static str,
        /// The row.
        key: RowKey,
        /// The version that ends it.
        version: u64,
    },
    /// A head of its own.
    Head {
        /// The table.
        table: &'static str,
        /// The plural name of the source aggregates.
        aggregate: &'static str,
        /// The source aggregate.
        id: Id,
        /// Where it stands from now on.
        head: Head,
        /// What must be there.
        expect: Expect,
    },
}

impl Write {
    fn table(&self) -> &'static str {
        match self {
            Self::Put { row, .. } => row.table,
            Self::Delete { table, .. } | Self::Head { table, .. } => table,
        }
    }
}

/// Most items of a DynamoDB transaction.
pub const MAX_TOGETHER: usize = 100;

fn values(value: Option<AttributeValue>) -> Option<HashMap<String, AttributeValue>> {
    value.map(|value| HashMap::from([(":expected".to_owned(), value)]))
}

impl Repository {
    /// Makes all writes in one transaction. More than [`MAX_TOGETHER`] cannot be; rows and a head that may be more are a [`Step`](crate::Step).
    ///
    /// # Errors
    /// [`Error::Conflict`] when a condition does not hold, [`Error::Refused`] when they are too many; then nothing of it happened.
    pub async fn write_together(&self, scope: &TenantScope, writes: Vec<Write>) -> Result<(), Error> {
        let mut items = Vec::with_capacity(writes.len());
        let mut pinned: HashMap<&'static str, Self> = HashMap::new();
        for write in writes {
            let table = write.table();
            let repository = match pinned.get(table) {
                Some(known) => known,
                None => pinned.entry(table).or_insert(self.pinned(scope, table).await?),
            };
            items.push(repository.transact_item(scope, write).await?);
        }
        match items.len() {
            0 => Ok(()),
            1..=MAX_TOGETHER => self.transact(scope, items).await,
            count => Err(Error::Refused(
                format!("{count} writes are more than one transaction holds").into(),
            )),
        }
    }

    async fn transact_item(&self, scope: &TenantScope, write: Write) -> Result<TransactWriteItem, Error> {
        let failed = |error: aws_sdk_dynamodb::error::BuildError| Error::Refused(error.into());
        let put = |table: &str, item: Item, expect: Expect, and: &str| {
            let (condition, value) = expect.condition();
            Put::builder()
                .table_name(self.database.table(table))
                .set_item(Some(item))
                .condition_expression(format!("({condition}){and}"))
                .set_expression_attribute_values(values(value))
                .build()
                .map(|put| TransactWriteItem::builder().put(put).build())
                .map_err(failed)
        };
        match write {
            Write::Put { row, version, expect } => {
                let table = row.table;
                put(table, self.item(scope, row, version).await?, expect, "")
            }
            Write::Head {
                table,
                aggregate,
                id,
                head,
                expect,
            } => {
                let (pk, sk) = self.full_key(scope, table, &head_key(aggregate, &id)).await?;
                let mut item = attributes(&head);
                item.insert("PK".into(), pk);
                item.insert("SK".into(), sk);
                // Whoever does not know of an unfinished step must not end it.
                put(table, item, expect, " AND attribute_not_exists(step_id)")
            }
            Write::Delete { table, key, version } => {
                let (pk, sk) = self.full_key(scope, table, &key).await?;
                let (condition, value) = Expect::UpTo(version).condition();
                Delete::builder()
                    .table_name(self.database.table(table))
                    .key("PK", pk)
                    .key("SK", sk)
                    .condition_expression(condition)
                    .set_expression_attribute_values(values(value))
                    .build()
                    .map(|delete| TransactWriteItem::builder().delete(delete).build())
                    .map_err(failed)
            }
        }
    }

    pub(crate) async fn transact(&self, scope: &TenantScope, items: Vec<TransactWriteItem>) -> Result<(), Error> {
        let sent = self
            .database
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .customize()
            .interceptor(AccessPattern::of("repository.transact", scope.tenant()))
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        let failed = transaction_reasons(&error).is_some_and(|reasons| {
            reasons
                .iter()
                .flatten()
                .any(|reason| reason == "ConditionalCheckFailed")
        });
        Err(if failed { Error::Conflict } else { Error::of(error) })
    }
}
