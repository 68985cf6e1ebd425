//! An installation on ministack: what its processes share, and the configuration of each.

use crate::issuer::{AUDIENCE, ISSUER, Issuer};
use headwater_engines::Ministack;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

pub(crate) struct Installation {
    pub(crate) ministack: Ministack,
    pub(crate) issuer: Issuer,
    pub(crate) folder: tempfile::TempDir,
}

impl Installation {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        secret(&folder.path().join("sealing.key"), &[7; 32]);
        Self {
            ministack: Ministack::start(),
            issuer: Issuer::new(),
            folder,
        }
    }

    /// Writes the configuration of one process; `more` comes first.
    pub(crate) fn config(&self, name: &str, more: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let text = format!(
            r#"{more}
http = "127.0.0.1:0"
grpc = "127.0.0.1:0"
metrics = "127.0.0.1:0"
keys.sealing_file = "sealing.key"
auth.public_keys = ["{key}"]
auth.issuer = "{ISSUER}"
auth.audience = "{AUDIENCE}"
dynamodb.region = "us-east-1"
dynamodb.endpoint = "{endpoint}"
dynamodb.table_prefix = "test-"
projector.pace_ms = 20
"#,
            key = self.issuer.public_key(),
            endpoint = self.ministack.endpoint(),
        );
        fs::write(&path, text).unwrap();
        path
    }
}

/// Writes a file that its owner alone may read.
pub(crate) fn secret(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
