//! ministack: DynamoDB with Streams, S3 and KMS over real HTTP, from PyPI, in a virtualenv of its own under `target/engines`.
//!
//! The virtualenv is made once; a file lock keeps tests that run at the same time from making it twice. It takes `python3` with `venv` and
//! `pip`, and the package index the first time. Where that is missing the test fails and says so: it is never skipped.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a real process in real time; the first start takes a while and says why"
)]

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
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
        let python = install();
        for _ in 0..STARTS {
            if let Some(started) = Self::try_start(&python) {
                return started;
            }
        }
        panic!("ministack ended {STARTS} times before it answered; its output is above");
    }

    fn try_start(python: &Path) -> Option<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
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
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if started.answers() {
                return Some(started);
            }
            if let Ok(Some(status)) = started.child.try_wait() {
                eprintln!("ministack ended with {status}: {}", started.log());
                return None;
            }
            sleep(Duration::from_millis(25));
        }
        panic!("ministack did not answer within {PATIENCE:?}: {}", started.log());
    }

    /// Whether it answers HTTP.
    fn answers(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(1))?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(b"GET /_ministack/health HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            let mut head = [0; 5];
            stream.read_exact(&mut head)?;
            Ok::<_, std::io::Error>(head)
        };
        ask().is_ok_and(|head| &head == b"HTTP/")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
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
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal}");
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python of the virtualenv, which is made if it is missing.
fn install() -> PathBuf {
    let target = std::env::current_exe().expect("the path of this program");
    // target/<profile>/deps/<test>
    let target = target.ancestors().nth(3).expect("a test runs in the target folder");
    let folder = target.join("engines/ministack");
    fs::create_dir_all(&folder).expect("a folder for engines");
    let lock = File::create(folder.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let (python, done) = (folder.join("venv/bin/python"), folder.join("installed"));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == PACKAGE) && python.exists() {
        return python;
    }
    eprintln!("installing {PACKAGE} into {}", folder.display());
    let _ = fs::remove_dir_all(folder.join("venv"));
    run(
        Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")),
        "python3 with venv is needed for tests against ministack (Debian: apt-get install python3-venv)",
    );
    run(
        Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PACKAGE,
        ]),
        "pip could not install ministack; it needs the package index, the first time",
    );
    fs::write(&done, PACKAGE).expect("a note of what is installed");
    python
}

fn run(command: &mut Command, otherwise: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{otherwise}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{otherwise}: {error}"),
    }
}
