//! The sealing key of an installation, as far as this process sees it, and the keys that the issuer of tokens publishes.

use super::findings::Findings;
use crate::{
    config::{Auth, Config},
    data_folder::read_key,
};
use headwater_runtime::Runtime;
use headwater_tenancy::{PublishedKeys, SealingKey};
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

/// Whether tokens can be verified.
pub(super) async fn published(findings: &mut Findings, config: &Config, runtime: &Runtime) {
    const CHECK: &str = "jwks";
    let Auth::KeySet { place, issuer } = &config.auth else {
        return;
    };
    let found = match PublishedKeys::new(place.clone(), issuer.clone(), runtime.clone()) {
        Ok(keys) => keys.look().await.map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    match found {
        Ok(ids) => findings.ok(CHECK, format!("{place} has {} keys: {}", ids.len(), ids.join(", "))),
        Err(error) => findings.fail(CHECK, format!("{error:#}")),
    }
}
