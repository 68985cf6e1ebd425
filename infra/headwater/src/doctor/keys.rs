//! The sealing key of an installation, as far as this process sees it.

use super::findings::Findings;
use crate::{config::Config, data_folder::read_key};
use headwater_tenancy::SealingKey;
use std::{fs, os::unix::fs::PermissionsExt};

/// The key of the configuration's file; a data folder's own is looked at with the folder.
pub(super) fn sealing(findings: &mut Findings, config: &Config) -> Option<SealingKey> {
    const CHECK: &str = "sealing key";
    let path = config.sealing_file.as_deref()?;
    let key = match read_key(path) {
        Ok(key) => SealingKey::new(key),
        Err(error) => {
            findings.fail(CHECK, format!("{error:#}"));
            return None;
        }
    };
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    let shown = path.display();
    if mode & 0o077 == 0 {
        findings.ok(CHECK, format!("{shown} can be read"));
    } else {
        findings.warn(
            CHECK,
            format!("{shown} has mode {mode:04o}, so that others can read or change it; chmod 600 {shown}"),
        );
    }
    Some(key)
}
