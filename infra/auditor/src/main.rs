//! The command `headwater-audit`.

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use headwater_auditor::{
    audit, baseline, config, cost,
    finding::Severity,
    report::{self, Report},
    rules,
};
use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Finds how a Rust codebase uses DynamoDB, what that costs, and what to do instead.
///
/// Ends with 0 when nothing is found, 1 when something at or above --fail-on is, 2 when it could not be run.
#[derive(Parser)]
#[command(name = "headwater-audit", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Subcommands>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Tells what a rule means; without one lists them.
    Explain {
        /// The rule's id.
        rule: Option<String>,
    },
    /// Writes headwater-audit.toml.
    Init {
        /// Where.
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Prints the JSON schema of the report.
    Schema,
}

#[derive(clap::Args)]
struct Run {
    /// The folder (or file) to audit.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The form of the report.
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// Where to write the report; else to the standard output.
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// From which level on a finding makes the command end with 1.
    #[arg(long, value_enum, default_value = "warning")]
    fail_on: FailOn,
    /// The configuration; else headwater-audit.toml of the folder, if there is one.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Paths of repositories, instead of those configured or found.
    #[arg(long)]
    repository: Vec<String>,
    /// Audit code that is for tests only too.
    #[arg(long)]
    include_tests: bool,
    /// Measured usage, for costs.
    #[arg(long)]
    usage: Option<PathBuf>,
    /// Known findings, which are left out.
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Writes the findings down as known.
    #[arg(long)]
    write_baseline: Option<PathBuf>,
    /// Only findings in lines that changed since this commit.
    #[arg(long)]
    diff: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Terminal,
    Json,
    Sarif,
    Github,
    Markdown,
}

#[derive(Clone, Copy, ValueEnum)]
enum FailOn {
    Note,
    Warning,
    Error,
    Never,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Subcommands::Explain { rule }) => explain(rule.as_deref()),
        Some(Subcommands::Init { path }) => init(&path),
        Some(Subcommands::Schema) => out(report::json::SCHEMA).map(|()| false),
        None => run(&cli.run),
    };
    match done {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "headwater-audit: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn out(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has enough, such as `head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn explain(rule: Option<&str>) -> Result<bool> {
    match rule {
        Some(id) => {
            let rule = rules::named(id)
                .with_context(|| format!("there is no rule {id}; `headwater-audit explain` lists them"))?;
            out(rule.page)?;
        }
        None => {
            for rule in rules::RULES {
                out(&format!("{:<30}{}\n", rule.id, report::named(rule.severity)))?;
            }
        }
    }
    Ok(false)
}

fn init(path: &Path) -> Result<bool> {
    let path = path.join(config::FILE);
    let mut file = std::fs::File::create_new(&path).with_context(|| format!("cannot make {}", config::FILE))?;
    file.write_all(config::INITIAL.as_bytes())?;
    out(&format!("wrote {}\n", config::FILE))?;
    Ok(false)
}

fn run(asked: &Run) -> Result<bool> {
    anyhow::ensure!(asked.path.exists(), "there is nothing at {}", asked.path.display());
    let root = asked.path.as_path();
    let default = root.join(config::FILE);
    let mut settings = config::read(asked.config.as_deref().unwrap_or(&default), asked.config.is_some())?;
    if !asked.repository.is_empty() {
        settings.repositories.clone_from(&asked.repository);
    }
    settings.include_tests |= asked.include_tests;
    let usage = asked.usage.as_deref().map(cost::usage).transpose()?.unwrap_or_default();
    let mut report = audit(root, &settings, &cost::prices()?, &usage, &today());
    if let Some(reference) = &asked.diff {
        let changed = changed(root, reference)?;
        report
            .findings
            .retain(|finding| changed.contains(&(finding.file.clone(), finding.line)));
    }
    if let Some(path) = &asked.write_baseline {
        baseline::write(path, root, &report.findings)?;
    }
    if let Some(path) = &asked.baseline {
        report.summary.known = baseline::apply(path, root, &mut report.findings)?;
    }
    report.sum();
    let text = shown(&report, asked);
    match &asked.output {
        Some(path) => std::fs::write(path, text).context("cannot write the report")?,
        None => out(&text)?,
    }
    Ok(match asked.fail_on {
        FailOn::Note => report.fails(Severity::Note),
        FailOn::Warning => report.fails(Severity::Warning),
        FailOn::Error => report.fails(Severity::Error),
        FailOn::Never => false,
    })
}

fn shown(report: &Report, asked: &Run) -> String {
    match asked.format {
        Format::Terminal => {
            let color =
                asked.output.is_none() && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            report::terminal::write(report, &asked.path, color)
        }
        Format::Json => report::json::write(report),
        Format::Sarif => report::sarif::write(report),
        Format::Github => report::annotations::write(report),
        Format::Markdown => report::markdown::write(report),
    }
}

/// Lines that were added or changed since a commit.
fn changed(root: &Path, reference: &str) -> Result<BTreeSet<(String, usize)>> {
    anyhow::ensure!(!reference.starts_with('-'), "{reference} is no commit");
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args([
            "-c",
            "core.quotePath=off",
            "diff",
            "--relative",
            "--no-color",
            "--no-ext-diff",
            "--unified=0",
            reference,
            "--",
            "*.rs",
        ])
        .output()
        .context("cannot run git")?;
    anyhow::ensure!(
        output.status.success(),
        "git diff failed: {}",
        String::from_utf8_lossy(&output.stderr)
            .lines()
            .next()
            .unwrap_or_default()
    );
    let mut lines = BTreeSet::new();
    let mut file = String::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            name.clone_into(&mut file);
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            let Some(added) = hunk.split(' ').find_map(|part| part.strip_prefix('+')) else {
                continue;
            };
            let (start, count) = added.split_once(',').unwrap_or((added, "1"));
            let (start, count): (usize, usize) = (start.parse().unwrap_or(0), count.parse().unwrap_or(0));
            lines.extend((start..start + count).map(|line| (file.clone(), line)));
        }
    }
    Ok(lines)
}

/// The date, for suppressions that end.
#[allow(
    clippy::disallowed_methods,
    reason = "a tool without a runtime; nothing but the end of suppressions depends on it"
)]
fn today() -> String {
    let seconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    // Days to a date, after Howard Hinnant's civil_from_days.
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
