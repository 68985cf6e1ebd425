//! `headwater export`, as clap reads it.

use super::Reach;
use clap::{Args, Subcommand, ValueEnum};
use headwater_kernel::TenantId;
use std::path::PathBuf;

/// `headwater export`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Export {
    #[command(subcommand)]
    pub(crate) ddl: Option<ExportCommand>,
    /// The folder; without, `exports` in the data folder. A running Headwater writes where its configuration says.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Of this context alone, such as crm.
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// Of this tenant alone.
    #[arg(long)]
    pub(crate) tenant: Option<TenantId>,
    /// The events alone.
    #[arg(long, conflicts_with = "views")]
    pub(crate) events: bool,
    /// The read models alone.
    #[arg(long)]
    pub(crate) views: bool,
    #[command(flatten)]
    pub(crate) reach: Reach,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Prints the statements that make tables and views of an export.
    Ddl {
        /// Which engine.
        #[arg(long = "for")]
        engine: For,
        /// Where the export is, such as s3://bucket/prefix; for DuckDB also a folder.
        #[arg(long)]
        at: Option<String>,
    },
}

/// An engine that reads exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum For {
    Athena,
    Redshift,
    Snowflake,
    Duckdb,
}
