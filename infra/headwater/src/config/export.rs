//! `[export]`: where exports go, and how often they are made by themselves.

use super::{Role, reader::Reader, stores::names};
use std::{collections::BTreeSet, path::PathBuf, time::Duration};

/// Where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    /// The folder.
    pub(crate) to: PathBuf,
    /// Without: when they are asked for alone.
    pub(crate) every: Option<Duration>,
}

/// Reads the section.
pub(super) fn export(reader: &mut Reader, roles: &BTreeSet<Role>) -> Option<Export> {
    let to = reader.path("export.to");
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
    to.map(|to| Export { to, every })
}
