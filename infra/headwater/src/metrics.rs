//! `/metrics`: what the calls to DynamoDB consumed, in Prometheus' text format. Tenants are left out: their number is not bounded.

use headwater_dynamodb::{Databases, Usage};
use std::{collections::BTreeMap, fmt::Write};

/// The text that Prometheus reads.
pub(crate) fn exposition(databases: &Databases) -> String {
    let mut sums: BTreeMap<(String, String, String), [f64; 4]> = BTreeMap::new();
    for database in [&databases.durable, &databases.rebuildable] {
        for Usage {
            table,
            operation,
            pattern,
            calls,
            read_units,
            write_units,
            throttled,
            ..
        } in database.accounting().snapshot()
        {
            let sum = sums
                .entry((table.to_string(), operation.to_string(), pattern.to_string()))
                .or_default();
            let added = [calls as f64, read_units, write_units, throttled as f64];
            sum.iter_mut().zip(added).for_each(|(sum, added)| *sum += added);
        }
    }
    let mut text = String::new();
    for (n, (name, help)) in [
        ("headwater_dynamodb_calls_total", "Calls to DynamoDB."),
        ("headwater_dynamodb_read_units_total", "Read capacity units consumed."),
        ("headwater_dynamodb_write_units_total", "Write capacity units consumed."),
        ("headwater_dynamodb_throttled_total", "Calls that were throttled."),
    ]
    .into_iter()
    .enumerate()
    {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
        for ((table, operation, pattern), sum) in &sums {
            let _ = writeln!(
                text,
                "{name}{{table=\"{table}\",operation=\"{operation}\",pattern=\"{pattern}\"}} {}",
                sum[n]
            );
        }
    }
    text
}
