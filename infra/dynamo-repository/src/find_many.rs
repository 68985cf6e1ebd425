//! Many rows by key.

use crate::{
    Error, Repository, Row,
    attributes::{Item, text},
    repository::{BATCH, row},
};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use headwater_dynamo_schema::{Entity, FromRow, RowKey};
use headwater_dynamodb::AccessPattern;
use headwater_tenancy::TenantScope;
use std::collections::HashMap;

impl Repository {
    /// Finds many rows by key, a hundred a call, eventually consistent unless [`Repository::consistent`]; the answers stand in the order of the keys.
    ///
    /// # Errors
    /// As [`Repository::find`].
    pub async fn find_many<E: Entity + FromRow>(
        &self,
        scope: &TenantScope,
        keys: &[RowKey],
    ) -> Result<Vec<Option<Row<E>>>, Error> {
        let table = self.database.table(E::SCHEMA.table);
        let mut found: HashMap<(String, String), Row<E>> = HashMap::new();
        let mut wanted = Vec::with_capacity(keys.len());
        let pinned = self.pinned(scope, E::SCHEMA.table).await?;
        for key in keys {
            let (pk, sk) = pinned.full_key(scope, E::SCHEMA.table, key).await?;
            wanted.push((
                pk.as_s().cloned().unwrap_or_default(),
                sk.as_s().cloned().unwrap_or_default(),
            ));
        }
        let mut distinct = wanted.clone();
        distinct.sort();
        distinct.dedup();
        for group in distinct.chunks(BATCH) {
            let mut open: Vec<Item> = group
                .iter()
                .map(|(pk, sk)| Item::from([("PK".to_owned(), text(pk)), ("SK".to_owned(), text(sk))]))
                .collect();
            while !open.is_empty() {
                let asked = open.len();
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(open))
                    .consistent_read(self.consistent)
                    .build()
                    .map_err(|error| Error::Refused(error.into()))?;
                let mut answer = self
                    .database
                    .client()
                    .batch_get_item()
                    .request_items(&table, request)
                    .customize()
                    .interceptor(AccessPattern::of("repository.find-many", scope.tenant()))
                    .send()
                    .await
                    .map_err(Error::of)?;
                for item in answer
                    .responses
                    .as_mut()
                    .and_then(|all| all.remove(&table))
                    .unwrap_or_default()
                {
                    let part = |name: &str| item.get(name).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
                    let place = (part("PK"), part("SK"));
                    found.insert(place, row::<E>(item)?);
                }
                open = answer
                    .unprocessed_keys
                    .and_then(|mut keys| keys.remove(&table))
                    .map(|k| k.keys)
                    .unwrap_or_default();
                // An answer to nothing is the store's way to refuse; asking again at once would be a busy loop.
                if open.len() == asked {
                    return Err(Error::Unavailable("none of the keys was answered".into()));
                }
            }
        }
        Ok(wanted.iter().map(|place| found.get(place).cloned()).collect())
    }
}
