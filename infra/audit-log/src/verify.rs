//! Finding what does not agree: objects and digests that are missing, changed, added, in another order, or signed with another key.

use crate::{
    AuditPublicKey, Error, Hour, chain,
    digest::{self, DIGESTS, Digest},
    object::{self, Entry},
};
use headwater_objects::ObjectStore;
use serde::Serialize;
use std::collections::BTreeSet;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The object or digest.
    pub name: String,
    /// What is wrong with it.
    pub what: String,
}

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Hours whose digests were verified.
    pub hours: u64,
    /// Objects that were read and are as their digests say.
    pub objects: u64,
    /// Lines of those.
    pub lines: u64,
    /// Objects that are being written, of which no digest says more yet.
    pub pending: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, name: impl Into<String>, what: impl Into<String>) {
        let (name, what) = (name.into(), what.into());
        self.findings.push(Finding { name, what });
    }
}

/// Compares everything in `objects` with the digests, the digests with one another and with the copy of the running digest in `outside`. Of the
/// objects those of the hours `from` to `to`, both included, are read; digests are all verified.
///
/// # Errors
/// [`Error::Objects`] when something cannot be read; nothing that is wrong with what was read is an error.
pub async fn verify(
    objects: &dyn ObjectStore,
    outside: &dyn ObjectStore,
    region: &str,
    key: AuditPublicKey,
    (from, to): (Option<Hour>, Option<Hour>),
) -> Result<Report, Error> {
    let mut report = Report::default();
    // Before the copy is read: an object is announced there before it is put.
    let listed = objects.list(&format!("region={region}/")).await?;
    let digests = objects.list(&format!("{DIGESTS}region={region}/")).await?;
    let copied = chain::read(outside, region).await?;
    let copy_name = chain::copy(region);
    let Some(copied) = copied else {
        // The first thing that is ever written is the running digest, before its copy.
        if listed.is_empty() && digests.iter().all(|name| *name == digest::running(region)) {
            return Ok(report);
        }
        report.add(
            copy_name,
            "it is missing: without it nobody can say whether the newest objects and digests are gone",
        );
        return Ok(report);
    };
    let running = match key.read(&copied) {
        Ok(running) if running.region == region && running.running => running,
        Ok(_) => {
            report.add(copy_name, "it is of something else");
            return Ok(report);
        }
        Err(why) => {
            report.add(copy_name, why);
            return Ok(report);
        }
    };
    check_running(objects, key, &running, &copied, &mut report).await?;
    let mut known: Vec<Entry> = Vec::new();
    let mut names = BTreeSet::from([digest::running(region)]);
    let next = walk(objects, key, &running, &digests, &mut known, &mut names, &mut report).await?;
    for name in digests.iter().filter(|name| !names.contains(*name)) {
        report.add(name, "it was added: no hour of the chain has this name");
    }
    // What digests have that were made after the copy is known twice.
    known.extend(
        running
            .objects
            .iter()
            .filter(|entry| !is_known(&known, &entry.name))
            .cloned()
            .collect::<Vec<_>>(),
    );
    check_numbers(region, &running, next, &known, &mut report);
    let mut expected = BTreeSet::new();
    for entry in &known {
        expected.insert(entry.name.as_str());
        let within = |hour: Hour| from.is_none_or(|from| from <= hour) && to.is_none_or(|to| hour <= to);
        if hour_of(region, &entry.name).is_some_and(within) {
            check_object(objects, entry, &mut report).await?;
        }
    }
    for name in listed.iter().filter(|name| !expected.contains(name.as_str())) {
        match object::number_of(name) {
            Some(number) if running.pending.contains(&number) => report.pending += 1,
            _ => report.add(name, "it was added: no digest has it"),
        }
    }
    report.findings.sort();
    report.findings.dedup();
    Ok(report)
}

fn is_known(known: &[Entry], name: &str) -> bool {
    known.iter().any(|entry| entry.name == name)
}

/// The hour of an object's folder, if its name is as names are made.
fn hour_of(region: &str, name: &str) -> Option<Hour> {
    let rest = name.strip_prefix(&format!("region={region}/dt="))?;
    let (day, rest) = rest.split_once("/hour=")?;
    let hour: Hour = format!("{day}T{}", rest.split('/').next()?).parse().ok()?;
    (object::name(region, hour, object::number_of(name)?) == name).then_some(hour)
}

/// The running digest in the store is the copy, or newer when a crash or a moment lies between the two.
async fn check_running(
    objects: &dyn ObjectStore,
    key: AuditPublicKey,
    copy: &Digest,
    copied: &[u8],
    report: &mut Report,
) -> Result<(), Error> {
    let name = digest::running(&copy.region);
    match objects.get(&name).await? {
        None => report.add(name, "it is missing"),
        Some(bytes) if bytes == copied => {}
        Some(bytes) => match key.read(&bytes) {
            Err(why) => report.add(name, why),
            Ok(there) => {
                let newer = there.running
                    && there.region == copy.region
                    && there.first == copy.first
                    && (there.hour, there.next, there.closed) >= (copy.hour, copy.next, copy.closed);
                if !newer {
                    report.add(name, "it is older than the copy that is kept outside: it was set back");
                }
            }
        },
    }
    Ok(())
}

/// Verifies the digest of every hour. Gives the number of the first object after them, if that is known.
async fn walk(
    objects: &dyn ObjectStore,
    key: AuditPublicKey,
    running: &Digest,
    listed: &[String],
    known: &mut Vec<Entry>,
    names: &mut BTreeSet<String>,
    report: &mut Report,
) -> Result<Option<u64>, Error> {
    let region = running.region.as_str();
    let mut hour = running.first;
    let mut before: Option<String> = None;
    let mut next = Some(1);
    loop {
        let name = digest::name(region, hour);
        let due = running.closed.is_some_and(|closed| hour <= closed);
        // Those that were made after the copy was written.
        if !due && !listed.contains(&name) {
            return Ok(next);
        }
        names.insert(name.clone());
        let Some(bytes) = objects.get(&name).await? else {
            report.add(name, "it is missing");
            (before, next, hour) = (None, None, hour.next());
            continue;
        };
        let sha256 = object::sha256(&bytes);
        match key.read(&bytes) {
            Err(why) => {
                report.add(&name, why);
                next = None;
            }
            Ok(digest) => {
                for why in faults(&digest, running, hour, before.as_deref(), next) {
                    report.add(&name, why);
                }
                report.hours += 1;
                next = Some(digest.next);
                known.extend(digest.objects);
            }
        }
        if running.closed == Some(hour) && running.previous.as_deref() != Some(&sha256) {
            report.add(&name, "it is not the one that the copy outside knows");
        }
        (before, hour) = (Some(sha256), hour.next());
    }
}

/// What a digest with a good signature says that does not fit its place.
fn faults(digest: &Digest, running: &Digest, hour: Hour, before: Option<&str>, next: Option<u64>) -> Vec<String> {
    let mut faults = Vec::new();
    if (digest.hour, digest.running, digest.version) != (hour, false, 1) || digest.region != running.region {
        faults.push(format!("it is the digest of {} of {}", digest.hour, digest.region));
    }
    if digest.first != running.first {
        faults.push(format!(
            "its chain begins with {} and not with {}",
            digest.first, running.first
        ));
    }
    if hour == running.first && digest.previous.is_some() {
        faults.push("it is the first and names one before it".to_owned());
    }
    if before.is_some() && digest.previous.as_deref() != before {
        faults.push("the digest before it is not the one that it names".to_owned());
    }
    let begins = digest.objects.first().and_then(|entry| object::number_of(&entry.name));
    let begins = begins.unwrap_or(digest.next);
    if next.is_some_and(|next| next != begins) {
        faults.push(format!("its objects begin with number {begins}"));
    }
    for (entry, number) in digest.objects.iter().zip(begins..) {
        if entry.name != object::name(&digest.region, digest.hour, number) {
            faults.push(format!("it has {} where object {number} belongs", entry.name));
        }
    }
    faults
}

/// Objects of hours without a digest have the numbers after the last digest, all up to the next.
fn check_numbers(region: &str, running: &Digest, next: Option<u64>, known: &[Entry], report: &mut Report) {
    let Some(next) = next else { return };
    let numbers: BTreeSet<u64> = known
        .iter()
        .filter_map(|entry| object::number_of(&entry.name))
        .chain(running.pending.iter().copied())
        .collect();
    for number in next..running.next {
        if !numbers.contains(&number) {
            report.add(chain::copy(region), format!("it says nothing of object {number}"));
        }
    }
}

async fn check_object(objects: &dyn ObjectStore, entry: &Entry, report: &mut Report) -> Result<(), Error> {
    let name = entry.name.as_str();
    let Some(bytes) = objects.get(name).await? else {
        report.add(name, "it is missing");
        return Ok(());
    };
    if bytes.len() as u64 != entry.size {
        report.add(
            name,
            format!("it has {} bytes, its digest says {}", bytes.len(), entry.size),
        );
    } else if object::sha256(&bytes) != entry.sha256 {
        report.add(name, "it was changed: its SHA-256 is not that of its digest");
    } else {
        let lines = object::text(name, &bytes)?.lines().count() as u64;
        if lines == entry.lines {
            report.objects += 1;
            report.lines += lines;
        } else {
            report.add(name, format!("it has {lines} lines, its digest says {}", entry.lines));
        }
    }
    Ok(())
}
