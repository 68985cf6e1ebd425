//! Exports: events and read models as Parquet, for Athena, Redshift, Snowflake and DuckDB. What lives here: the tables with their typed
//! columns, the files, the runs that publish them, and the DDL. Which rows there are is read from the log by who calls.
//!
//! ```text
//! events/crm_leads_events/tenant=acme/dt=2026-11-24/<run>-000001.parquet
//! views/crm_lead/tenant=acme/dt=2026-11-24/<run>-000002.parquet
//! runs/<number>.json         one line; what makes the rows of a run count
//! attempts/<run>             while a run is under way, and after one that was killed
//! ```
//!
//! **Atomic.** Every row has its run in the column `export_run`, and the views of the [`ddl`] show rows of runs in `runs/` alone. That file is
//! put last, on the condition that no other has its number. So whatever a run that was killed, or that lost a race, has left is seen by no
//! engine, although engines list folders; the next run sweeps it.
//!
//! **Append only.** A file is never changed. Events are in one file each. Of a read model an aggregate's rows are written again when it has
//! changed, with its version; the newest version counts.

mod catalogue;
mod cell;
mod column;
pub mod ddl;
mod error;
mod parquet_file;
mod run;
mod runs;
mod table;

pub use catalogue::Catalogue;
pub use cell::{Cell, event_cells, row_cells};
pub use column::{Column, ColumnType};
pub use error::Error;
pub use run::{Run, Written};
pub use runs::{Manifest, Places};
pub use table::{Table, TableKind};
