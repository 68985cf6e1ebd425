//! DDL for the engines that read exports: a table over the files, and a view of what counts, for each table of the catalogue.
//!
//! Of `crm_lead`, `crm_lead_files` is everything in its folder, and the view `crm_lead` what is to be asked: rows of published runs, of a read
//! model those of the newest version of each aggregate. In all engines columns are found by name, and one that a file does not have is null.

use crate::{Catalogue, ColumnType, Table, TableKind, runs::RUNS};
use std::fmt::Write as _;

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Amazon Athena, version 3. Partitions are found by `MSCK REPAIR TABLE`, after exports with new days or tenants.
    Athena,
    /// Amazon Redshift with Spectrum.
    Redshift,
    /// Snowflake, with external tables on a stage.
    Snowflake,
    /// DuckDB, also on a local folder.
    DuckDb,
}

impl Engine {
    fn type_name(self, ty: ColumnType) -> &'static str {
        match (self, ty) {
            (Self::Athena, ColumnType::Text | ColumnType::Json) => "string",
            (Self::Redshift, ColumnType::Text | ColumnType::Json) => "varchar(65535)",
            (_, ColumnType::Text | ColumnType::Json) => "varchar",
            (_, ColumnType::Integer) => "bigint",
            (Self::Redshift, ColumnType::Double) => "double precision",
            (_, ColumnType::Double) => "double",
            (_, ColumnType::Boolean) => "boolean",
            (Self::Snowflake, ColumnType::Timestamp) => "timestamp_tz",
            (Self::DuckDb, ColumnType::Timestamp) => "timestamptz",
            (_, ColumnType::Timestamp) => "timestamp",
        }
    }

    /// A name as a column, in a query.
    fn quoted(self, name: &str) -> String {
        match self {
            // Its names are in capitals; so this is what the name without quotes means.
            Self::Snowflake => format!("\"{}\"", name.to_ascii_uppercase()),
            _ => format!("\"{name}\""),
        }
    }

    /// Before the names of tables over files.
    fn schema(self) -> &'static str {
        if self == Self::Redshift {
            "headwater_export."
        } else {
            ""
        }
    }

    /// Statements that come first.
    fn preamble(self, location: &str) -> String {
        match self {
            Self::Athena | Self::DuckDb => String::new(),
            Self::Redshift => {
                "create external schema if not exists headwater_export from data catalog database 'headwater_export' \
                 iam_role default create external database if not exists;\n"
                    .to_owned()
            }
            Self::Snowflake => format!(
                "-- For a bucket, add STORAGE_INTEGRATION.\ncreate stage if not exists headwater_export url = '{}';\n",
                literal(location)
            ),
        }
    }

    /// The table of published runs.
    fn runs(self, location: &str, present: bool) -> String {
        let place = format!("{}/{RUNS}", literal(location));
        let schema = self.schema();
        match self {
            Self::Athena | Self::Redshift => {
                let (exists, text) = match self {
                    Self::Athena => ("if not exists ", "string"),
                    _ => ("", "varchar(64)"),
                };
                format!(
                    "create external table {exists}{schema}export_runs (export_run {text}, number bigint)\n\
                     row format serde 'org.openx.data.jsonserde.JsonSerDe'\nlocation '{place}/';\n"
                )
            }
            Self::Snowflake => format!(
                "create or replace external table export_runs (export_run varchar as (value:export_run::varchar), number bigint as \
                 (value:number::bigint))\nlocation = @headwater_export/{RUNS}/ auto_refresh = false file_format = (type = json);\n"
            ),
            Self::DuckDb if present => format!(
                "create or replace view export_runs as select export_run, number from read_json('{place}/*.json', format = \
                 'newline_delimited', columns = {{export_run: 'varchar', number: 'bigint'}});\n"
            ),
            Self::DuckDb => "create or replace view export_runs as select ''::varchar as export_run, 0::bigint as number where false;\n".to_owned(),
        }
    }

    /// The table over all files of a table.
    fn files(self, table: &Table, location: &str, present: bool) -> String {
        let Table { name, columns, .. } = table;
        let folder = table.folder();
        let place = format!("{}/{folder}", literal(location));
        let typed = |before: &str, between: &str| -> String {
            let column = |ty, name: &str| format!("{before}{name}{between}{}", self.type_name(ty));
            let all: Vec<String> = columns.iter().map(|each| column(each.ty, &each.name)).collect();
            all.join(",\n")
        };
        match self {
            Self::Athena => format!(
                "create external table if not exists {name}_files (\n{}\n)\npartitioned by (tenant string, dt string)\nstored as parquet\n\
                 location '{place}/';\nmsck repair table {name}_files;\n",
                typed("  `", "` ")
            ),
            Self::Redshift => format!(
                "-- Partitions: MSCK REPAIR TABLE in Athena on the same catalogue, or ALTER TABLE … ADD PARTITION.\n\
                 create external table {}{name}_files (\n{}\n)\npartitioned by (tenant varchar(63), dt varchar(10))\nstored as parquet\n\
                 location '{place}/';\n",
                self.schema(),
                typed("  \"", "\" ")
            ),
            Self::Snowflake => {
                let part = |key: &str| format!("split_part(split_part(metadata$filename, '/{key}=', 2), '/', 1)");
                let column = |ty, name: &str| {
                    let ty = self.type_name(ty);
                    format!("  {} {ty} as (value:\"{name}\"::{ty})", self.quoted(name))
                };
                let all: Vec<String> = columns.iter().map(|each| column(each.ty, &each.name)).collect();
                format!(
                    "create or replace external table {name}_files (\n  TENANT varchar as ({}),\n  DT varchar as ({}),\n{}\n)\n\
                     partition by (TENANT, DT)\nlocation = @headwater_export/{folder}/ auto_refresh = false file_format = (type = parquet);\n\
                     alter external table {name}_files refresh;\n",
                    part("tenant"),
                    part("dt"),
                    all.join(",\n")
                )
            }
            Self::DuckDb => {
                let column = |ty, name: &str| format!("  null::{} as \"{name}\"", self.type_name(ty));
                let all: Vec<String> = columns.iter().map(|each| column(each.ty, &each.name)).collect();
                let rows = if present {
                    format!(
                        "\nunion all by name select * from read_parquet('{place}/*/*/*.parquet', hive_partitioning = true, hive_types = \
                         {{tenant: varchar, dt: varchar}}, union_by_name = true)"
                    )
                } else {
                    String::new()
                };
                format!(
                    "create or replace view {name}_files as\nselect null::varchar as tenant, null::varchar as dt,\n{}\nwhere false{rows};\n",
                    all.join(",\n")
                )
            }
        }
    }

    /// The view of what counts.
    fn view(self, table: &Table) -> String {
        let name = &table.name;
        let columns: Vec<String> = ["tenant", "dt"]
            .into_iter()
            .chain(table.columns.iter().map(|column| column.name.as_str()))
            .map(|column| self.quoted(column))
            .collect();
        let (columns, schema) = (columns.join(", "), self.schema());
        let published = format!("export_run in (select export_run from {schema}export_runs)");
        let query = match table.kind {
            TableKind::Events => format!("select {columns}\nfrom {schema}{name}_files where {published}"),
            TableKind::Rows => format!(
                "select {columns}\nfrom (select {schema}{name}_files.*, rank() over (partition by tenant, row_source order by row_version desc, \
                 export_run desc) as newest\n  from {schema}{name}_files where {published}) as ranked\nwhere newest = 1 and not row_deleted"
            ),
        };
        let unbound = if self == Self::Redshift {
            "\nwith no schema binding"
        } else {
            ""
        };
        format!("create or replace view {name} as\n{query}{unbound};\n")
    }
}

/// A text within single quotes.
fn literal(text: &str) -> String {
    text.trim_end_matches('/').replace('\'', "''")
}

/// The statements for all tables, over the export at `location`: `s3://bucket/prefix`, or a folder for DuckDB. `present` says whether there
/// are files below a folder of it, which DuckDB alone has to know: it refuses to look at none.
pub fn statements(catalogue: &Catalogue, engine: Engine, location: &str, present: impl Fn(&str) -> bool) -> String {
    let mut all = engine.preamble(location);
    all.push_str(&engine.runs(location, present(RUNS)));
    for table in catalogue.tables() {
        let files = engine.files(table, location, present(&table.folder()));
        let _ = write!(all, "\n{files}{}", engine.view(table));
    }
    all
}
