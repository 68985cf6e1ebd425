//! `[export]`: where exports go, and how often they are made by themselves.

use super::{
    Role,
    objects::{Objects, S3},
    reader::Reader,
    stores::names,
};
use std::{collections::BTreeSet, time::Duration};

/// Where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    /// Where to.
    pub(crate) to: Objects,
    /// Without: when they are asked for alone.
    pub(crate) every: Option<Duration>,
}

/// Reads the section.
pub(super) fn export(reader: &mut Reader, s3: &S3, roles: &BTreeSet<Role>) -> Option<Export> {
    let to = reader.text("export.to");
    let kms_key = reader.text("export.kms_key");
    let every = reader.seconds("export.every_seconds", 1..=2_592_000);
    if every.is_some() && to.is_none() {
        let what = "export.to is missing: export.every_seconds says how often, and not where to";
        reader.refuse("export.to", what);
    }
    if to.is_some() && !roles.contains(&Role::Project) {
        let roles = names(roles);
        let what = format!(
            "exports are made by processes with the role project; this one has {roles}. Leave [export] out here"
        );
        reader.refuse("export.to", what);
    }
    let to = to?;
    let to = if to.starts_with("s3:") {
        Objects::Bucket(s3.bucket(reader, "export.to", &to, kms_key, None)?)
    } else {
        if kms_key.is_some() {
            let what = "export.kms_key is of use with a bucket in export.to alone, such as s3://acme-exports";
            reader.refuse("export.kms_key", what);
        }
        Objects::Folder(reader.as_path("export.to", to))
    };
    Some(Export { to, every })
}
