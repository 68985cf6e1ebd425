//! OpenSearch: a whole node of its [package], with nothing that a node on one machine does not need. It takes a JDK of 21 or newer, a 2.x one of
//! 11 to 23 (with 24 the security manager that it needs is gone). `OPENSEARCH_JAVA_HOME` says which, if the one that is found is not the right one.

mod package;

use crate::process;
use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// The versions of Java that it runs on, and those that its 2.x does.
const JAVA: RangeInclusive<u32> = 21..=u32::MAX;
const JAVA_OF_2: RangeInclusive<u32> = 11..=23;
/// What a node for tests is started with: little memory, and soon.
const SMALL: &[&str] = &["-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
/// With what one for measurements is: as an installation, with as much memory as they need.
const MEASURED: &[&str] = &[
    "-Xms1g",
    "-Xmx1g",
    "-XX:+UseG1GC",
    "-XX:G1ReservePercent=25",
    "-XX:InitiatingHeapOccupancyPercent=30",
];

const LOGGING: &str = "status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n%ex
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
";

/// A running node, with nothing in it at first. Ends when it is dropped, and its data with it.
#[derive(Debug)]
pub struct OpenSearch {
    /// The shell that the node ends with; none while it is killed.
    child: Option<Child>,
    home: PathBuf,
    java: PathBuf,
    options: &'static [&'static str],
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl OpenSearch {
    /// Starts one and waits until it answers: some seconds.
    ///
    /// # Panics
    /// When it cannot be fetched or does not start; the message says what to do.
    pub fn start() -> Self {
        Self::at(process::free_address(), SMALL)
    }

    /// Starts one as an installation does, to measure it.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_to_measure() -> Self {
        Self::at(process::free_address(), MEASURED)
    }

    /// Starts one on this port of this machine.
    ///
    /// # Panics
    /// As [`start`](Self::start), and when somebody has the port.
    pub fn start_at(port: u16) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, port).into(), SMALL)
    }

    fn at(address: SocketAddr, options: &'static [&'static str]) -> Self {
        let home = package::home();
        let java = java(if agent(&home).exists() { JAVA } else { JAVA_OF_2 });
        let mut node = Self {
            child: None,
            home,
            java,
            options,
            address,
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        node.configure();
        node.restart();
        node
    }

    fn configure(&self) {
        let folder = self.folder.path();
        for name in ["config", "data", "logs", "tmp"] {
            fs::create_dir(folder.join(name)).expect("a folder of the node");
        }
        let settings = format!(
            "cluster.name: headwater-tests\nnode.name: one\nnetwork.host: 127.0.0.1\nhttp.port: {}\ntransport.port: 0\n\
             discovery.type: single-node\npath.data: {}\npath.logs: {}\ncluster.routing.allocation.disk.threshold_enabled: false\n",
            self.address.port(),
            folder.join("data").display(),
            folder.join("logs").display(),
        );
        fs::write(folder.join("config/opensearch.yml"), settings).expect("its settings");
        fs::write(folder.join("config/log4j2.properties"), LOGGING).expect("its settings");
    }

    /// Starts it again where it was, with the data that it had, after [`kill`](Self::kill).
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        let (folder, home) = (self.folder.path(), self.home.display());
        let log = File::create(folder.join("logs/out")).expect("a log file");
        let mut command = Command::new("sh");
        command
            .args(["-c", process::TIED, "sh"])
            .arg(self.java.join("bin/java"))
            .args(self.options);
        if agent(&self.home).exists() {
            command.arg(format!("-javaagent:{}", agent(&self.home).display()));
            command.arg("--enable-native-access=ALL-UNNAMED");
        } else {
            command.arg("-Djava.security.manager=allow");
        }
        command.arg(format!("-Djava.io.tmpdir={}", folder.join("tmp").display()));
        command.args(["-Dlog4j2.disable.jmx=true", "-Dlog4j.shutdownHookEnabled=false"]);
        // It refuses to run as root where it can ask the system through JNA; without JNA it cannot ask.
        command.args(["-Djna.nosys=true", "-Djna.noclasspath=true"]);
        command.arg(format!("-Dopensearch.path.home={home}"));
        command.arg(format!("-Dopensearch.path.conf={}", folder.join("config").display()));
        command.args(["-cp", &format!("{home}/lib/*"), "org.opensearch.bootstrap.OpenSearch"]);
        command.current_dir(folder).stdin(Stdio::piped());
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let mut child = command.spawn().expect("sh starts");
        let said = || fs::read_to_string(folder.join("logs/out")).unwrap_or_default();
        let path = "/_cluster/health?wait_for_status=yellow&timeout=1s";
        if let Err(why) = process::await_answer(&mut child, self.address, path, PATIENCE, said) {
            panic!("OpenSearch: {why}");
        }
        self.child = Some(child);
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it where it stands, as a machine that hangs does; nothing answers until [`resume`](Self::resume).
    pub fn pause(&self) {
        process::signal(self.pid(), "-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        process::signal(self.pid(), "-CONT");
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            process::signal(self.pid(), "-KILL");
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }

    fn pid(&self) -> u32 {
        let pid = fs::read_to_string(self.folder.path().join("pid")).expect("the node's process id");
        pid.trim().parse().expect("a number")
    }
}

impl Drop for OpenSearch {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What takes the place of the security manager from 3.0 on.
fn agent(home: &Path) -> PathBuf {
    home.join("agent/opensearch-agent.jar")
}

/// The folder of a JDK of one of these versions.
fn java(versions: RangeInclusive<u32>) -> PathBuf {
    let named = ["OPENSEARCH_JAVA_HOME", "JAVA_HOME"].map(|name| env::var_os(name).map(PathBuf::from));
    let installed = fs::read_dir("/usr/lib/jvm")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut candidates = named.into_iter().flatten().chain(installed);
    let found = candidates.find(|home| version(home).is_some_and(|version| versions.contains(&version)));
    found.unwrap_or_else(|| {
        panic!(
            "a JDK of {} or newer{} is needed for tests against OpenSearch; set OPENSEARCH_JAVA_HOME to its folder",
            versions.start(),
            if *versions.end() == u32::MAX {
                String::new()
            } else {
                format!(", up to {},", versions.end())
            }
        )
    })
}

/// Of a JDK, as its `release` file says.
fn version(home: &Path) -> Option<u32> {
    let release = fs::read_to_string(home.join("release")).ok()?;
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    version.split(['.', '"', '-', '+']).next()?.parse().ok()
}
