//! What may happen to stream records on their way: order across items is not promised, nor that each comes once.

use super::Random;
use serde_json::Value;
use std::collections::VecDeque;

/// Interleaves the items' records at random, each item's own in their order.
pub(super) fn reorder(body: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    edit(body, |records| {
        let mut items: Vec<(String, VecDeque<Value>)> = Vec::new();
        for record in records.drain(..) {
            let key = key(&record);
            match items.iter_mut().find(|(other, _)| *other == key) {
                Some((_, queue)) => queue.push_back(record),
                None => items.push((key, VecDeque::from([record]))),
            }
        }
        while !items.is_empty() {
            let chosen = random.below(items.len());
            records.extend(items[chosen].1.pop_front());
            if items[chosen].1.is_empty() {
                items.swap_remove(chosen);
            }
        }
    })
}

/// Lets about half of the records come twice in a row.
pub(super) fn duplicate(body: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    edit(body, |records| {
        for record in std::mem::take(records) {
            if random.below(2) == 0 {
                records.push(record.clone());
            }
            records.push(record);
        }
    })
}

fn edit(body: &[u8], change: impl FnOnce(&mut Vec<Value>)) -> Option<Vec<u8>> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    change(body.get_mut("Records")?.as_array_mut()?);
    serde_json::to_vec(&body).ok()
}

/// The item a record is of. Attribute order in the key does not count.
fn key(record: &Value) -> String {
    let mut parts: Vec<String> = record
        .pointer("/dynamodb/Keys")
        .and_then(Value::as_object)
        .map(|keys| keys.iter().map(|(name, value)| format!("{name}={value}")).collect())
        .unwrap_or_default();
    parts.sort_unstable();
    parts.join("\u{0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body() -> Vec<u8> {
        let records: Vec<Value> = (0..40)
            .map(|number| json!({"dynamodb": {"Keys": {"PK": {"S": format!("item {}", number % 4)}}, "SequenceNumber": number}}))
            .collect();
        serde_json::to_vec(&json!({ "Records": records, "NextShardIterator": "x" })).unwrap()
    }

    fn numbers(body: &[u8]) -> Vec<(String, u64)> {
        let body: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(body["NextShardIterator"], "x");
        let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_u64().unwrap();
        body["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| (key(record), number(record)))
            .collect()
    }

    #[test]
    fn reordering_keeps_each_items_order_and_loses_nothing() {
        let before = numbers(&body());
        let after = numbers(&reorder(&body(), &mut Random(1)).unwrap());
        assert_ne!(before, after);
        for item in 0..4 {
            let of = |all: &[(String, u64)]| -> Vec<u64> {
                all.iter()
                    .map(|(_, number)| *number)
                    .filter(|number| number % 4 == item)
                    .collect()
            };
            assert_eq!(of(&before), of(&after));
        }
    }

    #[test]
    fn duplicating_repeats_some_and_keeps_the_order() {
        let mut after: Vec<u64> = numbers(&duplicate(&body(), &mut Random(1)).unwrap())
            .into_iter()
            .map(|(_, number)| number)
            .collect();
        assert!(after.len() > 45 && after.len() < 80, "{}", after.len());
        after.dedup();
        assert_eq!(after, (0..40).collect::<Vec<_>>());
    }
}
