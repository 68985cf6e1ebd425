//! What the calls to DynamoDB consumed. Tenants are left out: their number is not bounded.

use super::family;
use headwater_dynamodb::Usage;
use std::collections::BTreeMap;

pub(super) fn exposition(usages: &[Usage]) -> String {
    let mut sums: BTreeMap<(&str, &str, &str), [f64; 4]> = BTreeMap::new();
    for usage in usages {
        let sum = sums.entry((&usage.table, usage.operation, usage.pattern)).or_default();
        let added = [
            usage.calls as f64,
            usage.read_units,
            usage.write_units,
            usage.throttled as f64,
        ];
        sum.iter_mut().zip(added).for_each(|(sum, added)| *sum += added);
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
        let lines = sums.iter().map(|((table, operation, pattern), sum)| {
            let labels = [("table", *table), ("operation", *operation), ("pattern", *pattern)];
            (labels.map(|(label, value)| (label, value.to_owned())), sum[n])
        });
        family(&mut text, (name, "counter", help), lines);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_once_over_all_tenants() {
        let usage = |tenant: &str| Usage {
            table: "views".into(),
            operation: "PutItem",
            tenant: headwater_kernel::TenantId::new(tenant).ok(),
            pattern: "rows.put",
            calls: 2,
            read_units: 0.0,
            write_units: 1.5,
            throttled: 0,
        };
        let text = exposition(&[usage("a"), usage("b")]);
        let labels = "{table=\"views\",operation=\"PutItem\",pattern=\"rows.put\"}";
        assert!(
            text.contains(&format!("headwater_dynamodb_calls_total{labels} 4\n")),
            "{text}"
        );
        assert!(
            text.contains(&format!("headwater_dynamodb_write_units_total{labels} 3\n")),
            "{text}"
        );
    }
}
