//! Records of a table: what names one, and which are taken.

use super::{Not, Refusal};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::Range};

/// What names a record: its dimensions, measure and time.
type Key = (BTreeMap<String, String>, String, i64);

/// A table with one partition key.
#[derive(Debug)]
pub(super) struct Table {
    partition: String,
    /// Version and value.
    records: BTreeMap<Key, (i64, f64)>,
}

/// A record as it is read.
pub(super) struct Read<'a> {
    pub(super) dimensions: &'a BTreeMap<String, String>,
    pub(super) time: i64,
    pub(super) value: f64,
}

fn invalid(why: impl Into<String>) -> Refusal {
    ("ValidationException", why.into())
}

impl Table {
    pub(super) fn new(asked: &Value) -> Result<Self, Refusal> {
        let key = &asked["Schema"]["CompositePartitionKey"][0];
        let wanted = key["Type"] == "DIMENSION" && key["EnforcementInRecord"] == "REQUIRED";
        let name = key["Name"].as_str().filter(|_| wanted);
        let late = asked["MagneticStoreWriteProperties"]["EnableMagneticStoreWrites"] == true;
        let kept = asked["RetentionProperties"]["MagneticStoreRetentionPeriodInDays"].as_u64();
        if !late || !kept.is_some_and(|days| (1..=73_000).contains(&days)) {
            return Err(invalid("a table takes late records and keeps them for a time here"));
        }
        Ok(Self {
            partition: name
                .ok_or_else(|| invalid("a table has a partition key here"))?
                .to_owned(),
            records: BTreeMap::new(),
        })
    }

    pub(super) fn read(&self) -> impl Iterator<Item = Read<'_>> {
        self.records.iter().map(|((dimensions, _, time), (_, value))| Read {
            dimensions,
            time: *time,
            value: *value,
        })
    }

    pub(super) fn write(&mut self, asked: &Value, times: Option<&Range<i64>>) -> Result<Value, Not> {
        let common = &asked["CommonAttributes"];
        let records = asked["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
        if records.is_empty() || records.len() > 100 {
            return Err(Ok(invalid("a request has 1 to 100 records")));
        }
        let mut rejected = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let (key, version, value) = read(common, record).map_err(|why| Ok(invalid(why)))?;
            if !key.0.contains_key(&self.partition) {
                return Err(Ok(invalid("a record lacks the partition key")));
            }
            let mut reject = |reason: &str, existing: Option<i64>| {
                let mut one = json!({ "RecordIndex": at, "Reason": reason });
                if let Some(existing) = existing {
                    one["ExistingVersion"] = json!(existing);
                }
                rejected.push(one);
            };
            if key.0.values().any(|of| of.is_empty() || of.len() > 2_048) {
                reject("The record has a dimension value that is empty or too long", None);
            } else if times.is_some_and(|times| !times.contains(&key.2)) {
                reject(
                    "The record timestamp is outside the time range of the memory store",
                    None,
                );
            } else {
                match self.records.get(&key) {
                    Some((there, of)) if *there > version || (*there == version && *of != value) => {
                        reject(
                            "The record version is not higher than the existing version",
                            Some(*there),
                        );
                    }
                    _ => {
                        self.records.insert(key, (version, value));
                    }
                }
            }
        }
        if rejected.is_empty() {
            return Ok(json!({ "RecordsIngested": { "Total": records.len() } }));
        }
        Err(Err(json!({
            "__type": "com.amazonaws.timestream#RejectedRecordsException",
            "message": "One or more records have been rejected. See RejectedRecords for details.",
            "RejectedRecords": rejected,
        })))
    }
}

fn read(common: &Value, record: &Value) -> Result<(Key, i64, f64), String> {
    let of = |name: &str| match &record[name] {
        Value::Null => common[name].clone(),
        own => own.clone(),
    };
    let mut dimensions = BTreeMap::new();
    for dimension in [common, record]
        .into_iter()
        .flat_map(|all| all["Dimensions"].as_array())
        .flatten()
    {
        let text = |name: &str| dimension[name].as_str().map(str::to_owned);
        let (Some(name), Some(value)) = (text("Name"), text("Value")) else {
            return Err("a dimension without a name or value".to_owned());
        };
        if name.is_empty() || name.len() > 60 || dimensions.insert(name.clone(), value).is_some() {
            return Err(format!("the dimension {name} is twice there, or too long"));
        }
    }
    if of("MeasureValueType") != "DOUBLE" || of("TimeUnit") != "NANOSECONDS" {
        return Err("values are doubles, and times nanoseconds here".to_owned());
    }
    let number = |name: &str| of(name).as_str().map(str::to_owned).ok_or(format!("{name} is missing"));
    let time = number("Time")?.parse().map_err(|_| "Time is no number")?;
    let value: f64 = number("MeasureValue")?
        .parse()
        .map_err(|_| "MeasureValue is no number")?;
    let version = of("Version").as_i64().filter(|version| *version >= 1);
    let measure = of("MeasureName")
        .as_str()
        .map(str::to_owned)
        .ok_or("MeasureName is missing")?;
    if !value.is_finite() {
        return Err("MeasureValue is not finite".to_owned());
    }
    Ok((
        (dimensions, measure, time),
        version.ok_or("Version is at least 1")?,
        value,
    ))
}
