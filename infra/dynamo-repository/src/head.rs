//! Heads of their own: for a projection that writes several rows per source aggregate, the state of the fold and the version it is at.

use crate::{
    Error, Repository,
    attributes::{Item, number, text},
};
use headwater_dynamo_schema::RowKey;
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{Id, key};
use headwater_tenancy::TenantScope;
use serde_json::Value;

/// Where a projection stands for one source aggregate.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The version of the source that the rows show.
    pub version: u64,
    /// The state of the fold.
    pub state: Value,
}

/// The key of a head: a partition of its own for each source aggregate.
pub(crate) fn head_key(aggregate: &str, id: &Id) -> RowKey {
    RowKey {
        partition: format!("#HEAD#{}#{}", key::encode(aggregate), key::encode(id.as_str())),
        sort: "HEAD".into(),
    }
}

pub(crate) fn attributes(head: &Head) -> Item {
    Item::from([
        ("entity".to_owned(), text("HEAD")),
        ("version".to_owned(), number(head.version)),
        ("state".to_owned(), text(head.state.to_string())),
    ])
}

impl Repository {
    /// The head of a source aggregate in this projection, if it has come to the first version.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn head(
        &self,
        scope: &TenantScope,
        table: &'static str,
        aggregate: &str,
        id: &Id,
    ) -> Result<Option<Head>, Error> {
        let item = self.head_item(scope, table, aggregate, id).await?;
        let head = item.as_ref().map(read).transpose()?;
        // Only a step that was not finished has one without a version.
        Ok(head.filter(|head| head.version > 0))
    }

    pub(crate) async fn head_item(
        &self,
        scope: &TenantScope,
        table: &'static str,
        aggregate: &str,
        id: &Id,
    ) -> Result<Option<Item>, Error> {
        let (pk, sk) = self.full_key(scope, table, &head_key(aggregate, id)).await?;
        let answer = self
            .database
            .client()
            .get_item()
            .table_name(self.database.table(table))
            .key("PK", pk)
            .key("SK", sk)
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::of("repository.head", scope.tenant()))
            .send()
            .await
            .map_err(Error::of)?;
        Ok(answer.item)
    }
}

/// The head that an item holds.
pub(crate) fn read(item: &Item) -> Result<Head, Error> {
    let read = || {
        let version = item.get("version")?.as_n().ok()?.parse().ok()?;
        let state = serde_json::from_str(item.get("state")?.as_s().ok()?).ok()?;
        Some(Head { version, state })
    };
    read().ok_or_else(|| Error::unreadable("HEAD", "it has no version or state"))
}
