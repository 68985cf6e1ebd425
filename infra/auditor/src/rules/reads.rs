//! Rules on scans and queries.

use super::{Match, each, table};
use crate::site::{Paging, Site};

pub(super) fn scan(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| (site.operation == "scan").then(|| format!("a scan reads, and pays for, every item of {}", table(site))),
        "query by key or through an index whose partition key is what is looked for; export the table for reports",
    )
}

pub(super) fn unpaged(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            // Without a filter, a limit says how many are wanted; with one it is applied before the filter, and what matches may be further on.
            let bounded = site.limit && !site.filter && !site.details.limit_perhaps;
            let silent = site.paging == Some(Paging::None) && !bounded && !of_one_item(site);
            silent.then(|| {
                format!(
                    "LastEvaluatedKey of this {} is not read: of {} only the first 1 MB is seen, and nothing says so",
                    site.operation,
                    table(site)
                )
            })
        },
        "page with `.into_paginator().items().send()`, or read on from `last_evaluated_key` until it is none",
    )
}

/// A query for a whole primary key answers one item at most.
fn of_one_item(site: &Site) -> bool {
    let Some(words) = &site.details.key_condition else {
        return false;
    };
    let lower = words.to_lowercase();
    site.operation == "query"
        && site.index.is_none()
        && lower.matches('=').count() == 2
        && lower.contains(" and ")
        && !lower.contains(['<', '>', '('])
        && !lower.contains("between")
}

pub(super) fn no_limit(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            let first_only = matches!(site.operation.as_str(), "scan" | "query")
                && site.details.only_first
                && !site.limit
                && !site.filter
                && !of_one_item(site);
            first_only.then(|| {
                format!(
                    "only the first item is used, and up to 1 MB of {} is read for it",
                    table(site)
                )
            })
        },
        "add `.limit(1)`, or get the item by its key",
    )
}

pub(super) fn filter(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            (site.filter && matches!(site.operation.as_str(), "scan" | "query")).then(|| {
                format!(
                    "the filter is applied after {} was read: what it throws away is paid for",
                    table(site)
                )
            })
        },
        "put what is filtered by into the key or an index (a sparse one where few items match)",
    )
}

pub(super) fn consistent_on_index(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            let index = site.index.as_ref()?;
            (site.consistent && matches!(site.operation.as_str(), "scan" | "query")).then(|| {
                format!("a consistent read of the index {index}: a global index refuses it with a ValidationException")
            })
        },
        "drop `consistent_read` here, or read the table by its key",
    )
}
