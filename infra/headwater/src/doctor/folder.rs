//! The data folder: who has it, who can read it, and whether the disk has room.

use super::findings::Findings;
use crate::data_folder::{Holder, holder};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const MIB: u64 = 1 << 20;
/// Less than this is worth a word.
const SCARCE: u64 = 1_024 * MIB;
/// Less than this, and the next merge of an index or write-ahead log may not fit.
const FULL: u64 = 100 * MIB;

/// Looks at the folder; the process that has it open, if one has.
pub(super) fn check(findings: &mut Findings, data: &Path) -> Option<Holder> {
    const CHECK: &str = "data folder";
    let shown = data.display();
    if !data.exists() {
        can_be_made(findings, CHECK, data);
        return None;
    }
    let holder = holder(data);
    match &holder {
        Some(Holder { pid, http, .. }) => {
            findings.ok(CHECK, format!("{shown} is in use by process {pid}, on http://{http}"))
        }
        None => findings.ok(CHECK, format!("{shown} is not in use")),
    }
    let mut open = Vec::new();
    match others_can_read(data, &mut open) {
        Ok(()) if open.is_empty() => findings.ok("file modes", "only the owner can read the data folder"),
        Ok(()) => findings.warn(
            "file modes",
            format!(
                "{} of the data folder can be read by others, such as {}; chmod -R go= {shown}",
                open.len(),
                open[0].display()
            ),
        ),
        Err(error) => findings.fail(
            "file modes",
            format!("{shown} cannot be read: {error}; run this as its owner"),
        ),
    }
    space(findings, data);
    holder
}

/// Collects what others can read or change.
fn others_can_read(path: &Path, open: &mut Vec<PathBuf>) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        // A running process removes files of its index.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if metadata.is_symlink() {
        return Ok(());
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        open.push(path.to_owned());
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            others_can_read(&entry?.path(), open)?;
        }
    }
    Ok(())
}

fn space(findings: &mut Findings, path: &Path) {
    let free = match rustix::fs::statvfs(path) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return findings.warn("disk", format!("its free space cannot be read: {error}")),
    };
    let found = format!("{} MiB free at {}", free / MIB, path.display());
    match free {
        ..FULL => findings.fail("disk", format!("{found}; make room")),
        FULL..SCARCE => findings.warn("disk", format!("{found}; make room soon")),
        _ => findings.ok("disk", found),
    }
}

/// Whether a folder exists and can be written, or can be made where it is to be.
pub(super) fn can_be_made(findings: &mut Findings, check: &str, folder: &Path) {
    let shown = folder.display();
    let existing = folder
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("."));
    match tempfile::tempfile_in(existing) {
        Ok(_) if existing == folder => findings.ok(check, format!("{shown} can be written")),
        Ok(_) => findings.ok(check, format!("{shown} is made at the first start")),
        Err(error) => findings.fail(
            check,
            format!(
                "{shown} cannot be written: {error} in {}; give this user the right to",
                existing.display()
            ),
        ),
    }
    if existing != folder {
        space(findings, existing);
    }
}
