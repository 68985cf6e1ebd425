//! Points as records: a hundred a request, with what they share said once, and each rejected one judged by itself.

use super::{
    failures::failed,
    names::{self, MAX_VALUE},
    sql::{DIMENSIONS, SERIES, TENANT, VALUE, WRITER},
};
use crate::{
    Error, PointWrite, Written,
    batch::{Batch, Said},
};
use aws_sdk_timestreamwrite::{
    Client,
    types::{Dimension, MeasureValueType, Record, RejectedRecord, TimeUnit},
};
use futures::{StreamExt, TryStreamExt, stream};

/// Records of a request: the most that the service takes.
const RECORDS: usize = 100;
/// Requests under way at a time.
const AT_A_TIME: usize = 8;

/// What names a point: tenant, series, dimensions, time, writer.
type Key = (String, String, String, i64, u64);

/// Writes points. The same point with the same version is no rejection, so writing again is right.
pub(super) async fn write(
    client: &Client,
    database: &str,
    table: &str,
    writes: &[PointWrite],
) -> Result<Written, Error> {
    let mut batch = Batch::new();
    let mut refused = 0;
    for write in writes {
        let tenant = write.scope.tenant().as_str();
        for point in &write.points {
            let dimensions = names::text(&point.dimensions);
            if dimensions.len() > MAX_VALUE || point.series.is_empty() || point.series.len() > MAX_VALUE {
                refused += 1;
                continue;
            }
            let key = (
                tenant.to_owned(),
                point.series.clone(),
                dimensions,
                point.time.nanos(),
                point.writer,
            );
            let said = Said {
                version: point.version,
                value: point.value,
            };
            batch.add(key, said);
        }
    }
    let all: Vec<(Key, Said)> = std::mem::take(&mut batch.points).into_iter().collect();
    let mut requests = Vec::new();
    for of_one_series in all.chunk_by(|a, b| (&a.0.0, &a.0.1) == (&b.0.0, &b.0.1)) {
        for points in of_one_series.chunks(RECORDS) {
            requests.push(send(client, database, table, points));
        }
    }
    let outcomes: Vec<Rejected> = stream::iter(requests).buffer_unordered(AT_A_TIME).try_collect().await?;
    let mut written = Written {
        kept: batch.kept,
        superseded: batch.superseded,
        too_late: 0,
        refused,
    };
    for rejected in outcomes {
        written.kept -= rejected.superseded + rejected.too_late + rejected.refused;
        written.superseded += rejected.superseded;
        written.too_late += rejected.too_late;
        written.refused += rejected.refused;
    }
    Ok(written)
}

/// What the service did not take of a request; it took the others.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rejected {
    superseded: u64,
    too_late: u64,
    refused: u64,
}

impl Rejected {
    fn of(records: &[RejectedRecord]) -> Self {
        let mut all = Self::default();
        for record in records {
            let reason = record.reason().unwrap_or_default().to_lowercase();
            if record.existing_version().is_some() {
                all.superseded += 1;
            } else if ["time range", "retention", "memory store", "magnetic store"]
                .iter()
                .any(|said| reason.contains(said))
            {
                all.too_late += 1;
            } else {
                all.refused += 1;
                tracing::warn!(reason, "a metric point is not taken by Timestream, ever");
            }
        }
        all
    }
}

fn dimension(name: &str, value: impl Into<String>) -> Result<Dimension, Error> {
    let built = Dimension::builder().name(name).value(value).build();
    built.map_err(|error| Error::Unavailable(error.to_string()))
}

async fn send(client: &Client, database: &str, table: &str, points: &[(Key, Said)]) -> Result<Rejected, Error> {
    let Some(((tenant, series, ..), _)) = points.first() else {
        return Ok(Rejected::default());
    };
    let common = Record::builder()
        .dimensions(dimension(TENANT, tenant)?)
        .dimensions(dimension(SERIES, series)?)
        .measure_name(VALUE)
        .measure_value_type(MeasureValueType::Double)
        .time_unit(TimeUnit::Nanoseconds);
    let mut request = client
        .write_records()
        .database_name(database)
        .table_name(table)
        .common_attributes(common.build());
    for ((_, _, dimensions, time, writer), said) in points {
        let record = Record::builder()
            .dimensions(dimension(WRITER, writer.to_string())?)
            .dimensions(dimension(DIMENSIONS, dimensions)?)
            .measure_value(format!("{:e}", said.value))
            .time(time.to_string())
            .version(i64::try_from(said.version).unwrap_or(i64::MAX).max(1));
        request = request.records(record.build());
    }
    match request.send().await {
        Ok(_) => Ok(Rejected::default()),
        Err(error) => match error.as_service_error() {
            Some(service) if service.is_rejected_records_exception() => match service {
                aws_sdk_timestreamwrite::operation::write_records::WriteRecordsError::RejectedRecordsException(
                    rejected,
                ) => Ok(Rejected::of(rejected.rejected_records())),
                _ => Err(failed("writing points", error)),
            },
            _ => Err(failed("writing points", error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rejected_record_is_sorted_by_its_reason() {
        let record = |reason: &str, existing: Option<i64>| {
            RejectedRecord::builder()
                .record_index(0)
                .reason(reason)
                .set_existing_version(existing)
                .build()
        };
        let rejected = [
            record(
                "The record version 1 is lower than the existing version 5. A higher version is required",
                Some(5),
            ),
            record(
                "The record timestamp is outside the time range [2026-11-23T00:00:00Z, 2026-11-24T00:10:00Z) of the memory store.",
                None,
            ),
            record("The record has a dimension that is too long", None),
        ];
        let expected = Rejected {
            superseded: 1,
            too_late: 1,
            refused: 1,
        };
        assert_eq!(Rejected::of(&rejected), expected);
    }
}
