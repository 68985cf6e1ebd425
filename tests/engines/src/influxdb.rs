//! InfluxDB 1.6 as Debian packages it: the one binary, unpacked and not installed. It takes `apt-get` and `dpkg`, and the package index the
//! first time.

use crate::{package, process};
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The package; Debian and Ubuntu have had this one version for years.
const PACKAGE: &str = "influxdb";
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Starts before it is given up: between finding a free port and using it, another process may take it.
const STARTS: usize = 5;

/// A running server, with nothing in it at first. Ends when it is dropped, and its data with it.
#[derive(Debug)]
pub struct InfluxDb {
    /// The shell that the server ends with; none while it is killed.
    child: Option<Child>,
    program: PathBuf,
    address: SocketAddr,
    folder: tempfile::TempDir,
    /// More settings of the section `[data]`, as TOML.
    data: &'static str,
}

impl InfluxDb {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it cannot be fetched or does not start; the message says what to do.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same with more settings of the section `[data]`, such as `max-values-per-tag = 3`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_with(data: &'static str) -> Self {
        let content = package::fetched("influxdb", PACKAGE, fetch);
        let mut server = Self {
            child: None,
            program: content.join("usr/bin/influxd"),
            address: process::free_address(),
            folder: tempfile::tempdir().expect("a temporary folder"),
            data,
        };
        for _ in 0..STARTS {
            match server.try_start() {
                Ok(()) => return server,
                Err(why) => eprintln!("influxd: {why}"),
            }
            server.address = process::free_address();
        }
        panic!("influxd ended {STARTS} times before it answered; its output is above");
    }

    /// Starts it again where it was, with the data that it had, after [`kill`](Self::kill).
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        if let Err(why) = self.try_start() {
            panic!("influxd: {why}");
        }
    }

    fn try_start(&mut self) -> Result<(), String> {
        let folder = self.folder.path();
        let path = |name: &str| folder.join(name).display().to_string();
        let settings = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:0\"\n[meta]\ndir = \"{}\"\n\
             [data]\ndir = \"{}\"\nwal-dir = \"{}\"\nquery-log-enabled = false\n{}\n\
             [http]\nbind-address = \"{}\"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n",
            path("meta"),
            path("data"),
            path("wal"),
            self.data,
            self.address,
        );
        fs::write(folder.join("influxdb.conf"), settings).expect("its settings");
        let log = File::create(folder.join("out")).expect("a log file");
        let mut command = Command::new("sh");
        command.args(["-c", process::TIED, "sh"]).arg(&self.program);
        command.args(["-config", "influxdb.conf"]).current_dir(folder);
        command.stdin(Stdio::piped());
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let mut child = command.spawn().expect("sh starts");
        let said = || fs::read_to_string(folder.join("out")).unwrap_or_default();
        process::await_answer(&mut child, self.address, "/query?q=SHOW%20DATABASES", PATIENCE, said)?;
        self.child = Some(child);
        Ok(())
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its data is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = fs::read_to_string(self.folder.path().join("pid")).expect("the server's process id");
            process::signal(pid.trim().parse().expect("a number"), "-KILL");
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

impl Drop for InfluxDb {
    fn drop(&mut self) {
        self.kill();
    }
}

fn fetch(folder: &PathBuf) {
    let beside: &Path = folder.parent().expect("the folder of the engine");
    package::run(
        Command::new("apt-get").args(["download", PACKAGE]).current_dir(beside),
        "apt-get could not fetch influxdb for tests against InfluxDB; it needs Debian's or Ubuntu's package index (apt-get update)",
    );
    let fetched = fs::read_dir(beside).expect("the folder of the engine").flatten();
    let archive = fetched
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .expect("the archive that was fetched");
    package::run(
        Command::new("dpkg").arg("-x").args([&archive, folder]),
        "dpkg is needed for tests against InfluxDB",
    );
}
