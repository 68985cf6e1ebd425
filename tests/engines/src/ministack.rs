//! ministack: DynamoDB with Streams, S3 and KMS over real HTTP, from PyPI, in a virtualenv of its own. It takes `python3` with `venv` and
//! `pip`, and the package index the first time.

use crate::{package, process};
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The package, with the versions whose behaviour is known.
const PACKAGE: &str = "ministack>=1.5,<1.6";
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Starts before it is given up: between finding a free port and using it, another process may take it.
const STARTS: usize = 5;

/// Ends with its standard input, so that it never outlives a test that was killed.
const RUN: &str = "
import os, sys, threading
def watch():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
sys.argv = ['ministack']
from ministack.app import main
main()
";

/// A running ministack with nothing in it. Ends when it is dropped.
#[derive(Debug)]
pub struct Ministack {
    child: Child,
    address: SocketAddr,
    /// What it writes, and its working folder.
    folder: tempfile::TempDir,
}

impl Ministack {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it cannot be installed or does not start; the message says what to do.
    pub fn start() -> Self {
        let python = package::fetched("ministack", PACKAGE, |folder| {
            package::virtualenv(folder, "ministack", PACKAGE)
        })
        .join("bin/python");
        for _ in 0..STARTS {
            if let Some(started) = Self::try_start(&python) {
                return started;
            }
        }
        panic!("ministack ended {STARTS} times before it answered; its output is above");
    }

    fn try_start(python: &Path) -> Option<Self> {
        let address = process::free_address();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a log file");
        let child = Command::new(python)
            .args(["-c", RUN])
            .current_dir(folder.path())
            .env("SERVICES", "dynamodb,dynamodbstreams,s3,kms")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", address.port().to_string())
            // Else it opens 8883 on all interfaces.
            .env("IOT_MTLS_ENABLED", "0")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("python3 of the virtualenv starts");
        let mut started = Self { child, address, folder };
        let log = started.folder.path().join("log");
        let log = || fs::read_to_string(&log).unwrap_or_default();
        match process::await_answer(&mut started.child, address, "/_ministack/health", PATIENCE, log) {
            Ok(()) => Some(started),
            Err(why) => {
                eprintln!("ministack: {why}");
                None
            }
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The variables that a program needs to speak to it: any credentials do.
    pub fn credentials(&self) -> [(&'static str, &'static str); 3] {
        [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            // No look at the network for the credentials of an instance.
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
    }

    /// Stops it where it stands, as a machine that hangs does; nothing answers until [`resume`](Self::resume).
    pub fn pause(&self) {
        process::signal(self.child.id(), "-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        process::signal(self.child.id(), "-CONT");
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
