//! Commits that cannot be applied: parked from that commit on, for that aggregate and that projection, while the rest goes on.
//!
//! `PK = PARKED#<projection>.<generation>`, `SK = <tenant>#<context>#<aggregates>#<id>` (the id percent-encoded), in the table
//! `checkpoints`. What is kept is where the history stopped, not the commits: the log has them. A head that does not move is what parks
//! an aggregate; the item says so, and counts.
//!
//! Removing the item and telling it of a further commit are conditional on each other: whoever retries reads how far the history goes,
//! applies that, and removes the item only if nobody has told it of more. A worker whose news comes too late for the item applies them.

mod writing;

use crate::{ApplyError, SourceKey};
use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};
use headwater_dynamodb::{AccessPattern, Database, is_retryable};
use headwater_kernel::{Id, TenantId, Timestamp, key};
use std::collections::{BTreeMap, HashMap};

/// Items of one query, at most.
const PAGE: usize = 1_000;

/// How many of a consumer are counted; more are told as so many.
pub const COUNTED: usize = 10_000;

/// How many of a consumer a process knows by heart. Any other is found by its key once it fails.
pub(crate) const KNOWN: usize = 10_000;

/// An aggregate that a projection cannot follow further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// `<projection>.<generation>`.
    pub consumer: String,
    /// The aggregate's context.
    pub context: String,
    /// The aggregate.
    pub source: SourceKey,
    /// Sequence of the first event of the commit that could not be applied; 0 when that is not known.
    pub first_sequence: u64,
    /// How far the history goes, as far as the projection was told.
    pub up_to: u64,
    /// Why, without anything that was stored.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// The parked aggregates of all projections.
#[derive(Debug, Clone)]
pub struct Parking {
    database: Database,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn failed<E>(error: SdkError<E>) -> ApplyError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_retryable(&error) {
        ApplyError::Retry(error.into())
    } else {
        ApplyError::Permanent(error.into())
    }
}

fn is_conflict<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.code() == Some("ConditionalCheckFailedException"))
}

fn partition_key(consumer: &str) -> AttributeValue {
    text(format!("PARKED#{consumer}"))
}

fn sort_key(context: &str, source: &SourceKey) -> AttributeValue {
    let SourceKey { tenant, aggregate, id } = source;
    text(format!(
        "{tenant}#{context}#{}#{}",
        key::encode(aggregate),
        key::encode(id.as_str())
    ))
}

impl Parking {
    /// In the table `checkpoints` of `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Those of a consumer, of one tenant or of all. All of them, however many: [`Parking::page`] is for whoever cannot hold that.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] or [`ApplyError::Permanent`].
    pub async fn list(&self, consumer: &str, tenant: Option<&TenantId>) -> Result<Vec<Parked>, ApplyError> {
        self.first(consumer, tenant, usize::MAX).await
    }

    /// The first of them, `most` at most.
    pub(crate) async fn first(
        &self,
        consumer: &str,
        tenant: Option<&TenantId>,
        most: usize,
    ) -> Result<Vec<Parked>, ApplyError> {
        let mut parked: Vec<Parked> = Vec::new();
        loop {
            let after = parked.last().map(|last| (last.context.as_str(), &last.source));
            let limit = (most - parked.len()).min(PAGE);
            let (page, more) = self.page(consumer, tenant, after, limit).await?;
            parked.extend(page);
            if !more || parked.len() >= most {
                return Ok(parked);
            }
        }
    }

    /// At most `limit` of a consumer, of one tenant or of all, in the order of their keys after that of a context and an aggregate of it;
    /// and whether more follow.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] or [`ApplyError::Permanent`].
    pub async fn page(
        &self,
        consumer: &str,
        tenant: Option<&TenantId>,
        after: Option<(&str, &SourceKey)>,
        limit: usize,
    ) -> Result<(Vec<Parked>, bool), ApplyError> {
        let mut parked = Vec::new();
        let mut after = after.map(|(context, source)| {
            HashMap::from([
                ("PK".to_owned(), partition_key(consumer)),
                ("SK".to_owned(), sort_key(context, source)),
            ])
        });
        loop {
            // One more than asked for tells whether more follow.
            let wanted = (limit - parked.len()).min(PAGE) + 1;
            let page = self
                .keys(consumer, tenant)
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after)
                .customize()
                .interceptor(AccessPattern::system("parking.list"))
                .send()
                .await
                .map_err(failed)?;
            parked.extend(page.items().iter().filter_map(|item| read(consumer, item)));
            after = page.last_evaluated_key;
            if parked.len() > limit || after.is_none() {
                let more = parked.len() > limit;
                parked.truncate(limit);
                return Ok((parked, more));
            }
        }
    }

    /// How many a consumer has parked, of one tenant or of all, by context; counted up to [`COUNTED`] of them, and by pages, so that it
    /// takes no longer however many there are.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] or [`ApplyError::Permanent`].
    pub async fn count(&self, consumer: &str, tenant: Option<&TenantId>) -> Result<BTreeMap<String, u64>, ApplyError> {
        let (mut counts, mut counted, mut after) = (BTreeMap::new(), 0, None);
        loop {
            let page = self
                .keys(consumer, tenant)
                .projection_expression("SK")
                .limit(i32::try_from((COUNTED - counted).min(PAGE)).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after)
                .customize()
                .interceptor(AccessPattern::system("parking.count"))
                .send()
                .await
                .map_err(failed)?;
            for item in page.items() {
                let sort = item.get("SK").and_then(|sort| sort.as_s().ok());
                if let Some(context) = sort.and_then(|sort| sort.split('#').nth(1)) {
                    *counts.entry(context.to_owned()).or_default() += 1;
                }
            }
            counted += page.items().len();
            after = page.last_evaluated_key;
            if after.is_none() || counted >= COUNTED {
                return Ok(counts);
            }
        }
    }

    /// The items of a consumer, of one tenant or of all.
    fn keys(
        &self,
        consumer: &str,
        tenant: Option<&TenantId>,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        // Between the tenant's separator and the character that follows it lie all of its keys.
        let (from, to) = match tenant {
            Some(tenant) => (format!("{tenant}#"), format!("{tenant}$")),
            None => ("\u{1}".to_owned(), "\u{10FFFF}".to_owned()),
        };
        self.database
            .client()
            .query()
            .table_name(self.database.table("checkpoints"))
            .key_condition_expression("PK = :pk AND SK BETWEEN :from AND :to")
            .expression_attribute_values(":pk", partition_key(consumer))
            .expression_attribute_values(":from", text(&from))
            .expression_attribute_values(":to", text(&to))
            .consistent_read(true)
    }

    /// One aggregate, if it is parked.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] or [`ApplyError::Permanent`].
    pub async fn find(&self, consumer: &str, context: &str, source: &SourceKey) -> Result<Option<Parked>, ApplyError> {
        let answer = self
            .database
            .client()
            .get_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", partition_key(consumer))
            .key("SK", sort_key(context, source))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::system("parking.find"))
            .send()
            .await
            .map_err(failed)?;
        Ok(answer.item().and_then(|item| read(consumer, item)))
    }
}

fn read(consumer: &str, item: &HashMap<String, AttributeValue>) -> Option<Parked> {
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
    let mut parts = item.get("SK")?.as_s().ok()?.split('#');
    let tenant = TenantId::new(parts.next()?).ok()?;
    let context = parts.next()?.to_owned();
    let aggregate = key::decode(parts.next()?)?;
    let id = Id::new(key::decode(parts.next()?)?).ok()?;
    Some(Parked {
        consumer: consumer.to_owned(),
        context,
        source: SourceKey { tenant, aggregate, id },
        first_sequence: number("first")?,
        up_to: number("up_to")?,
        reason: item.get("reason")?.as_s().ok()?.clone(),
        since: Timestamp::from_nanos(item.get("since")?.as_n().ok()?.parse().ok()?),
    })
}

/// An error's text without what it quotes: that may be stored data, personal data too.
pub(crate) fn without_quotes(text: &str) -> String {
    let mut open: Option<char> = None;
    let mut out = String::with_capacity(text.len());
    for char in text.chars().take(4_000) {
        match (open, char) {
            (None, '"' | '`') => {
                open = Some(char);
                out.push(char);
                out.push('…');
            }
            (Some(quote), char) if char == quote => {
                open = None;
                out.push(char);
            }
            (None, char) => out.push(char),
            (Some(_), _) => {}
        }
    }
    out.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parked_items_of_layout_1_are_read() {
        let item = HashMap::from([
            ("PK".to_owned(), text("PARKED#leads.1")),
            ("SK".to_owned(), text("acme#crm#leads#L%231")),
            ("first".to_owned(), number(3)),
            ("up_to".to_owned(), number(7)),
            ("reason".to_owned(), text("unknown variant `…`")),
            ("since".to_owned(), number(1_732_000_000_000_000_000_i64)),
        ]);
        let parked = read("leads.1", &item).unwrap();
        assert_eq!(parked.source.id.as_str(), "L#1");
        assert_eq!((parked.first_sequence, parked.up_to), (3, 7));
        assert_eq!(sort_key(&parked.context, &parked.source), item["SK"]);
        assert_eq!(partition_key(&parked.consumer), item["PK"]);
    }

    #[test]
    fn a_reason_quotes_nothing() {
        assert_eq!(
            without_quotes("invalid type: string \"bob@example.com\", expected u64 for `price`"),
            "invalid type: string \"…\", expected u64 for `…`"
        );
    }
}
