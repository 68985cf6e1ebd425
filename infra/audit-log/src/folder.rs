//! Objects as files of a folder. A file is written aside, made durable and then given its name, so that a crash leaves no half of one.

use crate::{Error, ObjectStore, Put};
use async_trait::async_trait;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// What begins the names of files that have not got theirs yet.
const ASIDE: &str = ".new-";

/// A folder of objects; its files are 0600 and its folders 0700.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    aside: AtomicU64,
}

impl Folder {
    /// Objects below `path`, which is made when the first one is put.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            aside: AtomicU64::new(0),
        }
    }

    /// Writes beside the final name and gives the path.
    fn write(&self, folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let number = self.aside.fetch_add(1, Ordering::Relaxed);
        let aside = folder.join(format!("{ASIDE}{}-{number}", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&aside)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            });
        match written {
            Ok(()) => Ok(aside),
            Err(error) => {
                let _ = fs::remove_file(&aside);
                Err(error)
            }
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<Put> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        if path.exists() {
            return Ok(Put::Exists);
        }
        let aside = self.write(folder, bytes)?;
        // A link is refused where a file has the name; a rename would take its place.
        let linked = fs::hard_link(&aside, &path);
        fs::remove_file(&aside)?;
        match linked {
            Ok(()) => {
                self.sync_up(folder)?;
                Ok(Put::Stored)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::Exists),
            Err(error) => Err(error),
        }
    }

    fn put_over(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        let aside = self.write(folder, bytes)?;
        fs::rename(&aside, &path)?;
        self.sync_up(folder)
    }

    /// Makes the entries of a folder and of those above it last.
    fn sync_up(&self, folder: &Path) -> io::Result<()> {
        let mut at = folder;
        loop {
            File::open(at)?.sync_all()?;
            match at.parent() {
                Some(above) if at != self.path && above.starts_with(&self.path) => at = above,
                _ => return Ok(()),
            }
        }
    }

    fn names(&self, below: &Path, names: &mut Vec<String>) -> io::Result<()> {
        let entries = match fs::read_dir(below) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                self.names(&path, names)?;
            } else if let Ok(relative) = path.strip_prefix(&self.path)
                && !entry.file_name().to_string_lossy().starts_with(ASIDE)
            {
                names.push(relative.to_string_lossy().into_owned());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for Folder {
    async fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Put, Error> {
        self.put(name, bytes)
            .map_err(|error| Error::objects(format!("putting {name}"), error))
    }

    async fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.put_over(name, bytes)
            .map_err(|error| Error::objects(format!("putting {name}"), error))
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::objects(format!("reading {name}"), error)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut names = Vec::new();
        self.names(&self.path.join(folder), &mut names)
            .map_err(|error| Error::objects(format!("listing {prefix}"), error))?;
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        Ok(names)
    }
}
