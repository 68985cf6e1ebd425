//! `DIR`: keys, the lock that keeps a second engine out, and where the process that holds it can be reached.

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use headwater_tenancy::{DevelopmentKey, SealingKey};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Where the process that holds the folder listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) http: String,
    pub(crate) grpc: String,
    /// A tenant that it has, for tokens of the command line.
    #[serde(default)]
    pub(crate) tenant: Option<TenantId>,
}

/// The folder, held by this process alone until it is dropped.
pub(crate) struct DataFolder {
    path: PathBuf,
    lock: File,
}

/// Written once the first start is over: after the last sample, or when there shall be none. Keys are made long before that, so they
/// are no sign of it.
const SETTLED: &str = "settled";

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

impl DataFolder {
    /// Opens the folder, makes it if it is missing, and locks it.
    ///
    /// Fails when another process holds it, and says where that one is.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path.join("keys"))
            .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        for folder in [path.to_owned(), path.join("keys")] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        let lock = private().open(path.join("lock"))?;
        if is_locked(lock.try_lock())? {
            match holder(path) {
                Some(Holder { pid, http, .. }) => bail!(
                    "the data folder {} is in use by process {pid}, which listens on http://{http}; stop it or use another --data",
                    path.display()
                ),
                None => bail!(
                    "the data folder {} is in use by another process; stop it or use another --data",
                    path.display()
                ),
            }
        }
        lock.set_len(0)?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// Whether its first start is over.
    pub(crate) fn is_settled(&self) -> bool {
        self.path.join(SETTLED).exists()
    }

    /// Its first start is over.
    pub(crate) fn settle(&self) -> Result<()> {
        private().open(self.path.join(SETTLED))?.sync_all()?;
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells other processes where this one listens.
    pub(crate) fn announce(&mut self, holder: &Holder) -> Result<()> {
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(&serde_json::to_vec(holder)?)?;
        self.lock.flush()?;
        Ok(())
    }

    /// The key that signs development tokens, made on the first start.
    pub(crate) fn token_key(&self, runtime: &Runtime) -> Result<DevelopmentKey> {
        Ok(DevelopmentKey::new(key(&self.path, "token", Some(runtime))?))
    }

    /// The key that seals cursors and consistency tokens, made on the first start.
    pub(crate) fn sealing_key(&self, runtime: &Runtime) -> Result<SealingKey> {
        Ok(SealingKey::new(key(&self.path, "sealing", Some(runtime))?))
    }
}

/// The key that signs tokens, of a folder that exists.
pub(crate) fn token_key(path: &Path) -> Result<DevelopmentKey> {
    let secret = key(path, "token", None).with_context(|| {
        format!(
            "{} has no key to sign with; start `headwater dev` there first",
            path.display()
        )
    })?;
    Ok(DevelopmentKey::new(secret))
}

/// Who holds the folder now, if anybody does and has said so.
pub(crate) fn holder(path: &Path) -> Option<Holder> {
    let mut lock = File::open(path.join("lock")).ok()?;
    if !is_locked(lock.try_lock_shared()).ok()? {
        return None;
    }
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn is_locked(tried: std::result::Result<(), TryLockError>) -> std::io::Result<bool> {
    match tried {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A key that somebody else made: 32 bytes, or their hexadecimal or base64 text.
pub(crate) fn read_key(path: &Path) -> Result<[u8; 32]> {
    let bytes = fs::read(path).with_context(|| format!("cannot read the key {}", path.display()))?;
    if let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice()) {
        return Ok(key);
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim();
    let hexadecimal = || {
        let pairs = text
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        pairs.collect::<Option<Vec<u8>>>()
    };
    let decoded = hexadecimal().or_else(|| STANDARD.decode(text).ok());
    decoded.and_then(|bytes| bytes.try_into().ok()).with_context(|| {
        format!(
            "{} is no key of 32 bytes, nor their hexadecimal or base64 text; make one with: head -c 32 /dev/urandom > FILE",
            path.display()
        )
    })
}

/// Reads a key of 32 bytes, or makes it: written aside and renamed, so that a crash never leaves half a key.
fn key(folder: &Path, name: &str, make: Option<&Runtime>) -> Result<[u8; 32]> {
    let path = folder.join("keys").join(name);
    match fs::read(&path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| anyhow::anyhow!("{} is no key of 32 bytes; restore it", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let Some(runtime) = make else {
                bail!("{} does not exist", path.display())
            };
            let secret: [u8; 32] = runtime.random();
            let aside = path.with_extension("new");
            let mut file = private().open(&aside)?;
            file.set_len(0)?;
            file.write_all(&secret)?;
            file.sync_all()?;
            fs::rename(&aside, &path)?;
            File::open(folder.join("keys"))?.sync_all()?;
            Ok(secret)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_start_that_ended_early_is_not_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d");
        let first = DataFolder::open(&path).unwrap();
        first.token_key(&Runtime::tokio()).unwrap();
        // It had made its keys when its address turned out to be in use.
        drop(first);
        let second = DataFolder::open(&path).unwrap();
        assert!(!second.is_settled());
        second.settle().unwrap();
        drop(second);
        assert!(DataFolder::open(&path).unwrap().is_settled());
    }

    #[test]
    fn holders_of_before_are_understood() {
        let holder: Holder =
            serde_json::from_str(r#"{"pid":1,"http":"127.0.0.1:8080","grpc":"127.0.0.1:50051"}"#).unwrap();
        assert_eq!(holder.tenant, None);
    }
}
