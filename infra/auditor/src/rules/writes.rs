//! Rules on writes, batches and transactions, and on where calls are.

use super::{Match, each, table};
use crate::site::Site;

pub(super) fn bypass(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| (!site.in_repository).then(|| format!("{} is called outside the repositories", site.operation)),
        "move the call into a repository, or declare this path in `repositories` of headwater-audit.toml",
    )
}

pub(super) fn unprocessed(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            let what = match site.operation.as_str() {
                "batch_write_item" => "UnprocessedItems",
                "batch_get_item" => "UnprocessedKeys",
                _ => return None,
            };
            let dropped = site.details.sent && !site.details.unprocessed && !site.details.escaped;
            dropped.then(|| {
                format!("{what} is not read: what DynamoDB did not take of this batch is lost without an error")
            })
        },
        "send what was not processed again, with a growing pause, until nothing is left",
    )
}

pub(super) fn serial(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            let write = matches!(site.operation.as_str(), "put_item" | "delete_item" | "update_item");
            (write && site.details.serial)
                .then(|| format!("{} is awaited once for each item of a loop", site.operation))
        },
        "write 25 at once with `batch_write_item`, or some at a time with `buffer_unordered`",
    )
}

pub(super) fn single_transaction(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            (site.operation == "transact_write_items" && site.details.transact == 1)
                .then(|| "a transaction of one write costs twice what the write does".to_owned())
        },
        "use `put_item`, `update_item` or `delete_item` with a condition",
    )
}

pub(super) fn swallowed(sites: &[Site]) -> Vec<Match> {
    each(
        sites,
        |site| {
            (site.condition && site.details.dropped && site.details.sent).then(|| {
                format!(
                    "the answer of this conditional {} is thrown away: that the condition failed is never seen",
                    site.operation
                )
            })
        },
        "match on `is_conditional_check_failed_exception()` and decide what a lost race means here",
    )
}

pub(super) fn read_modify_write(sites: &[Site]) -> Vec<Match> {
    let mut found = Vec::new();
    for (at, write) in sites.iter().enumerate() {
        if write.operation != "put_item" || write.condition {
            continue;
        }
        let read = sites[..at].iter().rev().find(|read| {
            read.operation == "get_item"
                && read.file == write.file
                && read.details.function == write.details.function
                && (read.table == write.table && read.table_expression == write.table_expression)
        });
        if let Some(read) = read {
            found.push(Match {
                site: at,
                message: format!(
                    "the item read in line {} is written back without a condition: of two writers at once, one is lost ({})",
                    read.line,
                    table(write)
                ),
                fix: "write with a condition on a version, or change the attribute in place with `update_item`",
            });
        }
    }
    found
}
