//! Single rows: find, save, update, delete; and several by key.

use crate::{
    Error, Generations,
    attributes::{self, Item, number, text, to_attribute},
};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamo_schema::{Entity, FromRow, RowItem, RowKey};
use headwater_dynamodb::{AccessPattern, Database};
use headwater_kernel::key;
use headwater_tenancy::{SealingKey, TenantScope};
use std::collections::HashMap;

/// The rows of one projection. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(crate) database: Database,
    pub(crate) projection: &'static str,
    generations: Generations,
    fixed: Option<u32>,
    pub(crate) consistent: bool,
    pub(crate) key: SealingKey,
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<T> {
    /// What the row holds.
    pub entity: T,
    /// The version of its source that it is at.
    pub version: u64,
}

/// What a row must be for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is none.
    New,
    /// It is at this version.
    Version(u64),
    /// There is none, or it is at this version or an older one.
    UpTo(u64),
}

/// Keys of one BatchGetItem.
pub(crate) const BATCH: usize = 100;

impl Expect {
    /// The condition and the value it needs.
    pub(crate) fn condition(self) -> (&'static str, Option<AttributeValue>) {
        match self {
            Self::New => ("attribute_not_exists(PK)", None),
            Self::Version(version) => ("version = :expected", Some(number(version))),
            // The same version again is the same write again: whoever was interrupted between several writes comes back with it.
            Self::UpTo(version) => (
                "attribute_not_exists(PK) OR version <= :expected",
                Some(number(version)),
            ),
        }
    }
}

impl Repository {
    /// The rows of `projection` in the views tables of `database`.
    pub fn new(database: Database, projection: &'static str, generations: Generations, key: SealingKey) -> Self {
        Self {
            database,
            projection,
            generations,
            fixed: None,
            consistent: false,
            key,
        }
    }

    /// The same rows, read with all that was written before, at twice the price: by the table's own key. DynamoDB cannot do so by an index.
    #[must_use]
    pub fn consistent(&self) -> Self {
        Self {
            consistent: true,
            ..self.clone()
        }
    }

    /// The same rows in a certain generation, whichever is live: for whoever builds one.
    #[must_use]
    pub fn at_generation(&self, generation: u32) -> Self {
        Self {
            fixed: Some(generation),
            ..self.clone()
        }
    }

    /// An id that nobody else makes.
    pub(crate) fn new_id(&self) -> String {
        self.generations.runtime().uuid().to_string()
    }

    /// The projection's name.
    pub fn projection(&self) -> &'static str {
        self.projection
    }

    /// A partition key of this projection: the only place where one is made.
    pub(crate) async fn partition(
        &self,
        scope: &TenantScope,
        table: &'static str,
        tail: &str,
    ) -> Result<String, Error> {
        let generation = match self.fixed {
            Some(generation) => generation,
            None => self.generations.live(scope, table, self.projection).await?,
        };
        self.partition_of(scope, generation, tail)
    }

    /// The same in a certain generation.
    pub(crate) fn partition_of(&self, scope: &TenantScope, generation: u32, tail: &str) -> Result<String, Error> {
        // Whatever follows the tenant begins with the delimiter, or it would name another tenant.
        if !tail.is_empty() && !tail.starts_with('#') {
            return Err(Error::unreadable(
                "KEY",
                format!("the partition {tail:?} does not begin with #"),
            ));
        }
        let made = format!("{}{tail}#~{}.{generation}", scope.partition_key(), self.projection);
        fits(&made, key::MAX_PARTITION_KEY_BYTES)?;
        Ok(made)
    }

    pub(crate) async fn full_key(
        &self,
        scope: &TenantScope,
        table: &'static str,
        row: &RowKey,
    ) -> Result<(AttributeValue, AttributeValue), Error> {
        fits(&row.sort, key::MAX_SORT_KEY_BYTES)?;
        Ok((
            text(self.partition(scope, table, &row.partition).await?),
            text(&row.sort),
        ))
    }

    /// The item of a row.
    pub(crate) async fn item(&self, scope: &TenantScope, row: RowItem, version: u64) -> Result<Item, Error> {
        let generation = match self.fixed {
            Some(generation) => generation,
            None => self.generations.live(scope, row.table, self.projection).await?,
        };
        self.item_of(scope, generation, row, version)
    }

    /// The same rows in the generation that is live now: whatever one call touches is of one, also while another becomes live.
    pub(crate) async fn pinned(&self, scope: &TenantScope, table: &'static str) -> Result<Self, Error> {
        Ok(match self.fixed {
            Some(_) => self.clone(),
            None => self.at_generation(self.generations.live(scope, table, self.projection).await?),
        })
    }

    /// The item of a row in a certain generation.
    pub(crate) fn item_of(
        &self,
        scope: &TenantScope,
        generation: u32,
        row: RowItem,
        version: u64,
    ) -> Result<Item, Error> {
        let full_key = |key: &RowKey| {
            fits(&key.sort, key::MAX_SORT_KEY_BYTES)?;
            Ok((
                text(self.partition_of(scope, generation, &key.partition)?),
                text(&key.sort),
            ))
        };
        let (pk, sk) = full_key(&row.key)?;
        let mut item: Item = row
            .attributes
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, to_attribute(value)))
            .collect();
        for index in &row.indexes {
            if let Some(key) = &index.key {
                let (pk, sk) = full_key(key)?;
                item.insert(format!("GSI{}PK", index.index), pk);
                item.insert(format!("GSI{}SK", index.index), sk);
            }
        }
        item.insert("PK".into(), pk);
        item.insert("SK".into(), sk);
        item.insert("entity".into(), text(row.entity));
        item.insert("version".into(), number(version));
        Ok(item)
    }

    /// Finds one row by its key: one strongly consistent read.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::KeyTooLong`], [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn find<E: Entity + FromRow>(&self, scope: &TenantScope, key: &RowKey) -> Result<Option<Row<E>>, Error> {
        let (pk, sk) = self.full_key(scope, E::SCHEMA.table, key).await?;
        let answer = self
            .database
            .client()
            .get_item()
            .table_name(self.database.table(E::SCHEMA.table))
            .key("PK", pk)
            .key("SK", sk)
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::of("repository.find", scope.tenant()))
            .send()
            .await
            .map_err(Error::of)?;
        answer.item.map(row::<E>).transpose()
    }

    /// Saves a row at `version`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the row is not as expected; otherwise as [`Repository::find`].
    pub async fn save<E: Entity>(
        &self,
        scope: &TenantScope,
        entity: &E,
        version: u64,
        expect: Expect,
    ) -> Result<(), Error> {
        let row = RowItem::of(entity).map_err(|error| Error::unreadable(E::SCHEMA.entity, error))?;
        self.save_item(scope, row, version, expect).await
    }

    /// Saves a described row at `version`.
    ///
    /// # Errors
    /// As [`Repository::save`].
    pub async fn save_item(
        &self,
        scope: &TenantScope,
        row: RowItem,
        version: u64,
        expect: Expect,
    ) -> Result<(), Error> {
        let table = self.database.table(row.table);
        let (condition, value) = expect.condition();
        self.database
            .client()
            .put_item()
            .table_name(table)
            .set_item(Some(self.item(scope, row, version).await?))
            .condition_expression(condition)
            .set_expression_attribute_values(value.map(|value| HashMap::from([(":expected".to_owned(), value)])))
            .customize()
            .interceptor(AccessPattern::of("repository.save", scope.tenant()))
            .send()
            .await
            .map(drop)
            .map_err(Error::of)
    }

    /// Changes some attributes of a row that is at version `expected`, and with them every index key that is made of them, in one
    /// conditional write. `None` when there is no such row.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the row is at another version, [`Error::KeyChanged`] when the change would move it.
    pub async fn update<E: Entity + FromRow>(
        &self,
        scope: &TenantScope,
        key: &RowKey,
        expected: u64,
        version: u64,
        change: impl FnOnce(&mut E),
    ) -> Result<Option<Row<E>>, Error> {
        let pinned = self.pinned(scope, E::SCHEMA.table).await?;
        let Some(mut row) = pinned.find::<E>(scope, key).await? else {
            return Ok(None);
        };
        if row.version != expected {
            return Err(Error::Conflict);
        }
        change(&mut row.entity);
        if row.entity.row_key() != *key {
            return Err(Error::KeyChanged);
        }
        pinned
            .save(scope, &row.entity, version, Expect::Version(expected))
            .await?;
        row.version = version;
        Ok(Some(row))
    }

    /// Deletes a row that is at `version` or an older one; deleting none is done already.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the row is newer.
    pub async fn delete<E: Entity>(&self, scope: &TenantScope, key: &RowKey, version: u64) -> Result<(), Error> {
        let (pk, sk) = self.full_key(scope, E::SCHEMA.table, key).await?;
        let (condition, value) = Expect::UpTo(version).condition();
        self.database
            .client()
            .delete_item()
            .table_name(self.database.table(E::SCHEMA.table))
            .key("PK", pk)
            .key("SK", sk)
            .condition_expression(condition)
            .set_expression_attribute_values(value.map(|value| HashMap::from([(":expected".to_owned(), value)])))
            .customize()
            .interceptor(AccessPattern::of("repository.delete", scope.tenant()))
            .send()
            .await
            .map(drop)
            .map_err(Error::of)
    }
}

pub(crate) fn fits(key: &str, limit: usize) -> Result<(), Error> {
    if key.len() > limit {
        Err(Error::KeyTooLong {
            bytes: key.len(),
            limit,
        })
    } else {
        Ok(())
    }
}

pub(crate) fn row<T: FromRow>(item: Item) -> Result<Row<T>, Error> {
    let (entity, version, attributes) = attributes::read(item)?;
    if !T::wants(&entity) {
        return Err(Error::unreadable(&entity, "another entity was expected under this key"));
    }
    let entity = T::from_row(&entity, attributes).map_err(|error| Error::unreadable(&entity, error))?;
    Ok(Row { entity, version })
}
