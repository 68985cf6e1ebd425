//! Rows and heads of one generation in bulk: twenty-five in a request, without conditions, for whoever fills, compares or deletes a
//! generation that nobody else writes to. Everything else goes through [`Repository`].

use crate::{
    Error, Head, Repository,
    allowance::Allowance,
    attributes::Item,
    bulk_item::{BulkItem, ItemKey, stored},
    head::{attributes, head_key},
    repository::{BATCH, fits},
};
use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use headwater_dynamo_schema::{RowItem, RowKey};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{Id, key};
use headwater_tenancy::TenantScope;
use std::{collections::HashMap, time::Duration};

/// Items of one BatchWriteItem.
pub const BULK_WRITES: usize = 25;

/// A write without a condition.
#[derive(Debug, Clone)]
pub enum BulkWrite {
    /// This is what is there.
    Put(BulkItem),
    /// Nothing is there.
    Delete(ItemKey),
}

impl BulkWrite {
    /// Where.
    pub fn key(&self) -> &ItemKey {
        match self {
            Self::Put(item) => &item.key,
            Self::Delete(key) => key,
        }
    }

    /// What it will take, about.
    pub fn write_units(&self) -> f64 {
        match self {
            Self::Put(item) => item.write_units(),
            Self::Delete(_) => 1.0,
        }
    }

    fn request(&self) -> Result<(&'static str, WriteRequest), Error> {
        let failed = |error: aws_sdk_dynamodb::error::BuildError| Error::Refused(error.into());
        let table = self.key().table;
        let request = match self {
            Self::Put(item) => WriteRequest::builder().put_request(
                PutRequest::builder()
                    .set_item(Some(item.item.clone()))
                    .build()
                    .map_err(failed)?,
            ),
            Self::Delete(key) => WriteRequest::builder().delete_request(
                DeleteRequest::builder()
                    .set_key(Some(key.item()))
                    .build()
                    .map_err(failed)?,
            ),
        };
        Ok((table, request.build()))
    }
}

/// What became of a request of writes.
#[derive(Debug, Default)]
pub struct BulkWritten {
    /// Write units that it took.
    pub units: f64,
    /// What the store has not taken; to be sent again after a pause.
    pub left: BulkLeft,
}

/// Writes that the store has not taken.
#[derive(Debug, Default)]
pub struct BulkLeft(HashMap<String, Vec<WriteRequest>>);

impl BulkLeft {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The items of one generation.
#[derive(Debug, Clone)]
pub struct Bulk {
    repository: Repository,
    generation: u32,
    allowance: Option<Allowance>,
}

impl Repository {
    /// The items of a generation in bulk.
    pub fn bulk(&self, generation: u32) -> Bulk {
        Bulk {
            repository: self.at_generation(generation),
            generation,
            allowance: None,
        }
    }
}

impl Bulk {
    /// The same, whose writes without a condition are sent only while `left` is not zero, each attempt by itself, and wait for an answer no
    /// longer than that. What is on its way to the store then still arrives.
    #[must_use]
    pub fn while_allowed(&self, left: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            allowance: Some(Allowance::new(left)),
            ..self.clone()
        }
    }

    /// The key of a row.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`].
    pub fn key(&self, scope: &TenantScope, table: &'static str, row: &RowKey) -> Result<ItemKey, Error> {
        fits(&row.sort, key::MAX_SORT_KEY_BYTES)?;
        Ok(ItemKey {
            table,
            partition: self.repository.partition_of(scope, self.generation, &row.partition)?,
            sort: row.sort.clone(),
        })
    }

    /// The key of a head of its own.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`].
    pub fn head_key(
        &self,
        scope: &TenantScope,
        table: &'static str,
        aggregate: &str,
        id: &Id,
    ) -> Result<ItemKey, Error> {
        self.key(scope, table, &head_key(aggregate, id))
    }

    /// A row at a version.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`].
    pub fn row(&self, scope: &TenantScope, row: RowItem, version: u64) -> Result<BulkItem, Error> {
        let key = self.key(scope, row.table, &row.key)?;
        let item = self.repository.item_of(scope, self.generation, row, version)?;
        Ok(BulkItem { key, version, item })
    }

    /// A head of its own.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`].
    pub fn head(
        &self,
        scope: &TenantScope,
        table: &'static str,
        aggregate: &str,
        id: &Id,
        head: &Head,
    ) -> Result<BulkItem, Error> {
        let key = self.head_key(scope, table, aggregate, id)?;
        let mut item = attributes(head);
        item.extend(key.item());
        Ok(BulkItem {
            key,
            version: head.version,
            item,
        })
    }

    /// The rows that a step, which was not finished, may have left beside those of this head.
    pub fn unfinished_keys(&self, scope: &TenantScope, head: &BulkItem) -> Vec<ItemKey> {
        let unfinished = crate::step::unfinished(&head.item).ok().flatten();
        let keys = unfinished.iter().flat_map(crate::Unfinished::keys);
        keys.filter_map(|key| self.key(scope, head.key.table, &key).ok())
            .collect()
    }

    /// Makes at most [`BULK_WRITES`] writes, of different items each, in one request; what the store leaves is in the answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`], also when they are not allowed any more; or [`Error::Refused`] when one of them cannot be taken; then none
    /// may have been.
    pub async fn write(&self, writes: impl IntoIterator<Item = &BulkWrite>) -> Result<BulkWritten, Error> {
        let mut requests: HashMap<String, Vec<WriteRequest>> = HashMap::new();
        for write in writes {
            let (table, request) = write.request()?;
            let table = self.repository.database.table(table);
            requests.entry(table).or_default().push(request);
        }
        self.write_left(BulkLeft(requests)).await
    }

    /// Sends again what was left.
    ///
    /// # Errors
    /// As [`Bulk::write`].
    pub async fn write_left(&self, left: BulkLeft) -> Result<BulkWritten, Error> {
        if left.is_empty() {
            return Ok(BulkWritten::default());
        }
        let mut call = self
            .repository
            .database
            .client()
            .batch_write_item()
            .set_request_items(Some(left.0))
            .customize()
            .interceptor(AccessPattern::system("repository.bulk"));
        if let Some(allowance) = &self.allowance {
            let config = aws_sdk_dynamodb::config::Builder::new().timeout_config(allowance.timeouts());
            call = call.interceptor(allowance.clone()).config_override(config);
        }
        let over = || self.allowance.as_ref().is_some_and(Allowance::is_over);
        let answer = call.send().await.map_err(|error| match over() {
            true => Error::Unavailable(error.into()),
            false => Error::of(error),
        })?;
        Ok(BulkWritten {
            units: answer
                .consumed_capacity()
                .iter()
                .filter_map(aws_sdk_dynamodb::types::ConsumedCapacity::capacity_units)
                .sum(),
            left: BulkLeft(answer.unprocessed_items.unwrap_or_default()),
        })
    }

    /// Replaces an item by one that is at the same version or a newer one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when what is there is newer, or a head of which a step is unfinished; [`Error::Unavailable`] or
    /// [`Error::Refused`].
    pub async fn replace(&self, item: BulkItem) -> Result<(), Error> {
        let (condition, value) = crate::Expect::UpTo(item.version).condition();
        let and = if item.is_head() {
            " AND attribute_not_exists(step_id)"
        } else {
            ""
        };
        self.repository
            .database
            .client()
            .put_item()
            .table_name(self.repository.database.table(item.key.table))
            .set_item(Some(item.item))
            .condition_expression(format!("({condition}){and}"))
            .set_expression_attribute_values(value.map(|value| HashMap::from([(":expected".to_owned(), value)])))
            .customize()
            .interceptor(AccessPattern::system("repository.replace"))
            .send()
            .await
            .map(drop)
            .map_err(Error::of)
    }

    /// Deletes an item that is at `version` or an older one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when what is there is newer; [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn remove(&self, key: &ItemKey, version: u64) -> Result<(), Error> {
        let (condition, value) = crate::Expect::UpTo(version).condition();
        self.repository
            .database
            .client()
            .delete_item()
            .table_name(self.repository.database.table(key.table))
            .set_key(Some(key.item()))
            .condition_expression(condition)
            .set_expression_attribute_values(value.map(|value| HashMap::from([(":expected".to_owned(), value)])))
            .customize()
            .interceptor(AccessPattern::system("repository.replace"))
            .send()
            .await
            .map(drop)
            .map_err(Error::of)
    }

    /// The items under these keys, read consistently; those that are not there are left out.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn read(&self, keys: &[ItemKey]) -> Result<HashMap<ItemKey, BulkItem>, Error> {
        let database = &self.repository.database;
        let tables: HashMap<String, &'static str> =
            keys.iter().map(|key| (database.table(key.table), key.table)).collect();
        let mut distinct: Vec<&ItemKey> = keys.iter().collect();
        distinct.sort();
        distinct.dedup();
        let mut found = HashMap::new();
        for group in distinct.chunks(BATCH) {
            let mut by_table: HashMap<String, Vec<Item>> = HashMap::new();
            for key in group {
                by_table.entry(database.table(key.table)).or_default().push(key.item());
            }
            let mut open = HashMap::new();
            for (table, keys) in by_table {
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(keys))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| Error::Refused(error.into()))?;
                open.insert(table, request);
            }
            while !open.is_empty() {
                let asked: usize = open.values().map(|keys| keys.keys.len()).sum();
                let answer = database
                    .client()
                    .batch_get_item()
                    .set_request_items(Some(open))
                    .customize()
                    .interceptor(AccessPattern::system("repository.bulk-read"))
                    .send()
                    .await
                    .map_err(Error::of)?;
                for (table, items) in answer.responses.unwrap_or_default() {
                    let Some(table) = tables.get(&table) else { continue };
                    found.extend(items.into_iter().map(|item| {
                        let item = stored(table, item);
                        (item.key.clone(), item)
                    }));
                }
                open = answer.unprocessed_keys.unwrap_or_default();
                // An answer to nothing is the store's way to refuse; asking again at once would be a busy loop.
                if open.values().map(|keys| keys.keys.len()).sum::<usize>() == asked {
                    return Err(Error::Unavailable("none of the keys was answered".into()));
                }
            }
        }
        Ok(found)
    }
}
