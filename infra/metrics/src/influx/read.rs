//! Questions as InfluxQL. The server aggregates whole bins; percentiles are taken here of the points' values, because InfluxQL's `percentile`
//! rounds to the nearest rank where the port's goes up.

use super::{
    client::{Failed, Server},
    lines::TIMES,
    names::{NAME, NO_VALUE, TEXT, measurement, quote, read_tag, read_value, tag, value},
};
use crate::{
    Answer, Error, MAX_GROUPS, Query, Stat,
    bins::{Collector, MAX_POINTS, Summary},
};
use headwater_kernel::{TenantId, Timestamp};
use headwater_read_models::metrics::Dimensions;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The answer to a query.
pub(super) async fn query(server: &Server, tenant: &TenantId, query: &Query) -> Result<Answer, Error> {
    let function = match query.stat {
        Stat::Avg => Some("mean"),
        Stat::Min => Some("min"),
        Stat::Max => Some("max"),
        Stat::Sum => Some("sum"),
        Stat::Count => Some("count"),
        Stat::P50 | Stat::P99 => None,
    };
    match asked(server, tenant, query, function).await {
        // A sum without end, which JSON does not have: the points' values are all numbers.
        Err(Failed::NoNumber) => Ok(asked(server, tenant, query, None).await?),
        answer => Ok(answer?),
    }
}

/// Asks for bins by a function of the server, or for the values.
async fn asked(server: &Server, tenant: &TenantId, query: &Query, function: Option<&str>) -> Result<Answer, Failed> {
    let mut collector = Collector::new(query)?;
    let name = quote(&measurement(tenant, &query.series), NAME);
    let statements = format!("SHOW TAG KEYS FROM {name};{}", select(&name, query, function));
    let mut answers = server.ask(&statements).await?;
    // The tags come first.
    let (mut known, mut has_points) = (BTreeSet::new(), false);
    while let Some(all) = answers.next().await? {
        for (statement, rows) in all {
            if statement == 0 {
                // Every point has the tag of its writer.
                has_points |= !rows.values.is_empty();
                known.extend(rows.values.iter().filter_map(|row| read_tag(row.first()?.as_str()?)));
                continue;
            }
            let group = group(&rows.tags);
            for row in &rows.values {
                let (time, value) = read(row)?;
                match (query.stat, function) {
                    (Stat::P50 | Stat::P99, _) => collector.value(&group, time, value)?,
                    (Stat::Count, _) => {
                        let count = value as u64;
                        collector.summary(
                            &group,
                            time,
                            Summary {
                                count,
                                ..Summary::of(value)
                            },
                        )?;
                    }
                    _ => collector.summary(&group, time, Summary::of(value))?,
                }
            }
        }
    }
    if has_points {
        check_dimensions(query, &known)?;
    }
    Ok(collector.finish()?)
}

fn select(name: &str, query: &Query, function: Option<&str>) -> String {
    let (from, to) = (query.from.nanos().max(*TIMES.start()), query.to.nanos());
    let mut statement = match function {
        Some(function) => format!("SELECT {function}(value)"),
        None => "SELECT value".to_owned(),
    };
    statement.push_str(&format!(
        " FROM {name} WHERE time >= {from} AND time < {}",
        to.min(*TIMES.end())
    ));
    for (dimension, values) in &query.filters {
        let dimension = quote(&tag(dimension), NAME);
        let encoded = values.iter().map(|of| value(of));
        // Of no values none is right.
        let one_of: Vec<String> = encoded
            .chain([NO_VALUE.to_owned()])
            .map(|of| format!("{dimension} = {}", quote(&of, TEXT)))
            .collect();
        statement.push_str(&format!(" AND ({})", one_of.join(" OR ")));
    }
    let mut by: Vec<String> = query.group_by.iter().map(|name| quote(&tag(name), NAME)).collect();
    if function.is_some() {
        by.push(format!("time({}m)", query.bin.duration().as_secs() / 60));
    }
    if !by.is_empty() {
        statement.push_str(&format!(" GROUP BY {}", by.join(", ")));
    }
    match function {
        Some(_) => statement.push_str(" fill(none)"),
        None => statement.push_str(&format!(" LIMIT {}", MAX_POINTS + 1)),
    }
    format!("{statement} SLIMIT {}", MAX_GROUPS + 1)
}

fn check_dimensions(query: &Query, known: &BTreeSet<String>) -> Result<(), Error> {
    let mut asked = query.filters.keys().chain(&query.group_by);
    match asked.find(|name| !known.contains(*name)) {
        None => Ok(()),
        Some(dimension) => Err(Error::UnknownDimension {
            dimension: dimension.clone(),
            known: known.iter().cloned().collect(),
        }),
    }
}

fn group(tags: &BTreeMap<String, String>) -> Dimensions {
    let of = |(tag, value): (&String, &String)| Some((read_tag(tag)?, read_value(value)?));
    tags.iter().filter_map(of).collect()
}

fn read(row: &[Value]) -> Result<(Timestamp, f64), Error> {
    let told = (row.first().and_then(Value::as_i64), row.get(1).and_then(Value::as_f64));
    match told {
        (Some(time), Some(value)) => Ok((Timestamp::from_nanos(time), value)),
        _ => Err(Error::Unavailable(format!(
            "the server answers {row:?} where a time and a value belong"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fill;

    #[test]
    fn a_question_is_one_statement_whatever_is_in_it() {
        let query = Query {
            series: "s".to_owned(),
            from: Timestamp::from_nanos(0),
            to: Timestamp::from_nanos(i64::MAX),
            bin: "90m".parse().unwrap(),
            stat: Stat::Avg,
            filters: [("plan".to_owned(), vec!["x' OR '1'='1".to_owned(), String::new()])].into(),
            group_by: vec!["a\"; DROP DATABASE x; --".to_owned()],
            fill: Fill::None,
        };
        let tenant = TenantId::new("acme").unwrap();
        let name = quote(&measurement(&tenant, "it's"), NAME);
        assert_eq!(
            select(&name, &query, Some("mean")),
            "SELECT mean(value) FROM \"acme:it%27s\" WHERE time >= 0 AND time < 9223372036854775806 AND \
             (\"d.plan\" = 'x%27%20OR%20%271%27%3D%271' OR \"d.plan\" = '%' OR \"d.plan\" = '%none') \
             GROUP BY \"d.a%22%3B%20DROP%20DATABASE%20x%3B%20--\", time(90m) fill(none) SLIMIT 1001"
        );
    }
}
