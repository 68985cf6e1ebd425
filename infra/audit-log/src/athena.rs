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

/// Questions that auditors ask, to begin with: put a tenant for `TENANT`, a day for `DAY` and so on. Partitions are limited by `dt`, which is what is paid
/// for; `client` holds an address in its envelope.
pub fn queries(table: &str) -> String {
    format!(
        "-- What happened to one aggregate, and what was refused.
SELECT time, actor, type, outcome, code, data FROM {table}
WHERE tenant = 'TENANT' AND dt >= 'DAY' AND context = 'CONTEXT' AND aggregate = 'AGGREGATE' AND id = 'ID'
ORDER BY time;
-- What was refused of late, by day and code. RequestsLeftOut has the numbers of what no line was written of.
SELECT dt, code, count(*) AS refusals FROM {table}
WHERE tenant = 'TENANT' AND dt >= 'DAY' AND type = 'RequestRefused'
GROUP BY dt, code ORDER BY refusals DESC;
-- Who came from an address.
SELECT actor, min(time) AS first, max(time) AS last, count(*) AS lines FROM {table}
WHERE tenant = 'TENANT' AND dt >= 'DAY' AND client LIKE '%\"ADDRESS\"%'
GROUP BY actor ORDER BY lines DESC;
-- Who did most, and how much of it was refused.
SELECT actor, count_if(outcome = 'done') AS done, count_if(outcome = 'refused') AS refused FROM {table}
WHERE tenant = 'TENANT' AND dt >= 'DAY' AND actor <> ''
GROUP BY actor ORDER BY done DESC;
"
    )
}
