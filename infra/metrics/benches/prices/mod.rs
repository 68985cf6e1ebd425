//! What both ways cost a month: the one place with prices, and the arithmetic.

use crate::{POINTS, dynamo};

/// Prices in US dollars, us-east-1, gathered on 2026-11-23 from pages that tell of them and from memory, without the price lists at hand. Check them
/// there before anybody decides by them: the instance of InfluxDB and storage by the gigabyte above all.
struct Prices {
    dynamo_million_writes: f64,
    dynamo_million_reads: f64,
    dynamo_gigabyte: f64,
    /// One db.influx.medium in one zone, an hour.
    influx_instance_hour: f64,
    influx_gigabyte: f64,
    timestream_million_writes: f64,
    timestream_gigabyte: f64,
    /// Of data that a query scans.
    timestream_gigabyte_scanned: f64,
}

const PRICES: Prices = Prices {
    dynamo_million_writes: 0.625,
    dynamo_million_reads: 0.125,
    dynamo_gigabyte: 0.25,
    influx_instance_hour: 0.119,
    influx_gigabyte: 0.10,
    timestream_million_writes: 0.50,
    timestream_gigabyte: 0.03,
    timestream_gigabyte_scanned: 0.01,
};

const TENANTS: f64 = 100.0;
const METRICS: f64 = 10.0;
/// A month, of each metric of each tenant.
const QUERIES: f64 = 5_000.0;
const HOURS: f64 = 730.0;
/// What a query of Timestream is charged at least, in gigabytes.
const LEAST_SCANNED: f64 = 0.01;
const GIGABYTE: f64 = 1e9;

/// `influx_bytes` is what a point takes on the disk of an InfluxDB, with what it has not compacted yet.
pub(crate) fn print(dynamo: &dynamo::Measured, influx_bytes: f64) {
    let series = TENANTS * METRICS;
    let (points, queries) = (series * POINTS as f64, series * QUERIES);
    let (million_points, million_queries) = (points / 1e6, queries / 1e6);
    println!(
        "\nA month of {TENANTS} tenants x {METRICS} metrics, a point a minute ({million_points:.1} million), {QUERIES} questions to each \
         ({million_queries:.1} million) for 30 days by the hour; list prices of 2026-11-23, us-east-1"
    );

    let units = points * dynamo.write_units / POINTS as f64 / 1e6;
    let writes = units * PRICES.dynamo_million_writes;
    let read_units = million_queries * dynamo.read_units;
    let reads = read_units * PRICES.dynamo_million_reads;
    // 100 bytes an item are charged besides what is in it.
    let gigabytes = points * (dynamo.bytes_an_item + 100.0) / GIGABYTE;
    let stored = gigabytes * PRICES.dynamo_gigabyte;
    let whole = writes + reads + stored;
    println!(
        "DynamoDB, items read and averaged: {units:.1} M write units x ${} = ${writes:.0}; {read_units:.0} M read units x ${} = ${reads:.0}; \
         {gigabytes:.1} GB x ${} = ${stored:.0}; together ${whole:.0}",
        PRICES.dynamo_million_writes, PRICES.dynamo_million_reads, PRICES.dynamo_gigabyte
    );

    let instance = HOURS * PRICES.influx_instance_hour;
    // 20 GB are the least that can be bought.
    let gigabytes = (points * influx_bytes / GIGABYTE).max(20.0);
    let stored = gigabytes * PRICES.influx_gigabyte;
    let influx = instance + stored;
    println!(
        "Timestream for InfluxDB, one db.influx.medium: {HOURS} h x ${} = ${instance:.0}; {gigabytes:.0} GB x ${} = ${stored:.0}; together \
         ${influx:.0}: DynamoDB is {:.1} times that",
        PRICES.influx_instance_hour,
        PRICES.influx_gigabyte,
        whole / influx
    );

    let writes = million_points * PRICES.timestream_million_writes;
    let scanned = queries * LEAST_SCANNED;
    let scans = scanned * PRICES.timestream_gigabyte_scanned;
    // As many bytes as an item has without what DynamoDB adds.
    let gigabytes = points * dynamo.bytes_an_item / GIGABYTE;
    let stored = gigabytes * PRICES.timestream_gigabyte;
    println!(
        "Timestream for LiveAnalytics, no rollups, memory store left out: {million_points:.1} M writes x ${} = ${writes:.0} (less where points share a KB); \
         {scanned:.0} GB scanned x ${} = ${scans:.0}; {gigabytes:.1} GB x ${} = ${stored:.2}; together ${:.0}",
        PRICES.timestream_million_writes,
        PRICES.timestream_gigabyte_scanned,
        PRICES.timestream_gigabyte,
        writes + scans + stored
    );
    println!("SQLite, on the disk of the process that is there anyway: $0");
}
