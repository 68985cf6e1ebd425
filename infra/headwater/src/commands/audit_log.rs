//! `headwater audit-log`: verifies what was written down, and looks for lines in it. Both read its objects alone, whether a process runs or not.

use super::say;
use crate::{
    Outcome,
    assembly::objects::open,
    cli::{AuditLog, Audited, Output, Reach},
    config::Objects,
    data_folder,
    reach::{Fresh, Reached, ask},
};
use anyhow::{Context, Result, bail};
use headwater_audit_log::{AuditPublicKey, Report, Wanted, athena, search, verify};
use headwater_kernel::Timestamp;
use headwater_objects::{BucketConfig, Folder, ObjectStore};
use headwater_runtime::Runtime;
use std::{io::Write, ops::ControlFlow, path::Path};

pub(crate) async fn run(data: &Path, command: AuditLog, output: Output, runtime: &Runtime) -> Result<Outcome> {
    match command {
        AuditLog::Verify {
            from,
            to,
            public_key,
            audited,
        } => {
            let key = match public_key {
                Some(text) => AuditPublicKey::parse(&text)
                    .map_err(anyhow::Error::msg)
                    .context("--public-key")?,
                None => data_folder::audit_key(data)?.public(),
            };
            let objects = open(&objects(data, &audited), runtime).await;
            let outside = Folder::new(data);
            let report = verify(&*objects, &outside, audited.region.as_str(), key, (from, to)).await?;
            print(&report, output);
            if report.findings.is_empty() {
                return Ok(Outcome::Done);
            }
            bail!("{} things are not as they were written", report.findings.len())
        }
        AuditLog::Search {
            tenant,
            actor,
            event_type,
            from,
            to,
            url,
            token,
            audited,
        } => {
            if let Some(url) = url {
                let reach = Reach { url: Some(url), token };
                let reached = Reached::find(data, &reach, tenant.as_ref(), Fresh::Refuse, runtime).await?;
                return asked(&reached, actor, event_type, from, to).await;
            }
            let wanted = Wanted {
                tenant: tenant.map(|tenant| tenant.as_str().to_owned()),
                actor,
                event_type,
                from,
                to,
            };
            let objects = open(&objects(data, &audited), runtime).await;
            lines(&*objects, audited.region.as_str(), &wanted).await
        }
        AuditLog::AthenaDdl {
            location,
            table,
            since,
            queries,
        } => {
            let text = match queries {
                true => athena::queries(&table),
                false => athena::ddl(&table, &location, &["us", "eu"], &since),
            };
            say(text.trim_end());
            Ok(Outcome::Done)
        }
    }
}

fn objects(data: &Path, audited: &Audited) -> Objects {
    match (&audited.bucket, &audited.bucket_region) {
        (Some(location), Some(region)) => Objects::Bucket(BucketConfig {
            location: location.clone(),
            region: region.clone(),
            endpoint: audited.bucket_endpoint.clone(),
            kms_key: None,
            lock: None,
        }),
        _ => Objects::Folder(audited.folder.clone().unwrap_or_else(|| data.join("audit"))),
    }
}

/// The same of a running Headwater, page by page.
async fn asked(
    reached: &Reached,
    actor: Option<String>,
    event_type: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<Outcome> {
    let client = reached.client()?;
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let (from, to) = (time(from), time(to));
    let mut cursor: Option<String> = None;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    loop {
        let first = |given: &Option<String>| if cursor.is_none() { given.clone() } else { None };
        let given = [first(&actor), first(&event_type), first(&from), first(&to)];
        let [actor, event_type, from, to] = given.each_ref().map(Option::as_deref);
        let parameters = [
            ("actor", actor),
            ("type", event_type),
            ("from", from),
            ("to", to),
            ("limit", Some("200")),
            ("cursor", cursor.as_deref()),
        ];
        let page = ask(client.get(reached.route(&["v1", "audit"], &parameters)?)).await?;
        let lines = page["items"].as_array().into_iter().flatten();
        let mut written = lines.map(|line| writeln!(out, "{line}"));
        match written.find_map(Result::err).or(out.flush().err()) {
            // Whoever reads has seen enough.
            Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Done),
            Some(error) => return Err(error.into()),
            None => {}
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(Outcome::Done),
        }
    }
}

/// One line of JSON for each, as it was written.
async fn lines(objects: &dyn ObjectStore, region: &str, wanted: &Wanted) -> Result<Outcome> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    search(objects, region, wanted, |_, text| match writeln!(out, "{text}") {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })
    .await?;
    match failed.or(out.flush().err()) {
        // Whoever reads has seen enough.
        Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        Some(error) => Err(error.into()),
        None => Ok(Outcome::Done),
    }
}

fn print(report: &Report, output: Output) {
    if output == Output::Json {
        return say(serde_json::json!(report));
    }
    for finding in &report.findings {
        say(format_args!("{}: {}", finding.name, finding.what));
    }
    let Report {
        hours,
        objects,
        lines,
        pending,
        ..
    } = report;
    say(format_args!(
        "{hours} hours closed, {objects} objects with {lines} lines as their digests say, {pending} being written"
    ));
    if report.findings.is_empty() {
        say("complete and unchanged");
    }
}
