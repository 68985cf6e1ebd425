//! The ledger: what each object is to hold, written down before the object is. It lives in the table `audit-log` beside the event tables.
//!
//! | `PK` | `SK` | holds |
//! |---|---|---|
//! | `REGION#<region>` | `HEAD` | `next` number of an object, `hour` that objects go to, `first` hour, `closed` hour and the SHA-256 of its digest |
//! | `REGION#<region>` | `OBJECT#<number>` | `hour`, `takes`: JSON of the batches that it holds, `entry`: JSON of what it is, once it is written; until its hour is closed |
//! | `TENANT#<tenant>` | `TAKEN#<context>` | `taken`: the last batch of the tenant's feed that an object holds |
//!
//! Taking batches is one transaction on the head and on all of their places: two workers never take the same, and hours only grow.

use crate::{Error, Hour, object::Entry};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem, Update};
use headwater_dynamodb::{AccessPattern, Database, TableDefinition, tables};
use headwater_kernel::{TenantId, key};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The definition of the ledger's table.
pub fn audit_log_table() -> TableDefinition {
    tables::audit_log_table()
}

const TABLE: &str = "audit-log";
const HEAD: &str = "HEAD";
const OBJECT: &str = "OBJECT#";
/// Most places of feeds that one object takes from: a transaction has 100 items.
pub(crate) const MOST_TAKES: usize = 90;

type Item = HashMap<String, AttributeValue>;

/// Where the chain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) next: u64,
    pub(crate) hour: Hour,
    pub(crate) first: Hour,
    /// The last hour that has its digest, and that digest's SHA-256.
    pub(crate) closed: Option<(Hour, String)>,
}

/// Batches of one feed, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Take {
    pub(crate) tenant: TenantId,
    pub(crate) context: String,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// An object as the ledger has it.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) number: u64,
    pub(crate) hour: Hour,
    pub(crate) takes: Vec<Take>,
    pub(crate) entry: Option<Entry>,
}

#[derive(Clone)]
pub(crate) struct Ledger {
    database: Database,
    region: String,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn get<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    match item.get(name)? {
        AttributeValue::S(text) | AttributeValue::N(text) => text.parse().ok(),
        _ => None,
    }
}

fn json<T: serde::de::DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
    serde_json::from_str(item.get(name)?.as_s().ok()?).ok()
}

fn to_json(value: &impl Serialize) -> Result<AttributeValue, Error> {
    serde_json::to_string(value).map(text).map_err(Error::store)
}

impl Ledger {
    pub(crate) fn new(database: Database, region: &str) -> Self {
        Self {
            database,
            region: region.to_owned(),
        }
    }

    fn table(&self) -> String {
        self.database.table(TABLE)
    }

    fn key(&self) -> AttributeValue {
        text(format!("REGION#{}", self.region))
    }

    fn altered(&self, sort: &str) -> Error {
        Error::altered(format!("the row {sort} of the table {TABLE}"), "it cannot be read")
    }

    pub(crate) async fn head(&self) -> Result<Option<Head>, Error> {
        let sent = self.database.client().get_item().table_name(self.table());
        let sent = sent.key("PK", self.key()).key("SK", text(HEAD)).consistent_read(true);
        let sent = sent.customize().interceptor(AccessPattern::system("audit-log.head"));
        let answer = sent.send().await.map_err(Error::store)?;
        let Some(item) = answer.item else { return Ok(None) };
        let read = || {
            let closed = match get(&item, "closed") {
                Some(hour) => Some((hour, get(&item, "sha256")?)),
                None => None,
            };
            Some(Head {
                next: get(&item, "next")?,
                hour: get(&item, "hour")?,
                first: get(&item, "first")?,
                closed,
            })
        };
        read().map(Some).ok_or_else(|| self.altered(HEAD))
    }

    /// Begins the chain, unless it has begun.
    pub(crate) async fn begin(&self, hour: Hour) -> Result<(), Error> {
        let hour = text(hour.to_string());
        let put = self.database.client().put_item().table_name(self.table());
        let put = put
            .item("PK", self.key())
            .item("SK", text(HEAD))
            .item("next", number(1));
        let put = put.item("hour", hour.clone()).item("first", hour);
        let put = put.condition_expression("attribute_not_exists(PK)");
        let sent = put
            .customize()
            .interceptor(AccessPattern::system("audit-log.head"))
            .send();
        match sent.await {
            Err(error) if is_condition(&error) => Ok(()),
            sent => sent.map(drop).map_err(Error::store),
        }
    }

    /// How far the feed of each of these contexts of a tenant is taken; 0 where nothing is.
    pub(crate) async fn taken(&self, tenant: &TenantId, contexts: &[String]) -> Result<Vec<u64>, Error> {
        let place = |context: &String| {
            Item::from([
                ("PK".to_owned(), text(key::tenant(tenant))),
                ("SK".to_owned(), text(format!("TAKEN#{context}"))),
            ])
        };
        let mut wanted: Vec<Item> = contexts.iter().map(place).collect();
        let mut found: HashMap<String, u64> = HashMap::new();
        while !wanted.is_empty() {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true);
            let sent = self.database.client().batch_get_item();
            let sent = sent.request_items(self.table(), keys.build().map_err(Error::store)?);
            let sent = sent
                .customize()
                .interceptor(AccessPattern::of("audit-log.taken", tenant));
            let answer = sent.send().await.map_err(Error::store)?;
            for item in answer
                .responses()
                .and_then(|all| all.get(&self.table()))
                .into_iter()
                .flatten()
            {
                let sort: String = get(item, "SK").ok_or_else(|| self.altered("TAKEN#"))?;
                let batch = get(item, "taken").ok_or_else(|| self.altered(&sort))?;
                found.insert(sort, batch);
            }
            let rest = answer.unprocessed_keys.and_then(|mut keys| keys.remove(&self.table()));
            wanted = rest.map(|rest| rest.keys).unwrap_or_default();
        }
        let of = |context: &String| found.get(&format!("TAKEN#{context}")).copied().unwrap_or(0);
        Ok(contexts.iter().map(of).collect())
    }

    /// Writes down what the next object holds. `false`: somebody else has moved the head or taken of the same feeds.
    pub(crate) async fn take(&self, head: &Head, hour: Hour, takes: &[Take]) -> Result<bool, Error> {
        let update = Update::builder()
            .table_name(self.table())
            .key("PK", self.key())
            .key("SK", text(HEAD));
        let update = update
            .update_expression("SET #next = :after, #hour = :hour")
            .condition_expression("#next = :next AND #hour = :was")
            .expression_attribute_names("#next", "next")
            .expression_attribute_names("#hour", "hour")
            .expression_attribute_values(":next", number(head.next))
            .expression_attribute_values(":after", number(head.next + 1))
            .expression_attribute_values(":was", text(head.hour.to_string()))
            .expression_attribute_values(":hour", text(hour.to_string()));
        let put = Put::builder().table_name(self.table()).item("PK", self.key());
        let put = put
            .item("SK", text(format!("{OBJECT}{:020}", head.next)))
            .item("hour", text(hour.to_string()))
            .item("takes", to_json(&takes)?)
            .condition_expression("attribute_not_exists(PK)");
        let mut items = vec![
            TransactWriteItem::builder()
                .update(update.build().map_err(Error::store)?)
                .build(),
            TransactWriteItem::builder()
                .put(put.build().map_err(Error::store)?)
                .build(),
        ];
        for take in takes {
            let update = Update::builder().table_name(self.table());
            let update = update
                .key("PK", text(key::tenant(&take.tenant)))
                .key("SK", text(format!("TAKEN#{}", take.context)))
                .update_expression("SET taken = :to")
                .expression_attribute_values(":to", number(take.to));
            let update = if take.from == 1 {
                update.condition_expression("attribute_not_exists(taken)")
            } else {
                update
                    .condition_expression("taken = :before")
                    .expression_attribute_values(":before", number(take.from - 1))
            };
            items.push(
                TransactWriteItem::builder()
                    .update(update.build().map_err(Error::store)?)
                    .build(),
            );
        }
        let sent = self
            .database
            .client()
            .transact_write_items()
            .set_transact_items(Some(items));
        let sent = sent
            .customize()
            .interceptor(AccessPattern::system("audit-log.take"))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_transaction_canceled_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(Error::store(error)),
        }
    }

    /// The objects of hours that are not closed, by number.
    pub(crate) async fn planned(&self) -> Result<Vec<Planned>, Error> {
        let mut planned = Vec::new();
        let mut from = None;
        loop {
            let query = self.database.client().query().table_name(self.table());
            let query = query
                .key_condition_expression("PK = :pk AND begins_with(SK, :object)")
                .expression_attribute_values(":pk", self.key())
                .expression_attribute_values(":object", text(OBJECT))
                .consistent_read(true)
                .set_exclusive_start_key(from);
            let sent = query
                .customize()
                .interceptor(AccessPattern::system("audit-log.planned"));
            let answer = sent.send().await.map_err(Error::store)?;
            for item in answer.items() {
                let sort: String = get(item, "SK").ok_or_else(|| self.altered(OBJECT))?;
                let read = || {
                    Some(Planned {
                        number: sort.strip_prefix(OBJECT)?.parse().ok()?,
                        hour: get(item, "hour")?,
                        takes: json(item, "takes")?,
                        entry: match item.contains_key("entry") {
                            true => Some(json(item, "entry")?),
                            false => None,
                        },
                    })
                };
                planned.push(read().ok_or_else(|| self.altered(&sort))?);
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(planned);
            }
        }
    }

    /// Notes what an object that is written now is.
    pub(crate) async fn written(&self, number: u64, entry: &Entry) -> Result<(), Error> {
        let update = self.database.client().update_item().table_name(self.table());
        let update = update
            .key("PK", self.key())
            .key("SK", text(format!("{OBJECT}{number:020}")))
            .update_expression("SET entry = :entry")
            // Another worker may have closed its hour meanwhile.
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":entry", to_json(entry)?);
        let sent = update
            .customize()
            .interceptor(AccessPattern::system("audit-log.written"))
            .send()
            .await;
        match sent {
            Err(error) if is_condition(&error) => Ok(()),
            sent => sent.map(drop).map_err(Error::store),
        }
    }

    /// Lets no object go to `head`'s hour any more. `false`: somebody else has moved the head.
    pub(crate) async fn leave_hour(&self, head: &Head) -> Result<bool, Error> {
        let update = self.database.client().update_item().table_name(self.table());
        let update = update
            .key("PK", self.key())
            .key("SK", text(HEAD))
            .update_expression("SET #hour = :hour")
            .condition_expression("#hour = :was AND #next = :next")
            .expression_attribute_names("#hour", "hour")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":was", text(head.hour.to_string()))
            .expression_attribute_values(":hour", text(head.hour.next().to_string()))
            .expression_attribute_values(":next", number(head.next));
        self.moved(
            update
                .customize()
                .interceptor(AccessPattern::system("audit-log.head"))
                .send()
                .await,
        )
    }

    /// Notes the digest of the hour after the last that was closed, and forgets its objects, which the digest has. `false`: somebody else did.
    pub(crate) async fn close(&self, head: &Head, hour: Hour, sha256: &str, objects: &[u64]) -> Result<bool, Error> {
        let update = self.database.client().update_item().table_name(self.table());
        let update = update
            .key("PK", self.key())
            .key("SK", text(HEAD))
            .update_expression("SET closed = :hour, sha256 = :sha")
            .expression_attribute_values(":hour", text(hour.to_string()))
            .expression_attribute_values(":sha", text(sha256));
        let update = match &head.closed {
            None => update.condition_expression("attribute_not_exists(closed)"),
            Some((closed, _)) => update
                .condition_expression("closed = :was")
                .expression_attribute_values(":was", text(closed.to_string())),
        };
        let closed = self.moved(
            update
                .customize()
                .interceptor(AccessPattern::system("audit-log.head"))
                .send()
                .await,
        )?;
        if closed {
            self.forget(objects).await?;
        }
        Ok(closed)
    }

    /// Removes rows of objects of closed hours.
    pub(crate) async fn forget(&self, objects: &[u64]) -> Result<(), Error> {
        for some in objects.chunks(100) {
            let delete = |object: &u64| {
                let delete = Delete::builder().table_name(self.table()).key("PK", self.key());
                let delete = delete.key("SK", text(format!("{OBJECT}{object:020}"))).build();
                delete.map(|delete| TransactWriteItem::builder().delete(delete).build())
            };
            let items: Vec<_> = some
                .iter()
                .map(delete)
                .collect::<Result<_, _>>()
                .map_err(Error::store)?;
            let sent = self
                .database
                .client()
                .transact_write_items()
                .set_transact_items(Some(items));
            let sent = sent.customize().interceptor(AccessPattern::system("audit-log.forget"));
            sent.send().await.map_err(Error::store)?;
        }
        Ok(())
    }

    fn moved<T, R>(
        &self,
        sent: Result<
            T,
            aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::update_item::UpdateItemError, R>,
        >,
    ) -> Result<bool, Error>
    where
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(Error::store(error)),
        }
    }
}

/// Whether a condition was not met.
fn is_condition<E, R>(error: &aws_sdk_dynamodb::error::SdkError<E, R>) -> bool
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    let service = error.as_service_error();
    service.is_some_and(|error| error.code() == Some("ConditionalCheckFailedException"))
}
