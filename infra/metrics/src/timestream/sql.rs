//! Questions as SQL. Whatever a caller wrote reaches a statement through [`literal`] alone, or as a [key](super::names::key) of plain letters.

use super::names::key;
use crate::{MAX_BINS, MAX_GROUPS, Query, bins::MAX_POINTS};
use headwater_kernel::TenantId;

/// The dimension that is the partition key.
pub(super) const TENANT: &str = "tenant";
/// The dimension of the series.
pub(super) const SERIES: &str = "series";
/// The dimension of the process that wrote the event.
pub(super) const WRITER: &str = "writer";
/// The dimension that has a point's own.
pub(super) const DIMENSIONS: &str = "dimensions";
/// The measure.
pub(super) const VALUE: &str = "value";

/// A text as the service reads it back: in quotes, which are doubled within. Nothing else has a meaning there.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as the service reads it back.
fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A table as it stands behind `FROM`.
pub(super) fn table(database: &str, table: &str) -> String {
    format!("{}.{}", name(database), name(table))
}

fn dimension(of: &str) -> String {
    format!("json_extract_scalar(\"{DIMENSIONS}\", '$.{}')", key(of))
}

fn of_series(tenant: &TenantId, series: &str) -> String {
    format!(
        "\"{TENANT}\" = {} AND \"{SERIES}\" = {}",
        literal(tenant.as_str()),
        literal(series)
    )
}

/// The points of a question.
fn within(tenant: &TenantId, query: &Query) -> String {
    let mut condition = format!(
        "{} AND time >= from_nanoseconds({}) AND time < from_nanoseconds({})",
        of_series(tenant, &query.series),
        query.from.nanos(),
        query.to.nanos(),
    );
    for (of, values) in &query.filters {
        // Of no values none is right.
        if values.is_empty() {
            condition.push_str(" AND false");
        } else {
            let values: Vec<String> = values.iter().map(|value| literal(value)).collect();
            condition.push_str(&format!(" AND {} IN ({})", dimension(of), values.join(", ")));
        }
    }
    condition
}

fn groups(query: &Query) -> String {
    query.group_by.iter().map(|of| format!(", {}", dimension(of))).collect()
}

/// Bins: when each begins in nanoseconds, count, sum, least, greatest, and the values that it is grouped by.
pub(super) fn bins(table: &str, tenant: &TenantId, query: &Query) -> String {
    let value = "measure_value::double";
    let bin = format!("bin(time, {}s)", query.bin.duration().as_secs());
    let by: String = (0..query.group_by.len()).map(|at| format!(", {}", at + 6)).collect();
    format!(
        "SELECT to_nanoseconds({bin}), count({value}), sum({value}), min({value}), max({value}){} FROM {table} WHERE {} GROUP BY 1{by} LIMIT {}",
        groups(query),
        within(tenant, query),
        MAX_BINS + MAX_GROUPS,
    )
}

/// The points themselves: when in nanoseconds, the value, and the values that it is grouped by.
pub(super) fn values(table: &str, tenant: &TenantId, query: &Query) -> String {
    format!(
        "SELECT to_nanoseconds(time), measure_value::double{} FROM {table} WHERE {} LIMIT {}",
        groups(query),
        within(tenant, query),
        MAX_POINTS + 1,
    )
}

/// The dimensions of all points of a series.
pub(super) fn dimensions(table: &str, tenant: &TenantId, series: &str) -> String {
    format!(
        "SELECT DISTINCT \"{DIMENSIONS}\" FROM {table} WHERE {}",
        of_series(tenant, series)
    )
}

/// The series of a tenant with the dimensions of their points.
pub(super) fn series(table: &str, tenant: &TenantId) -> String {
    let tenant = literal(tenant.as_str());
    format!("SELECT DISTINCT \"{SERIES}\", \"{DIMENSIONS}\" FROM {table} WHERE \"{TENANT}\" = {tenant}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fill, Stat};
    use headwater_kernel::Timestamp;

    fn hostile() -> Query {
        Query {
            series: "it's".to_owned(),
            from: Timestamp::from_nanos(0),
            to: Timestamp::from_nanos(60_000_000_000),
            bin: "90m".parse().unwrap(),
            stat: Stat::Avg,
            filters: [
                ("plan".to_owned(), vec!["x' OR '1'='1".to_owned(), String::new()]),
                ("none".to_owned(), Vec::new()),
            ]
            .into(),
            group_by: vec!["a'); DROP TABLE x; --".to_owned()],
            fill: Fill::None,
        }
    }

    #[test]
    fn a_question_is_one_statement_whatever_is_in_it() {
        let tenant = TenantId::new("acme").unwrap();
        let table = table("my \"db\"", "metrics-1");
        let of = "\"tenant\" = 'acme' AND \"series\" = 'it''s'";
        let within = format!(
            "{of} AND time >= from_nanoseconds(0) AND time < from_nanoseconds(60000000000) AND false \
             AND json_extract_scalar(\"dimensions\", '$.dplan') IN ('x'' OR ''1''=''1', '')"
        );
        let group = "json_extract_scalar(\"dimensions\", '$.da_27_29_3b_20DROP_20TABLE_20x_3b_20_2d_2d')";
        assert_eq!(
            bins(&table, &tenant, &hostile()),
            format!(
                "SELECT to_nanoseconds(bin(time, 5400s)), count(measure_value::double), sum(measure_value::double), \
                 min(measure_value::double), max(measure_value::double), {group} FROM \"my \"\"db\"\"\".\"metrics-1\" \
                 WHERE {within} GROUP BY 1, 6 LIMIT 12000"
            )
        );
        assert_eq!(
            values(&table, &tenant, &hostile()),
            format!(
                "SELECT to_nanoseconds(time), measure_value::double, {group} FROM \"my \"\"db\"\"\".\"metrics-1\" \
                 WHERE {within} LIMIT 5000001"
            )
        );
        assert_eq!(
            dimensions(&table, &tenant, "it's"),
            format!("SELECT DISTINCT \"dimensions\" FROM \"my \"\"db\"\"\".\"metrics-1\" WHERE {of}")
        );
    }
}
