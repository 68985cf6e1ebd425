//! Ranges of rows, page by page.

use crate::{
    Error, Repository, Row,
    attributes::{Item, text},
    cursor,
    repository::{fits, row},
};
use headwater_dynamo_schema::{FromRow, Range};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::key;
use headwater_tenancy::TenantScope;

/// Which part of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Most rows, 1 to 1,000.
    pub limit: usize,
    /// Where to go on, from the page before.
    pub cursor: Option<String>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows; fewer than the limit only at the end.
    pub items: Vec<Row<T>>,
    /// Where to go on; `None` at the end.
    pub next_cursor: Option<String>,
}

impl Repository {
    /// A page of a range. One DynamoDB query, unless the range holds entities that `T` does not want or passes 1 MB. Eventually consistent,
    /// unless it is of [`Repository::consistent`] and of no index.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`], [`Error::Unreadable`], [`Error::KeyTooLong`], [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn query<T: FromRow>(
        &self,
        scope: &TenantScope,
        range: &Range,
        page: &PageRequest,
    ) -> Result<Page<T>, Error> {
        let limit = page.limit.clamp(1, 1_000);
        let partition = self.partition(scope, range.table(), range.partition()).await?;
        let [pk_name, sk_name] = range
            .index()
            .map_or(["PK".to_owned(), "SK".to_owned()], cursor::index_attributes);
        let mut after = match &page.cursor {
            Some(cursor) => Some(cursor::open(&self.key, scope, &partition, range, cursor)?),
            None => None,
        };
        fits(range.from(), key::MAX_SORT_KEY_BYTES)?;
        fits(range.to(), key::MAX_SORT_KEY_BYTES)?;
        if range.from() > range.to() {
            // DynamoDB refuses what can only be empty.
            return Ok(Page {
                items: Vec::new(),
                next_cursor: None,
            });
        }
        // One more than asked tells whether there is more, so that a page that ends with the range has no cursor.
        let mut items: Vec<Item> = Vec::with_capacity(limit + 1);
        let mut ask = limit + 1;
        loop {
            let answer = self
                .database
                .client()
                .query()
                .table_name(self.database.table(range.table()))
                .set_index_name(range.index().map(|index| format!("GSI{index}")))
                .key_condition_expression(format!("{pk_name} = :pk AND {sk_name} BETWEEN :from AND :to"))
                .expression_attribute_values(":pk", text(&partition))
                .expression_attribute_values(":from", text(range.from()))
                .expression_attribute_values(":to", text(range.to()))
                .consistent_read(self.consistent && range.index().is_none())
                .scan_index_forward(!range.is_descending())
                .set_exclusive_start_key(after.take())
                .limit(i32::try_from(ask).unwrap_or(i32::MAX))
                .customize()
                .interceptor(AccessPattern::of("repository.query", scope.tenant()))
                .send()
                .await
                .map_err(Error::of)?;
            let wanted = |item: &Item| {
                item.get("entity")
                    .and_then(|value| value.as_s().ok())
                    .is_some_and(|entity| T::wants(entity))
            };
            items.extend(answer.items.unwrap_or_default().into_iter().filter(wanted));
            after = answer.last_evaluated_key;
            if after.is_none() || items.len() > limit {
                break;
            }
            // Much is not wanted here: by ever larger steps, or a small page would take a query for each few rows.
            ask = (ask * 4).clamp(100, 1_000);
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = match items.last() {
            Some(last) if more => Some(cursor::seal(&self.key, scope, &partition, range, last)),
            _ => None,
        };
        Ok(Page {
            items: items.into_iter().map(row::<T>).collect::<Result<_, _>>()?,
            next_cursor,
        })
    }
}
