//! From one version of a source aggregate to another: its rows and its head. What fits one transaction is one. More is written group by
//! group, and so that nobody can see the difference in the end:
//!
//! 1. A mark on the head tells that rows are under way, whose they are (`step_id`), and which of them no state of the head shows
//!    (`unfinished`).
//! 2. Each group is conditional on that mark, and so is the head that comes with the last group and takes the mark away.
//!
//! Whoever finds a mark takes it over with one of its own, which stops the groups of whoever made it, and writes all rows of the states
//! and of the mark. So a group never lands after a later step, and what an interrupted step left is put right by the next one.

use crate::{
    Error, Expect, Head, Repository,
    attributes::{Item, number, text},
    bulk_item::bytes,
    head::{attributes, head_key},
    transact::MAX_TOGETHER,
};
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};
use headwater_dynamo_schema::{RowItem, RowKey, Share};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::Id;
use headwater_tenancy::TenantScope;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whose rows are under way (S).
const STEP_ID: &str = "step_id";
/// Which ones (S): `{"to": version, "keys": {partition: [sort, …]}}`.
const UNFINISHED: &str = "unfinished";

/// Bytes of one group, about; DynamoDB's limit for a transaction is 4 MB.
const GROUP_BYTES: usize = 3 << 20;

/// A step that somebody began and has not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    step_id: String,
    rows: UnfinishedRows,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
struct UnfinishedRows {
    /// The highest version that a row may have.
    to: u64,
    /// Rows that may be there though the head's state does not show them.
    keys: BTreeMap<String, BTreeSet<String>>,
}

impl Unfinished {
    /// Rows that may be there though the head's state does not show them.
    pub fn keys(&self) -> impl Iterator<Item = RowKey> {
        self.rows.keys.iter().flat_map(|(partition, sorts)| {
            sorts.iter().map(|sort| RowKey {
                partition: partition.clone(),
                sort: sort.clone(),
            })
        })
    }
}

/// A head as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredHead {
    /// Version 0, with a state that says nothing, when the first step has not been finished.
    pub head: Head,
    /// The step that has not been finished.
    pub unfinished: Option<Unfinished>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Step {
    /// The table of the rows and of the head.
    pub table: &'static str,
    /// The plural name of the source aggregates.
    pub aggregate: &'static str,
    /// The source aggregate.
    pub id: Id,
    /// The version that the head is at; 0 when there is none.
    pub before: u64,
    /// The mark that was found on it. Then `puts` and `deletes` have to name every row of both states and of the mark.
    pub unfinished: Option<Unfinished>,
    /// Where the head stands from now on; at version 0 there is none.
    pub after: Head,
    /// Rows that are there from now on, at the version of `after`.
    pub puts: Vec<RowItem>,
    /// Those of them that the state before does not show.
    pub fresh: Vec<RowKey>,
    /// Rows that are there no more.
    pub deletes: Vec<RowKey>,
    /// What sums change by, at most 98 of them: they move with the head, in its transaction.
    pub adds: Vec<Share>,
}

/// What the head must be for a write to happen.
struct Standing {
    version: u64,
    step_id: Option<String>,
}

impl Standing {
    fn condition(&self) -> (&'static str, Option<HashMap<String, AttributeValue>>) {
        let value = |name: &str, value| (format!(":{name}"), value);
        let version = value("version", number(self.version));
        match &self.step_id {
            Some(step_id) => (
                "version = :version AND step_id = :step_id",
                Some(HashMap::from([version, value("step_id", text(step_id))])),
            ),
            None if self.version == 0 => ("attribute_not_exists(PK)", None),
            None => (
                "version = :version AND attribute_not_exists(step_id)",
                Some(HashMap::from([version])),
            ),
        }
    }
}

fn failed(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::Refused(error.into())
}

/// The mark on an item that was read.
pub(crate) fn unfinished(item: &Item) -> Result<Option<Unfinished>, Error> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let Some(step_id) = part(STEP_ID) else { return Ok(None) };
    let rows = part(UNFINISHED).and_then(|rows| serde_json::from_str(rows).ok());
    Ok(Some(Unfinished {
        step_id: step_id.clone(),
        rows: rows.ok_or_else(|| Error::unreadable("HEAD", "it does not tell which rows are unfinished"))?,
    }))
}

/// What a step writes to, and how.
struct Writing<'a> {
    repository: Repository,
    scope: &'a TenantScope,
    table: String,
    key: (AttributeValue, AttributeValue),
}

impl Repository {
    /// Makes a step.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the head is not as it was read; what was begun is then put right by whoever changed it, or by the next
    /// step. Otherwise as [`Repository::find`].
    pub async fn step(&self, scope: &TenantScope, step: Step) -> Result<(), Error> {
        let repository = self.pinned(scope, step.table).await?;
        let writing = Writing {
            scope,
            table: self.database.table(step.table),
            key: repository
                .full_key(scope, step.table, &head_key(step.aggregate, &step.id))
                .await?,
            repository,
        };
        let left = step.unfinished.as_ref().map(|unfinished| &unfinished.rows);
        let newest = left.map_or(0, |left| left.to).max(step.after.version);
        let mut rows = writing.rows(&step, newest).await?;
        let mut standing = Standing {
            version: step.before,
            step_id: step.unfinished.as_ref().map(|unfinished| unfinished.step_id.clone()),
        };
        let size: usize = rows.iter().map(|(_, size)| size).sum();
        let mut adds = Vec::with_capacity(step.adds.len());
        for share in &step.adds {
            adds.push(writing.repository.add(scope, share).await?);
        }
        // Beside the head and the sums.
        let Some(room) = (MAX_TOGETHER - 1).checked_sub(adds.len()).filter(|room| *room > 0) else {
            let why = format!(
                "{} sums are more than one transaction holds; an aggregate contributes to 98 at most",
                adds.len()
            );
            return Err(Error::Refused(why.into()));
        };
        if rows.len() > room || size > GROUP_BYTES {
            let mut unfinished = left.cloned().unwrap_or_default();
            unfinished.to = newest;
            for key in &step.fresh {
                let sorts = unfinished.keys.entry(key.partition.clone()).or_default();
                sorts.insert(key.sort.clone());
            }
            let step_id = self.new_id();
            writing.mark(&standing, &step_id, &unfinished).await?;
            standing.step_id = Some(step_id);
        }
        // The head's item is the last of the last group.
        loop {
            let mut size = 0;
            let fits = rows.iter().take_while(|(_, bytes)| {
                size += bytes;
                size <= GROUP_BYTES
            });
            let count = fits.count().clamp(1, room).min(rows.len());
            let mut group: Vec<_> = rows.drain(..count).map(|(item, _)| item).collect();
            if rows.is_empty() {
                group.append(&mut adds);
                group.push(writing.head(&standing, &step.after)?);
                return self.transact(scope, group).await;
            }
            group.push(writing.check(&standing)?);
            self.transact(scope, group).await?;
        }
    }

    /// A head of its own with what is under way.
    ///
    /// # Errors
    /// As [`Repository::head`].
    pub async fn stored_head(
        &self,
        scope: &TenantScope,
        table: &'static str,
        aggregate: &str,
        id: &Id,
    ) -> Result<Option<StoredHead>, Error> {
        let Some(item) = self.head_item(scope, table, aggregate, id).await? else {
            return Ok(None);
        };
        Ok(Some(StoredHead {
            unfinished: unfinished(&item)?,
            head: crate::head::read(&item)?,
        }))
    }
}

impl Writing<'_> {
    /// All rows with their sizes, each up to the newest version that a row may have.
    async fn rows(&self, step: &Step, newest: u64) -> Result<Vec<(TransactWriteItem, usize)>, Error> {
        let (condition, value) = Expect::UpTo(newest).condition();
        let values = || {
            value
                .clone()
                .map(|value| HashMap::from([(":expected".to_owned(), value)]))
        };
        let mut rows = Vec::with_capacity(step.puts.len() + step.deletes.len() + 1);
        for row in &step.puts {
            let item = self
                .repository
                .item(self.scope, row.clone(), step.after.version)
                .await?;
            let size = item.iter().map(|(name, value)| name.len() + bytes(value)).sum();
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression(condition)
                .set_expression_attribute_values(values());
            rows.push((
                TransactWriteItem::builder().put(put.build().map_err(failed)?).build(),
                size,
            ));
        }
        for key in &step.deletes {
            let (pk, sk) = self.repository.full_key(self.scope, step.table, key).await?;
            let delete = Delete::builder()
                .table_name(&self.table)
                .key("PK", pk)
                .key("SK", sk)
                .condition_expression(condition)
                .set_expression_attribute_values(values());
            rows.push((
                TransactWriteItem::builder()
                    .delete(delete.build().map_err(failed)?)
                    .build(),
                0,
            ));
        }
        Ok(rows)
    }

    async fn mark(&self, standing: &Standing, step_id: &str, unfinished: &UnfinishedRows) -> Result<(), Error> {
        let (condition, values) = standing.condition();
        let rows = serde_json::to_string(unfinished).map_err(|error| Error::Refused(error.into()))?;
        let database = &self.repository.database;
        let pattern = AccessPattern::of("repository.mark", self.scope.tenant());
        if standing.version == 0 && standing.step_id.is_none() {
            let nothing = Head {
                version: 0,
                state: serde_json::Value::Null,
            };
            let mut item = self.item(&nothing);
            item.insert(STEP_ID.into(), text(step_id));
            item.insert(UNFINISHED.into(), text(rows));
            let put = database.client().put_item().table_name(&self.table);
            let put = put.set_item(Some(item)).condition_expression(condition);
            return put
                .customize()
                .interceptor(pattern)
                .send()
                .await
                .map(drop)
                .map_err(Error::of);
        }
        database
            .client()
            .update_item()
            .table_name(&self.table)
            .key("PK", self.key.0.clone())
            .key("SK", self.key.1.clone())
            .update_expression("SET step_id = :new_id, unfinished = :rows")
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .expression_attribute_values(":new_id", text(step_id))
            .expression_attribute_values(":rows", text(rows))
            .customize()
            .interceptor(pattern)
            .send()
            .await
            .map(drop)
            .map_err(Error::of)
    }

    fn item(&self, head: &Head) -> Item {
        let mut item = attributes(head);
        item.insert("PK".into(), self.key.0.clone());
        item.insert("SK".into(), self.key.1.clone());
        item
    }

    /// The head's write: at version 0 there is none.
    fn head(&self, standing: &Standing, after: &Head) -> Result<TransactWriteItem, Error> {
        let (condition, values) = standing.condition();
        if after.version > 0 {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(self.item(after)))
                .condition_expression(condition)
                .set_expression_attribute_values(values);
            return Ok(TransactWriteItem::builder().put(put.build().map_err(failed)?).build());
        }
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("PK", self.key.0.clone())
            .key("SK", self.key.1.clone())
            .condition_expression(condition)
            .set_expression_attribute_values(values);
        Ok(TransactWriteItem::builder()
            .delete(delete.build().map_err(failed)?)
            .build())
    }

    fn check(&self, standing: &Standing) -> Result<TransactWriteItem, Error> {
        let (condition, values) = standing.condition();
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .key("PK", self.key.0.clone())
            .key("SK", self.key.1.clone())
            .condition_expression(condition)
            .set_expression_attribute_values(values);
        Ok(TransactWriteItem::builder()
            .condition_check(check.build().map_err(failed)?)
            .build())
    }
}
