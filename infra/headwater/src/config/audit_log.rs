//! `[audit_log]`: where every event is written down for auditors.

use super::{
    Adapter,
    objects::{Objects, S3},
    reader::Reader,
    stores::choice,
};
use headwater_objects::{Lock, LockMode};
use std::path::Path;

/// How long objects are locked unless it is said otherwise.
const RETENTION_YEARS: u32 = 7;

/// Reads the section; where objects are, unless there is to be no audit log.
pub(super) fn audit_log(
    reader: &mut Reader,
    s3: &S3,
    adapter: Option<&Adapter>,
    data: Option<&Path>,
) -> Option<Option<Objects>> {
    let usual = if adapter == Some(&Adapter::Embedded) {
        "folder"
    } else {
        "none"
    };
    let wanted = choice(reader, "audit_log.adapter", &["none", "folder", "s3"], usual);
    let (folder, bucket) = (reader.path("audit_log.folder"), reader.text("audit_log.bucket"));
    let kms_key = reader.text("audit_log.kms_key");
    let mode = choice(
        reader,
        "audit_log.lock",
        &["compliance", "governance", "none"],
        "compliance",
    );
    let years = reader.number("audit_log.retention_years", 1..=100);
    let wanted = wanted?;
    for (key, given, of) in [
        ("audit_log.folder", folder.is_some(), "folder"),
        ("audit_log.bucket", bucket.is_some(), "s3"),
        ("audit_log.kms_key", kms_key.is_some(), "s3"),
    ] {
        if given && of != wanted {
            reader.refuse(key, format!("{key} is of use with audit_log.adapter = {of:?} alone"));
        }
    }
    if wanted == "none" {
        return Some(None);
    }
    let Some(data) = data else {
        let what = "data is missing: the key that signs the audit log's digests, and a copy of the newest, are kept in the data folder";
        reader.refuse("data", what);
        return None;
    };
    if wanted == "folder" {
        return Some(Some(Objects::Folder(folder.unwrap_or_else(|| data.join("audit")))));
    }
    let Some(bucket) = bucket else {
        reader.refuse(
            "audit_log.bucket",
            "audit_log.bucket is missing: where objects go, such as s3://acme-audit/log",
        );
        return None;
    };
    let years = years.unwrap_or(RETENTION_YEARS);
    let lock = match mode? {
        "compliance" => Some(LockMode::Compliance),
        "governance" => Some(LockMode::Governance),
        _ => None,
    };
    let lock = lock.map(|mode| Lock { mode, years });
    let bucket = s3.bucket(reader, "audit_log.bucket", &bucket, kms_key, lock)?;
    Some(Some(Objects::Bucket(bucket)))
}
