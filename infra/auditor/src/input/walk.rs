//! Finds the files of a folder, in an order that is always the same. What cannot be read is noted, and the rest goes on.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The largest file that is read, bytes: beyond it is generated code or data.
pub const LARGEST: u64 = 8 * 1024 * 1024;

/// Folders that hold what others wrote or what a build made.
const SKIPPED: &[&str] = &[
    "target",
    ".git",
    "node_modules",
    ".cargo",
    ".hg",
    ".svn",
    ".terraform",
    "cdk.out",
];

/// A file that was not audited, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Unread {
    /// Where, relative to the root.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Found {
    /// Rust files, relative to the root.
    pub sources: Vec<PathBuf>,
    /// `Cargo.toml` files, relative to the root.
    pub manifests: Vec<PathBuf>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Walks `root`. Symbolic links are followed once; one that leads into a folder being walked, or out of the root, is not.
pub fn walk(root: &Path) -> Found {
    let mut found = Found::default();
    if root.is_file() {
        found.sources.push(PathBuf::new());
        return found;
    }
    let mut seen = BTreeSet::new();
    let canonical = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let here = root.join(&folder);
        match fs::canonicalize(&here) {
            Ok(real) => {
                if !real.starts_with(&canonical) || !seen.insert(real) {
                    continue;
                }
            }
            Err(error) => {
                found.note(&folder, &error);
                continue;
            }
        }
        let ignored = ignored(&here);
        let entries = match fs::read_dir(&here) {
            Ok(entries) => entries,
            Err(error) => {
                found.note(&folder, &error);
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    found.note(&folder, &error);
                    continue;
                }
            };
            let name = entry.file_name();
            let relative = folder.join(&name);
            let Ok(kind) = fs::metadata(entry.path()) else {
                // A link that leads nowhere, or in a circle: only one that looks like source is worth a word.
                if relative.extension().is_some_and(|extension| extension == "rs") {
                    found.unread.push(Unread {
                        file: shown(&relative),
                        reason: "a link that leads nowhere".into(),
                    });
                }
                continue;
            };
            let name = name.to_string_lossy();
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_ref()) && !ignored.contains(name.as_ref()) {
                    open.push(relative);
                }
            } else if name == "Cargo.toml" {
                found.manifests.push(relative);
            } else if name.ends_with(".rs") && kind.is_file() {
                if kind.len() > LARGEST {
                    found.unread.push(Unread {
                        file: shown(&relative),
                        reason: format!("larger than {} MiB", LARGEST >> 20),
                    });
                } else {
                    found.sources.push(relative);
                }
            }
        }
    }
    found.sources.sort();
    found.manifests.sort();
    found.unread.sort();
    found
}

impl Found {
    fn note(&mut self, folder: &Path, error: &std::io::Error) {
        self.unread.push(Unread {
            file: shown(folder),
            reason: error.kind().to_string(),
        });
    }
}

/// Folders that the `.gitignore` beside them names outright (`/out`, `dist/`); patterns are not read, since a file too many costs less than one too few.
fn ignored(folder: &Path) -> BTreeSet<String> {
    let Ok(text) = fs::read_to_string(folder.join(".gitignore")) else {
        return BTreeSet::new();
    };
    text.lines()
        .map(str::trim)
        .filter(|line| line.starts_with('/') && !line.contains(['*', '?', '[']))
        .map(|line| line.trim_matches('/').to_owned())
        .filter(|name| !name.contains('/') && !name.is_empty() && name != "src")
        .collect()
}

/// A relative path as it is shown, with `/` on every system.
pub fn shown(path: &Path) -> String {
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.is_empty() { ".".into() } else { parts.join("/") }
}
