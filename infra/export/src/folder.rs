//! A destination in the file system. Files are written beside their names, synced, and then take them: `rename` for any, `link` for new ones,
//! which fails where the name is taken. Names that begin with a dot are unfinished files; engines that list a folder pass over them.

use crate::{Error, Store};
use async_trait::async_trait;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A folder, made with the first file. Folders are 0700 and files 0600.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

/// Tells unfinished files of this process apart.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

impl Folder {
    /// The folder at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Does blocking work away from the threads that serve.
    async fn work<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (root, path) = (self.root.clone(), self.root.join(path));
        let of = path.clone();
        let done = tokio::task::spawn_blocking(move || work(&root, &path)).await;
        let done = done.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
        done.map_err(|source| Error::Destination { path: of, source })
    }
}

/// Makes a folder and those above it, each synced into the one above.
fn make(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make(above)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes a file beside its name and gives it the name.
fn write(path: &Path, bytes: &[u8], name: impl FnOnce(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make(folder)?;
    let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
    let unfinished = folder.join(format!(".unfinished-{}-{number}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        name(&unfinished, path)
    })();
    // After `rename` it is gone already; what cannot be removed is in nobody's way.
    let _ = fs::remove_file(&unfinished);
    written?;
    File::open(folder)?.sync_all()
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}

#[async_trait]
impl Store for Folder {
    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.work(path, move |_, path| {
            write(path, &bytes, |from, to| fs::rename(from, to))
        })
        .await
    }

    async fn put_new(&self, path: &str, bytes: Vec<u8>) -> Result<bool, Error> {
        let put = move |_: &Path, path: &Path| match write(path, &bytes, |from, to| fs::hard_link(from, to)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            written => written.map(|()| true),
        };
        self.work(path, put).await
    }

    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let get = |_: &Path, path: &Path| match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        };
        self.work(path, get).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let all = |root: &Path, folder: &Path| {
            let mut found = Vec::new();
            list(folder, &mut found)?;
            let below = |path: PathBuf| Some(path.strip_prefix(root).ok()?.to_str()?.to_owned());
            let mut found: Vec<String> = found.into_iter().filter_map(below).collect();
            found.sort_unstable();
            Ok(found)
        };
        self.work(folder, all).await
    }

    async fn delete(&self, path: &str) -> Result<(), Error> {
        let delete = |_: &Path, path: &Path| match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            deleted => deleted,
        };
        self.work(path, delete).await
    }
}
