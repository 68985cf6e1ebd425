//! What `Cargo.toml` says: the name of a crate, where its targets begin, and what its dependencies are called in its code.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A crate as its manifest describes it.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The folder, relative to the root.
    pub folder: PathBuf,
    /// The name of its library in code.
    pub library: String,
    /// Files that targets name as their root, relative to the root.
    pub roots: Vec<PathBuf>,
    /// Names in code that are not those of the package: name in code, package.
    pub renamed: BTreeMap<String, String>,
}

/// Reads a manifest; one without a package, or that cannot be read, describes no crate.
pub fn read(root: &Path, relative: &Path) -> Option<Manifest> {
    let value: toml::Value = std::fs::read_to_string(root.join(relative))
        .ok()?
        .parse::<toml::Table>()
        .ok()?
        .into();
    let folder = relative.parent().unwrap_or(Path::new("")).to_owned();
    let package = value.get("package")?.get("name")?.as_str()?;
    let mut manifest = Manifest {
        library: package.replace('-', "_"),
        folder,
        ..Manifest::default()
    };
    if let Some(library) = value.get("lib") {
        if let Some(name) = library.get("name").and_then(toml::Value::as_str) {
            manifest.library = name.replace('-', "_");
        }
        manifest.root(library);
    }
    for kind in ["bin", "test", "bench", "example"] {
        for target in value.get(kind).and_then(toml::Value::as_array).into_iter().flatten() {
            manifest.root(target);
        }
    }
    manifest.dependencies(&value);
    for target in value
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
    {
        manifest.dependencies(target.1);
    }
    Some(manifest)
}

/// Renames that a workspace's manifest gives its members.
pub fn workspace_renames(root: &Path, relative: &Path) -> BTreeMap<String, String> {
    let mut manifest = Manifest::default();
    if let Ok(text) = std::fs::read_to_string(root.join(relative))
        && let Ok(table) = text.parse::<toml::Table>()
        && let Some(workspace) = table.get("workspace")
    {
        manifest.dependencies(workspace);
    }
    manifest.renamed
}

impl Manifest {
    fn root(&mut self, target: &toml::Value) {
        if let Some(path) = target.get("path").and_then(toml::Value::as_str) {
            self.roots.push(normal(&self.folder.join(path)));
        }
    }

    fn dependencies(&mut self, of: &toml::Value) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, dependency) in of.get(kind).and_then(toml::Value::as_table).into_iter().flatten() {
                if let Some(package) = dependency.get("package").and_then(toml::Value::as_str) {
                    self.renamed.insert(name.replace('-', "_"), package.replace('-', "_"));
                }
            }
        }
    }
}

/// A path without `.` and `..`.
pub fn normal(path: &Path) -> PathBuf {
    let mut made = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                made.pop();
            }
            other => made.push(other),
        }
    }
    made
}
