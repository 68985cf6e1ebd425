-- For a bucket, add STORAGE_INTEGRATION.
create stage if not exists headwater_export url = 's3://bucket/o''exports';
create or replace external table export_runs (export_run varchar as (value:export_run::varchar), number bigint as (value:number::bigint))
location = @headwater_export/runs/ auto_refresh = false file_format = (type = json);

create or replace external table analytics_meters_events_files (
  TENANT varchar as (split_part(split_part(metadata$filename, '/tenant=', 2), '/', 1)),
  DT varchar as (split_part(split_part(metadata$filename, '/dt=', 2), '/', 1)),
  "EXPORT_RUN" varchar as (value:"export_run"::varchar),
  "EVENT_ID" varchar as (value:"event_id"::varchar),
  "EVENT_TYPE" varchar as (value:"event_type"::varchar),
  "EVENT_SCHEMA_VERSION" bigint as (value:"event_schema_version"::bigint),
  "EVENT_SEQUENCE" bigint as (value:"event_sequence"::bigint),
  "EVENT_RECORDED_AT" timestamp_tz as (value:"event_recorded_at"::timestamp_tz),
  "EVENT_COMMAND_ID" varchar as (value:"event_command_id"::varchar),
  "EVENT_CORRELATION_ID" varchar as (value:"event_correlation_id"::varchar),
  "EVENT_CAUSATION_ID" varchar as (value:"event_causation_id"::varchar),
  "AGGREGATE_ID" varchar as (value:"aggregate_id"::varchar),
  "POINTS" varchar as (value:"points"::varchar)
)
partition by (TENANT, DT)
location = @headwater_export/events/analytics_meters_events/ auto_refresh = false file_format = (type = parquet);
alter external table analytics_meters_events_files refresh;
create or replace view analytics_meters_events as
select "TENANT", "DT", "EXPORT_RUN", "EVENT_ID", "EVENT_TYPE", "EVENT_SCHEMA_VERSION", "EVENT_SEQUENCE", "EVENT_RECORDED_AT", "EVENT_COMMAND_ID", "EVENT_CORRELATION_ID", "EVENT_CAUSATION_ID", "AGGREGATE_ID", "POINTS"
from analytics_meters_events_files where export_run in (select export_run from export_runs);

create or replace external table crm_lead_files (
  TENANT varchar as (split_part(split_part(metadata$filename, '/tenant=', 2), '/', 1)),
  DT varchar as (split_part(split_part(metadata$filename, '/dt=', 2), '/', 1)),
  "EXPORT_RUN" varchar as (value:"export_run"::varchar),
  "ROW_SOURCE" varchar as (value:"row_source"::varchar),
  "ROW_VERSION" bigint as (value:"row_version"::bigint),
  "ROW_DELETED" boolean as (value:"row_deleted"::boolean),
  "CAPTURED_AT" timestamp_tz as (value:"captured_at"::timestamp_tz),
  "COMPANY" varchar as (value:"company"::varchar),
  "ID" varchar as (value:"id"::varchar),
  "OWNER_ID" varchar as (value:"owner_id"::varchar),
  "SOURCE" varchar as (value:"source"::varchar),
  "STATUS" varchar as (value:"status"::varchar)
)
partition by (TENANT, DT)
location = @headwater_export/views/crm_lead/ auto_refresh = false file_format = (type = parquet);
alter external table crm_lead_files refresh;
create or replace view crm_lead as
select "TENANT", "DT", "EXPORT_RUN", "ROW_SOURCE", "ROW_VERSION", "ROW_DELETED", "CAPTURED_AT", "COMPANY", "ID", "OWNER_ID", "SOURCE", "STATUS"
from (select crm_lead_files.*, rank() over (partition by tenant, row_source order by row_version desc, export_run desc) as newest
  from crm_lead_files where export_run in (select export_run from export_runs)) as ranked
where newest = 1 and not row_deleted;
