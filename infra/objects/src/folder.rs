//! Objects as files of a folder. A file is written beside its name, made durable and then given it: by a rename, or where there is to be none by a
//! link, which is refused where the name is taken. Names that begin with a dot are unfinished files; engines that list a folder pass over
//! them.

use crate::{Error, ObjectStore, Put};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// What begins the names of unfinished files.
const UNFINISHED: &str = ".unfinished-";
/// Tells unfinished files of this process apart.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A folder, made with the first file. Folders are 0700 and files 0600.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Does blocking work away from the threads that serve.
    async fn work<T: Send + 'static>(
        &self,
        doing: &str,
        name: &str,
        work: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (root, path) = (self.root.clone(), self.root.join(name));
        let what = || format!("{doing} {}", path.display());
        if name.starts_with('/') || name.split('/').any(|part| part.starts_with('.')) {
            return Err(Error::refused(what(), "this is no name for an object"));
        }
        let at = path.clone();
        let done = tokio::task::spawn_blocking(move || work(&root, &at)).await;
        let done = done.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
        done.map_err(|source| Error::unavailable(what(), source))
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
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let unfinished = folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
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
    // After a rename it is gone already; what cannot be removed is in nobody's way.
    let _ = fs::remove_file(&unfinished);
    written?;
    File::open(folder)?.sync_all()
}

fn read(path: &Path) -> io::Result<Option<Bytes>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(|bytes| Some(bytes.into())),
    }
}

fn list(root: &Path, folder: &Path, found: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            list(root, &path, found)?;
        } else if !entry.file_name().to_string_lossy().starts_with('.')
            && let Ok(name) = path.strip_prefix(root)
        {
            found.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[async_trait]
impl ObjectStore for Folder {
    async fn put_new(&self, name: &str, bytes: Bytes) -> Result<Put, Error> {
        let put = move |_: &Path, path: &Path| match write(path, &bytes, |from, to| fs::hard_link(from, to)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(match read(path)? {
                Some(there) if there == bytes => Put::Stored,
                _ => Put::Taken,
            }),
            written => written.map(|()| Put::Stored),
        };
        self.work("putting", name, put).await
    }

    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        let put = move |_: &Path, path: &Path| write(path, &bytes, |from, to| fs::rename(from, to));
        self.work("putting", name, put).await
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.work("reading", name, |_, path| read(path)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let all = |root: &Path, folder: &Path| {
            let mut found = Vec::new();
            list(root, folder, &mut found)?;
            Ok(found)
        };
        let mut found = self.work("listing", folder, all).await?;
        found.retain(|name| name.starts_with(prefix));
        found.sort_unstable();
        Ok(found)
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        let delete = |_: &Path, path: &Path| match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            deleted => {
                deleted?;
                File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
            }
        };
        self.work("removing", name, delete).await
    }
}
