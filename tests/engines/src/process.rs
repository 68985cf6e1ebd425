//! What all engines have in common: a process, an address, and a way to ask whether it answers.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

/// A script for `sh -c` that runs its arguments, notes their process id in the file `pid`, and ends them with its standard input, so that
/// they never outlive a test that was killed.
pub(crate) const TIED: &str = r#""$@" & node=$!; echo $node > pid; read -r _; kill -9 $node"#;

/// An address of this machine that nobody listens on now.
pub(crate) fn free_address() -> SocketAddr {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    free.local_addr().expect("its address")
}

/// The status that a GET is answered with; none when it is not answered.
pub(crate) fn ask(address: SocketAddr, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    // HTTP/1.0 200
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    std::str::from_utf8(&head[9..]).ok()?.parse().ok()
}

/// Waits until `path` is answered with 200; how it ended if it did instead.
///
/// # Panics
/// When it does neither within `patience`.
pub(crate) fn await_answer(
    child: &mut Child,
    address: SocketAddr,
    path: &str,
    patience: Duration,
    log: impl Fn() -> String,
) -> Result<(), String> {
    let since = Instant::now();
    while since.elapsed() < patience {
        if ask(address, path) == Some(200) {
            return Ok(());
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("it ended with {status}: {}", log()));
        }
        sleep(Duration::from_millis(25));
    }
    panic!("no answer from {address} within {patience:?}: {}", log());
}

/// Sends a signal such as `-STOP`.
pub(crate) fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill {signal}");
}
