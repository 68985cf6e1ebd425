//! The command line, as clap reads it.

mod export;

pub(crate) use export::{Export, ExportCommand, For};

use clap::{Args, Parser, Subcommand, ValueEnum};
use headwater_audit_log::Hour;
use headwater_kernel::{Region, TenantId, Timestamp};
use headwater_objects::Location;
use headwater_tenancy::{Role, SubjectError};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// An event-sourced CQRS backend for multi-tenant SaaS. Without a command: `dev`.
#[derive(Debug, Parser)]
#[command(name = "headwater", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The data folder.
    ///
    /// `.headwater`; `serve` has the one of its configuration.
    #[arg(long, global = true, env = "HEADWATER_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, global = true, default_value = "text")]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) dev: Dev,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in one process on the embedded defaults.
    Dev(Dev),
    /// A process of an installation, as configured: commands, projections, queries, or several of them.
    Serve(Configured),
    /// An AWS Lambda function that keeps the projections, mapped to the streams of the event tables.
    #[cfg(feature = "lambda")]
    Lambda(Configured),
    /// Checks configuration, stores, permissions, tables and clocks, and says what to do.
    Doctor(Configured),
    /// Prints a signed development token.
    Token(Token),
    /// Makes and lists tenants.
    #[command(subcommand)]
    Tenant(Tenant),
    /// Imports data.
    #[command(subcommand)]
    Import(Import),
    /// Shows where each projection stands: generation, position, lag, what it has parked.
    Projections {
        /// Of this tenant alone.
        #[arg(long)]
        tenant: Option<TenantId>,
        #[command(flatten)]
        reach: Reach,
    },
    /// Shows and ends what a projection has parked: aggregates with a commit that it cannot apply.
    #[command(subcommand)]
    Parked(Parked),
    /// Rebuilds a projection from the event log while everything runs, and shows how far it is. It goes on when this command is ended.
    Replay(Replay),
    /// Verifies the audit log, and looks for lines in it.
    #[command(subcommand)]
    AuditLog(AuditLog),
    /// Writes what is new in events and read models as Parquet; what was written before stays.
    Export(Export),
    /// Prints the OpenAPI document.
    Openapi,
    /// Prints completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditLog {
    /// Finds what is missing, was changed, added or set back: objects and digests. Ends with 1 if there is anything.
    Verify {
        /// Objects of this hour in UTC and later, such as 2026-11-24T01. Digests are all verified.
        #[arg(long)]
        from: Option<Hour>,
        /// Objects up to this hour, included.
        #[arg(long)]
        to: Option<Hour>,
        /// The key that digests are signed with, in base64; without, the data folder's.
        #[arg(long)]
        public_key: Option<String>,
        #[command(flatten)]
        audited: Audited,
    },
    /// Prints lines: events as JSON, one a line, as they were written down.
    Search {
        /// Of this tenant.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Of this actor, such as user:ada.
        #[arg(long)]
        actor: Option<String>,
        /// Of this type, such as ProductPriceChanged.
        #[arg(long = "type")]
        event_type: Option<String>,
        /// Committed at this time (RFC 3339) or later.
        #[arg(long, value_parser = Timestamp::parse)]
        from: Option<Timestamp>,
        /// Committed before this time.
        #[arg(long, value_parser = Timestamp::parse)]
        to: Option<Timestamp>,
        /// A running Headwater to ask for the lines of a tenant, instead of reading objects; without `--from`, those of a day.
        #[arg(long, requires = "tenant", conflicts_with_all = ["folder", "bucket"])]
        url: Option<String>,
        /// The token to send it; without, one is signed with the key in the data folder.
        #[arg(long, env = "HEADWATER_TOKEN", hide_env_values = true)]
        token: Option<String>,
        #[command(flatten)]
        audited: Audited,
    },
    /// Prints the table by which Athena reads the lines in a bucket.
    AthenaDdl {
        /// Where they are: s3://bucket/prefix/.
        #[arg(long)]
        location: String,
        /// The table's name.
        #[arg(long, default_value = "audit_log")]
        table: String,
        /// The first day that there are lines of.
        #[arg(long, default_value = "2026-01-01")]
        since: String,
        /// Prints queries for it instead.
        #[arg(long)]
        queries: bool,
    },
}

/// Which audit log.
#[derive(Debug, Args)]
pub(crate) struct Audited {
    /// Its folder; without, `audit` in the data folder.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
    /// Its bucket, such as `s3://acme-audit/log`.
    #[arg(long, conflicts_with = "folder", requires = "bucket_region")]
    pub(crate) bucket: Option<Location>,
    /// The bucket's region, such as `eu-west-1`.
    #[arg(long, env = "HEADWATER_S3_REGION", requires = "bucket")]
    pub(crate) bucket_region: Option<String>,
    /// Another endpoint than the region's.
    #[arg(long, env = "HEADWATER_S3_ENDPOINT", requires = "bucket")]
    pub(crate) bucket_endpoint: Option<String>,
    /// The region whose events it has.
    #[arg(long, default_value = "us")]
    pub(crate) region: Region,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Dev {
    /// Where HTTP listens.
    #[arg(long, default_value = "127.0.0.1:8080", env = "HEADWATER_HTTP")]
    pub(crate) http: SocketAddr,
    /// Where gRPC listens.
    #[arg(long, default_value = "127.0.0.1:50051", env = "HEADWATER_GRPC")]
    pub(crate) grpc: SocketAddr,
    /// No sample data on the first start.
    #[arg(long)]
    pub(crate) empty: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Configured {
    /// The configuration, in TOML. Every key is also an environment variable, such as HEADWATER_DYNAMODB_REGION, which wins.
    #[arg(long, env = "HEADWATER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    /// The tenant it gives access to.
    #[arg(long)]
    pub(crate) tenant: TenantId,
    /// Who it is for.
    #[arg(long, default_value = "developer", value_parser = subject)]
    pub(crate) subject: String,
    /// What it may do: owner, admin, member, auditor, integration, operator. Without: owner and operator.
    #[arg(long)]
    pub(crate) role: Vec<Role>,
    /// How long it is valid: 30s, 15m, 12h, 7d.
    #[arg(long, default_value = "12h", value_parser = duration)]
    pub(crate) ttl: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// Makes a tenant; making the same one again changes nothing.
    Create {
        /// Its id: 1 to 63 of a-z, 0-9 and -.
        tenant: TenantId,
        /// Where its data lives: us or eu.
        #[arg(long)]
        region: Region,
        #[command(flatten)]
        reach: Reach,
    },
    /// Lists all tenants.
    List {
        #[command(flatten)]
        reach: Reach,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Parked {
    /// Lists what is parked.
    List {
        /// Of this projection alone; `product-view.2` for one generation of it.
        projection: Option<String>,
        /// Of this tenant alone.
        #[arg(long)]
        tenant: Option<TenantId>,
        #[command(flatten)]
        reach: Reach,
    },
    /// Shows one aggregate, and the events of the commit that stops it.
    Show {
        #[command(flatten)]
        which: ParkedAggregate,
        #[command(flatten)]
        reach: Reach,
    },
    /// Tries one again, or all that a projection has parked.
    Retry {
        /// The projection; `product-view.2` for one generation of it.
        projection: String,
        /// Everything that is parked; with --tenant, of that tenant.
        #[arg(long, conflicts_with_all = ["context", "aggregate", "id"])]
        all: bool,
        /// Whose it is.
        #[arg(long, required_unless_present = "all")]
        tenant: Option<TenantId>,
        /// Its bounded context, such as catalog.
        #[arg(long, required_unless_present = "all")]
        context: Option<String>,
        /// The plural name, such as products.
        #[arg(long, required_unless_present = "all")]
        aggregate: Option<String>,
        /// Its id.
        #[arg(long, required_unless_present = "all")]
        id: Option<String>,
        #[command(flatten)]
        reach: Reach,
    },
    /// Goes on without the commit that stops one: it has no effect in this generation. A rebuild will meet it again.
    Discard {
        #[command(flatten)]
        which: ParkedAggregate,
        #[command(flatten)]
        reach: Reach,
    },
}

/// `headwater replay`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").args(["aggregate", "dry_run", "cancel", "switch_to", "drop", "check"]))]
pub(crate) struct Replay {
    /// The projection, such as product-view.
    pub(crate) projection: String,
    /// For this tenant alone.
    #[arg(long)]
    pub(crate) tenant: Option<TenantId>,
    /// Only writes this aggregate of the tenant anew, over what is there: its id, or `accounts/ID` where the projection follows several kinds.
    #[arg(long, value_name = "ID", requires = "tenant")]
    pub(crate) aggregate: Option<String>,
    /// Only compares what the log has with what is live and lists differences; ends with 1 when there are some.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Most write units a second that it may take.
    #[arg(long, value_name = "N", value_parser = write_units, conflicts_with_all = ["aggregate", "dry_run", "cancel", "switch_to", "check"])]
    pub(crate) wcu: Option<f64>,
    /// Ends the replay that is under way; what it wrote is deleted.
    #[arg(long, conflicts_with = "tenant")]
    pub(crate) cancel: bool,
    /// Makes a complete generation live: back to the one before, too; or one whose check has failed, as it is.
    #[arg(long, value_name = "G")]
    pub(crate) switch_to: Option<u32>,
    /// Deletes a generation that is not live.
    #[arg(long, value_name = "G", conflicts_with = "tenant")]
    pub(crate) drop: Option<u32>,
    /// Checks a generation anew whose check has failed.
    #[arg(long, value_name = "G", conflicts_with = "tenant")]
    pub(crate) check: Option<u32>,
    #[command(flatten)]
    pub(crate) reach: Reach,
}

fn write_units(text: &str) -> Result<f64, String> {
    let units: f64 = text.parse().map_err(|_| "is a number above 0".to_owned())?;
    if units.is_finite() && units > 0.0 {
        Ok(units)
    } else {
        Err("is a number above 0".to_owned())
    }
}

/// Names an aggregate that is parked.
#[derive(Debug, Clone, Args)]
pub(crate) struct ParkedAggregate {
    /// The projection; `product-view.2` for one generation of it, else the one that is live.
    pub(crate) projection: String,
    /// Whose it is.
    #[arg(long)]
    pub(crate) tenant: TenantId,
    /// Its bounded context, such as catalog.
    #[arg(long)]
    pub(crate) context: String,
    /// The plural name, such as products.
    #[arg(long)]
    pub(crate) aggregate: String,
    /// Its id.
    #[arg(long)]
    pub(crate) id: String,
}

/// Which process to talk to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reach {
    /// The address of a running Headwater; without, the one that has the data folder open, else this process opens it.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The token to send; without, one is signed with the key in the data folder.
    #[arg(long, env = "HEADWATER_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Products from NDJSON files, also gzipped. Can be stopped and run again; a second run writes nothing.
    Products {
        /// The files; `-` is standard input. What is gzipped is unpacked.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Whose products.
        #[arg(long)]
        tenant: TenantId,
        #[command(flatten)]
        reach: Reach,
    },
}

fn subject(text: &str) -> Result<String, SubjectError> {
    headwater_tenancy::check_subject(text).map(|()| text.to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write 30s, 15m, 12h or 7d");
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..at].parse().map_err(|_| wrong())?;
    let unit = match &text[at..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        assert_eq!(duration("12h"), Ok(Duration::from_secs(43_200)));
        for wrong in ["", "12", "h", "1y", "-1s", "0s", "99999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
