//! `DIR`: keys, the lock that keeps a second engine out, and where the process that holds it can be reached.

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use headwater_audit_log::AuditKey;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use headwater_tenancy::{DevelopmentKey, SealingKey};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
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
        let make = || {
            let keys = path.join("keys");
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&keys)?;
            for folder in [path, &keys] {
                fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            }
            private().open(path.join("lock"))
        };
        let lock = make().map_err(|error| unusable(path, &error))?;
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
        let settle = || {
            private().open(self.path.join(SETTLED))?.sync_all()?;
            File::open(&self.path)?.sync_all()
        };
        settle().map_err(|error| unusable(&self.path, &error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells other processes where this one listens.
    pub(crate) fn announce(&mut self, holder: &Holder) -> Result<()> {
        let text = serde_json::to_vec(holder)?;
        let mut write = || {
            self.lock.set_len(0)?;
            self.lock.rewind()?;
            self.lock.write_all(&text)?;
            self.lock.flush()
        };
        write().map_err(|error| unusable(&self.path, &error))
    }

    /// The key that signs development tokens, made on the first start.
    pub(crate) fn token_key(&self, runtime: &Runtime) -> Result<DevelopmentKey> {
        Ok(DevelopmentKey::new(key(&self.path, "token", Some(runtime))?))
    }

    /// The key that signs the audit log's digests, made on the first start.
    pub(crate) fn audit_key(&self, runtime: &Runtime) -> Result<AuditKey> {
        Ok(AuditKey::new(key(&self.path, "audit", Some(runtime))?))
    }

    /// The key that seals cursors and consistency tokens, made on the first start.
    pub(crate) fn sealing_key(&self, runtime: &Runtime) -> Result<SealingKey> {
        Ok(SealingKey::new(key(&self.path, "sealing", Some(runtime))?))
    }
}

/// The key of a folder that signs the audit log's digests.
pub(crate) fn audit_key(path: &Path) -> Result<AuditKey> {
    let secret = key(path, "audit", None).with_context(|| {
        format!(
            "{} has no key of an audit log; name the data folder of the process that writes it with --data, or give --public-key",
            path.display()
        )
    })?;
    Ok(AuditKey::new(secret))
}

/// Why a data folder cannot be used, and what to do about it.
fn unusable(path: &Path, error: &io::Error) -> anyhow::Error {
    let shown = path.display();
    let what = if path.is_dir() { "written" } else { "made" };
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on its disk, or name another folder with --data"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands in its way; name a folder with --data"
        }
        io::ErrorKind::ReadOnlyFilesystem => "its disk is mounted to be read only; name another folder with --data",
        io::ErrorKind::PermissionDenied => {
            "give this user the right to write there, or name another folder with --data"
        }
        _ => "see to it, or name another folder with --data",
    };
    anyhow::anyhow!("the data folder {shown} cannot be {what}: {error}; {advice}")
}

/// Whether nothing was ever kept in the folder.
pub(crate) fn is_without_store(path: &Path) -> bool {
    fs::metadata(path.join("log.db")).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The key that signs tokens, of a folder that exists.
pub(crate) fn token_key(path: &Path) -> Result<DevelopmentKey> {
    let secret = key(path, "token", None).with_context(|| {
        format!(
            "{0} has no key to sign with; start `headwater dev --data {0}` first, or name the folder of a Headwater with --data",
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

fn is_locked(tried: std::result::Result<(), TryLockError>) -> io::Result<bool> {
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
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(runtime) = make else {
                bail!("{} does not exist", path.display())
            };
            let secret: [u8; 32] = runtime.random();
            let aside = path.with_extension("new");
            let write = || {
                let mut file = private().open(&aside)?;
                file.set_len(0)?;
                file.write_all(&secret)?;
                file.sync_all()?;
                fs::rename(&aside, &path)?;
                File::open(folder.join("keys"))?.sync_all()
            };
            write().map_err(|error| unusable(folder, &error))?;
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
    fn what_cannot_be_a_folder_says_its_path_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            let error = DataFolder::open(&path).err().unwrap().to_string();
            assert!(
                error.contains(path.to_str().unwrap()) && error.contains("--data"),
                "{error}"
            );
        }
        let full = unusable(folder.path(), &io::ErrorKind::StorageFull.into()).to_string();
        assert!(full.contains("make room"), "{full}");
        assert!(is_without_store(folder.path()) && is_without_store(&folder.path().join("none")));
    }

    #[test]
    fn holders_of_before_are_understood() {
        let holder: Holder =
            serde_json::from_str(r#"{"pid":1,"http":"127.0.0.1:8080","grpc":"127.0.0.1:50051"}"#).unwrap();
        assert_eq!(holder.tenant, None);
    }
}
