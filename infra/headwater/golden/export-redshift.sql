create external schema if not exists headwater_export from data catalog database 'headwater_export' iam_role default create external database if not exists;
create external table headwater_export.export_runs (export_run varchar(64), number bigint)
row format serde 'org.openx.data.jsonserde.JsonSerDe'
location 's3://bucket/o''exports/runs/';

-- Partitions: MSCK REPAIR TABLE in Athena on the same catalogue, or ALTER TABLE … ADD PARTITION.
create external table headwater_export.analytics_meters_events_files (
  "export_run" varchar(65535),
  "event_id" varchar(65535),
  "event_type" varchar(65535),
  "event_schema_version" bigint,
  "event_sequence" bigint,
  "event_recorded_at" timestamp,
  "event_command_id" varchar(65535),
  "event_correlation_id" varchar(65535),
  "event_causation_id" varchar(65535),
  "aggregate_id" varchar(65535),
  "points" varchar(65535)
)
partitioned by (tenant varchar(63), dt varchar(10))
stored as parquet
location 's3://bucket/o''exports/events/analytics_meters_events/';
create or replace view analytics_meters_events as
select "tenant", "dt", "export_run", "event_id", "event_type", "event_schema_version", "event_sequence", "event_recorded_at", "event_command_id", "event_correlation_id", "event_causation_id", "aggregate_id", "points"
from headwater_export.analytics_meters_events_files where export_run in (select export_run from headwater_export.export_runs)
with no schema binding;

-- Partitions: MSCK REPAIR TABLE in Athena on the same catalogue, or ALTER TABLE … ADD PARTITION.
create external table headwater_export.crm_lead_files (
  "export_run" varchar(65535),
  "row_source" varchar(65535),
  "row_version" bigint,
  "row_deleted" boolean,
  "captured_at" timestamp,
  "company" varchar(65535),
  "id" varchar(65535),
  "owner_id" varchar(65535),
  "source" varchar(65535),
  "status" varchar(65535)
)
partitioned by (tenant varchar(63), dt varchar(10))
stored as parquet
location 's3://bucket/o''exports/views/crm_lead/';
create or replace view crm_lead as
select "tenant", "dt", "export_run", "row_source", "row_version", "row_deleted", "captured_at", "company", "id", "owner_id", "source", "status"
from (select headwater_export.crm_lead_files.*, rank() over (partition by tenant, row_source order by row_version desc, export_run desc) as newest
  from headwater_export.crm_lead_files where export_run in (select export_run from headwater_export.export_runs)) as ranked
where newest = 1 and not row_deleted
with no schema binding;
