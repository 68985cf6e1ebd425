//! What happens to an index's folder before it is opened, and the file operations that checkpoints share with it.

use super::directory::{CHECKPOINT, META, Segments, private};
use serde::Deserialize;
use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Holds the boot id under which `meta.json` was written.
const BOOT: &str = "boot";
/// tantivy's list of its files.
const MANAGED: &str = ".managed.json";

/// Brings a folder to a state that can be trusted: after a power cut the last checkpoint, or empty when there is none. Then removes files
/// that no commit names.
pub(super) fn recover(root: &Path) -> io::Result<()> {
    let boot = boot_id();
    let before = fs::read_to_string(root.join(BOOT)).ok();
    let same = boot.is_some() && before == boot;
    if !same {
        match fs::read(root.join(CHECKPOINT)) {
            Ok(meta) => {
                tracing::info!(index = %root.display(), "going back to the last checkpoint");
                replace(&root.join(META), &meta, true)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let _ = fs::remove_file(root.join(META));
            }
            Err(error) => return Err(error),
        }
    }
    sweep(root)?;
    if !same {
        sync_folder(root)?;
        replace(&root.join(BOOT), boot.unwrap_or_default().as_bytes(), true)?;
        sync_folder(root)?;
    }
    Ok(())
}

/// Removes what neither the last commit nor the checkpoint names, and tells tantivy of the rest.
fn sweep(root: &Path) -> io::Result<()> {
    let mut wanted = files_of(root, META)?;
    wanted.extend(files_of(root, CHECKPOINT)?);
    let mut managed = vec![PathBuf::from(META)];
    for entry in fs::read_dir(root)? {
        let name = PathBuf::from(entry?.file_name());
        if wanted.contains(&name) {
            managed.push(name);
        } else if is_segment_file(&name) {
            fs::remove_file(root.join(&name))?;
        }
    }
    replace(&root.join(MANAGED), &serde_json::to_vec(&managed)?, false)
}

/// A segment's file is called by the segment's id: 32 hexadecimal digits and a suffix.
fn is_segment_file(name: &Path) -> bool {
    let stem = name
        .to_str()
        .and_then(|name| name.split_once('.'))
        .map(|(stem, _)| stem);
    stem.is_some_and(|stem| stem.len() == 32 && stem.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The files in the folder that the commit in the file `meta` names; none when there is no such file.
pub(super) fn files_of(root: &Path, meta: &str) -> io::Result<HashSet<PathBuf>> {
    match fs::read(root.join(meta)) {
        Ok(meta) => files_in(&meta, root),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(error) => Err(error),
    }
}

/// The files in the folder that this commit names.
pub(super) fn files_in(meta: &[u8], root: &Path) -> io::Result<HashSet<PathBuf>> {
    #[derive(Deserialize)]
    struct Meta {
        segments: Vec<Segment>,
    }
    #[derive(Deserialize)]
    struct Segment {
        segment_id: String,
        deletes: Option<Deletes>,
    }
    #[derive(Deserialize)]
    struct Deletes {
        opstamp: u64,
    }
    let meta: Meta = serde_json::from_slice(meta)?;
    let id = |segment: &Segment| segment.segment_id.replace('-', "");
    let segments: Segments = meta
        .segments
        .iter()
        .map(|segment| (id(segment), segment.deletes.as_ref().map(|d| d.opstamp)))
        .collect();
    let mut files = HashSet::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let Some((stem, suffix)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        let Some(deletes) = segments.get(stem) else { continue };
        // Deletes are a file per commit that deleted, of which a commit needs its own.
        let wanted = match suffix.strip_suffix(".del") {
            Some(opstamp) => opstamp.parse().ok() == *deletes,
            None => true,
        };
        if wanted {
            files.insert(PathBuf::from(name));
        }
    }
    Ok(files)
}

/// Replaces a file in one step; with `sync`, its content is on the disk before it has its name.
pub(super) fn replace(path: &Path, content: &[u8], sync: bool) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&new)?;
    file.write_all(content)?;
    if sync {
        file.sync_data()?;
    }
    fs::rename(&new, path)
}

/// Syncs the names in a folder.
pub(super) fn sync_folder(root: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(root)?.sync_all()
    } else {
        Ok(())
    }
}

/// Makes a folder with mode 0700 where there are modes.
pub(super) fn make_private(root: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(root)
}

/// Another after each start of the kernel. None where it cannot be had: then every start is taken for one after a power cut.
fn boot_id() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .filter(|id| !id.trim().is_empty())
}
