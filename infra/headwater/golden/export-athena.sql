create external table if not exists export_runs (export_run string, number bigint)
row format serde 'org.openx.data.jsonserde.JsonSerDe'
location 's3://bucket/o''exports/runs/';

create external table if not exists analytics_meters_events_files (
  `export_run` string,
  `event_id` string,
  `event_type` string,
  `event_schema_version` bigint,
  `event_sequence` bigint,
  `event_recorded_at` timestamp,
  `event_command_id` string,
  `event_correlation_id` string,
  `event_causation_id` string,
  `aggregate_id` string,
  `points` string
)
partitioned by (tenant string, dt string)
stored as parquet
location 's3://bucket/o''exports/events/analytics_meters_events/';
msck repair table analytics_meters_events_files;
create or replace view analytics_meters_events as
select "tenant", "dt", "export_run", "event_id", "event_type", "event_schema_version", "event_sequence", "event_recorded_at", "event_command_id", "event_correlation_id", "event_causation_id", "aggregate_id", "points"
from analytics_meters_events_files where export_run in (select export_run from export_runs);

create external table if not exists crm_lead_files (
  `export_run` string,
  `row_source` string,
  `row_version` bigint,
  `row_deleted` boolean,
  `captured_at` timestamp,
  `company` string,
  `id` string,
  `owner_id` string,
  `source` string,
  `status` string
)
partitioned by (tenant string, dt string)
stored as parquet
location 's3://bucket/o''exports/views/crm_lead/';
msck repair table crm_lead_files;
create or replace view crm_lead as
select "tenant", "dt", "export_run", "row_source", "row_version", "row_deleted", "captured_at", "company", "id", "owner_id", "source", "status"
from (select crm_lead_files.*, rank() over (partition by tenant, row_source order by row_version desc, export_run desc) as newest
  from crm_lead_files where export_run in (select export_run from export_runs)) as ranked
where newest = 1 and not row_deleted;
