//! `[audit_log]`: where every event is written down for auditors.

use super::{Adapter, reader::Reader, stores::choice};
use std::path::{Path, PathBuf};

/// Reads the section; the folder, unless there is to be no audit log.
pub(super) fn audit_log(
    reader: &mut Reader,
    adapter: Option<&Adapter>,
    data: Option<&Path>,
) -> Option<Option<PathBuf>> {
    let usual = if adapter == Some(&Adapter::Embedded) {
        "folder"
    } else {
        "none"
    };
    let wanted = choice(reader, "audit_log.adapter", &["none", "folder"], usual);
    let folder = reader.path("audit_log.folder");
    if wanted? == "none" {
        if folder.is_some() {
            let what = "audit_log.folder is of use with audit_log.adapter = \"folder\" alone";
            reader.refuse("audit_log.folder", what);
        }
        return Some(None);
    }
    let Some(data) = data else {
        let what = "data is missing: the key that signs the audit log's digests, and a copy of the newest, are kept in the data folder";
        reader.refuse("data", what);
        return None;
    };
    Some(Some(folder.unwrap_or_else(|| data.join("audit"))))
}
