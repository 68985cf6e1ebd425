//! Answers: pages of rows, of which some are empty, to the bins of the port. Percentiles are taken here of the points' values, as the service's are
//! approximate.

use super::{
    failures::{failed, is},
    names, sql,
};
use crate::{
    Answer, Error, Query, SeriesInfo, Stat,
    bins::{Collector, Summary},
};
use aws_sdk_timestreamquery::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::Datum,
};
use headwater_kernel::{TenantId, Timestamp};
use headwater_read_models::metrics::Dimensions;
use std::collections::{BTreeMap, BTreeSet};

/// The pages of an answer.
struct Pages<'a> {
    client: &'a Client,
    statement: String,
    next: Option<String>,
    begun: bool,
}

impl<'a> Pages<'a> {
    fn new(client: &'a Client, statement: String) -> Self {
        Self {
            client,
            statement,
            next: None,
            begun: false,
        }
    }

    /// The rows of the next page; an empty page is none of the end.
    async fn next(&mut self) -> Result<Option<Vec<Vec<Datum>>>, Error> {
        if self.begun && self.next.is_none() {
            return Ok(None);
        }
        let asked = self
            .client
            .query()
            .query_string(&self.statement)
            .set_next_token(self.next.take());
        let page = match asked.send().await {
            // A table has the columns of the records that it was given, and this one was given none.
            Err(error) if has_no_column(&error) => return Ok(None),
            page => page.map_err(|error| failed("asking", error))?,
        };
        self.begun = true;
        self.next = page.next_token;
        Ok(Some(page.rows.into_iter().map(|row| row.data).collect()))
    }
}

fn has_no_column<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let said = error.message().unwrap_or_default();
    is(error, "ValidationException") && said.contains("Column ") && said.contains("does not exist")
}

fn strange(row: &[Datum]) -> Error {
    Error::Unavailable(format!("the service answers {row:?} where a bin or a point belongs"))
}

/// A number; `Infinity` is one, for a sum without end.
fn number<T: std::str::FromStr>(row: &[Datum], at: usize) -> Result<T, Error> {
    let told = row
        .get(at)
        .and_then(Datum::scalar_value)
        .and_then(|text| text.parse().ok());
    told.ok_or_else(|| strange(row))
}

/// The group of a row whose values of dimensions begin here.
fn group(query: &Query, row: &[Datum], first: usize) -> Dimensions {
    let of = |(at, name): (usize, &String)| Some((name.clone(), row.get(first + at)?.scalar_value()?.to_owned()));
    query.group_by.iter().enumerate().filter_map(of).collect()
}

/// The answer to a query.
pub(super) async fn query(client: &Client, table: &str, tenant: &TenantId, query: &Query) -> Result<Answer, Error> {
    let mut collector = Collector::new(query)?;
    let by_value = matches!(query.stat, Stat::P50 | Stat::P99);
    let statement = match by_value {
        true => sql::values(table, tenant, query),
        false => sql::bins(table, tenant, query),
    };
    let mut pages = Pages::new(client, statement);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut any = false;
    while let Some(rows) = pages.next().await? {
        for row in rows {
            any = true;
            let time = Timestamp::from_nanos(number(&row, 0)?);
            let group = group(query, &row, if by_value { 2 } else { 5 });
            seen.extend(
                group
                    .keys()
                    .filter(|name| !seen.contains(*name))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            if by_value {
                collector.value(&group, time, number(&row, 1)?)?;
                continue;
            }
            let summary = Summary {
                count: number(&row, 1)?,
                sum: number(&row, 2)?,
                min: number(&row, 3)?,
                max: number(&row, 4)?,
            };
            collector.summary(&group, time, summary)?;
        }
    }
    // Only what was not seen may be unknown.
    let filters = query.filters.keys().filter(|_| !any);
    let unseen: Vec<&String> = query
        .group_by
        .iter()
        .filter(|name| !seen.contains(*name))
        .chain(filters)
        .collect();
    if !unseen.is_empty() {
        check(client, table, tenant, &query.series, &unseen).await?;
    }
    collector.finish()
}

/// Refuses dimensions that no point of the series has, if it has any.
async fn check(client: &Client, table: &str, tenant: &TenantId, series: &str, asked: &[&String]) -> Result<(), Error> {
    let mut pages = Pages::new(client, sql::dimensions(table, tenant, series));
    let mut known = BTreeSet::new();
    let mut any = false;
    while let Some(rows) = pages.next().await? {
        for row in rows {
            any = true;
            known.extend(
                row.first()
                    .and_then(Datum::scalar_value)
                    .map(names::names)
                    .unwrap_or_default(),
            );
        }
    }
    match asked.iter().find(|name| !known.contains(**name)) {
        Some(dimension) if any => Err(Error::UnknownDimension {
            dimension: (*dimension).clone(),
            known: known.into_iter().collect(),
        }),
        _ => Ok(()),
    }
}

/// The series of a tenant.
pub(super) async fn series(client: &Client, table: &str, tenant: &TenantId) -> Result<Vec<SeriesInfo>, Error> {
    let mut pages = Pages::new(client, sql::series(table, tenant));
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    while let Some(rows) = pages.next().await? {
        for row in rows {
            let (Some(name), Some(dimensions)) = (
                row.first().and_then(Datum::scalar_value),
                row.get(1).and_then(Datum::scalar_value),
            ) else {
                return Err(strange(&row));
            };
            all.entry(name.to_owned()).or_default().extend(names::names(dimensions));
        }
    }
    let info = |(name, dimensions)| SeriesInfo { name, dimensions };
    Ok(all.into_iter().map(info).collect())
}
