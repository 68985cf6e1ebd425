//! The table by which Athena reads the lines: partitions are computed from the names, so none has to be added.

/// `CREATE EXTERNAL TABLE` for the lines below `location` (`s3://bucket/prefix/`), of these regions, from this day on (`2026-11-24`).
pub fn ddl(table: &str, location: &str, regions: &[&str], since: &str) -> String {
    let location = location.trim_end_matches('/');
    let regions = regions.join(",");
    format!(
        "CREATE EXTERNAL TABLE `{table}` (
  `time` string,
  `tenant` string,
  `context` string,
  `aggregate` string,
  `id` string,
  `sequence` bigint,
  `type` string,
  `schema_version` int,
  `event_id` string,
  `actor` string,
  `outcome` string,
  `command_id` string,
  `correlation_id` string,
  `causation_id` string,
  `client` string,
  `route` string,
  `command` string,
  `status` int,
  `code` string,
  `trace_id` string,
  `data` string
)
PARTITIONED BY (`region` string, `dt` string, `hour` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'false')
LOCATION '{location}/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.region.type' = 'enum',
  'projection.region.values' = '{regions}',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '{since},NOW',
  'projection.hour.type' = 'integer',
  'projection.hour.range' = '0,23',
  'projection.hour.digits' = '2',
  'storage.location.template' = '{location}/region=${{region}}/dt=${{dt}}/hour=${{hour}}/'
);
"
    )
}
