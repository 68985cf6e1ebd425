//! A process of the binary: started, asked, ended by signals.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The binary, without variables of whoever runs the tests.
pub(crate) fn headwater() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HEADWATER_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A `serve` that has started.
pub(crate) struct Serve {
    child: Child,
    /// What it says, read as it comes: a pipe that nobody reads is soon full, and then the process waits.
    errors: Option<thread::JoinHandle<String>>,
    pub(crate) http: String,
    /// Host and port.
    #[allow(dead_code, reason = "the tests of operating share this, and use it")]
    pub(crate) grpc: String,
    pub(crate) metrics: String,
}

impl Serve {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(config: &Path, environment: &[(&str, &str)]) -> Self {
        let mut child = Self::spawn(config, environment);
        let mut errors = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut said = String::new();
            errors.read_to_string(&mut said).unwrap();
            said
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut http, mut grpc) = (None, None);
        let metrics = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (name, address) = line.trim().split_once("  ")?;
            match name {
                "HTTP" => http = Some(address.to_owned()),
                "gRPC" => grpc = Some(address.trim().to_owned()),
                "metrics" => return Some(address.trim_end_matches("/metrics").to_owned()),
                _ => {}
            }
            None
        });
        let Some(metrics) = metrics else {
            panic!("it ended before it was ready: {}", errors.join().unwrap());
        };
        thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            errors: Some(errors),
            http: http.unwrap(),
            grpc: grpc.unwrap(),
            metrics,
        }
    }

    /// Starts it without waiting for anything.
    pub(crate) fn spawn(config: &Path, environment: &[(&str, &str)]) -> Child {
        headwater()
            .args(["serve", "--config"])
            .arg(config)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        send(&self.child, signal);
    }

    /// Sends SIGTERM and waits; how it ended, after how long, and what it said.
    pub(crate) fn terminate(self) -> (ExitStatus, Duration, String) {
        self.signal("-TERM");
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> (ExitStatus, Duration, String) {
        let since = Instant::now();
        let status = end_of(&mut self.child);
        let took = since.elapsed();
        let errors = self.errors.take().map(|errors| errors.join().unwrap());
        (status, took, errors.unwrap_or_default())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn send(child: &Child, signal: &str) {
    assert!(
        Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// Waits for the end of a process, for a minute at most.
pub(crate) fn end_of(child: &mut Child) -> ExitStatus {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    panic!("it did not end within a minute");
}

/// A client with a bearer token.
pub(crate) struct Client {
    client: reqwest::Client,
    token: String,
}

impl Client {
    pub(crate) fn new(token: &str) -> Self {
        headwater_runtime::tls::use_ring();
        Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            token: token.to_owned(),
        }
    }

    pub(crate) async fn get(&self, url: &str, consistency: Option<&str>) -> (u16, Value) {
        let mut request = self.client.get(url).bearer_auth(&self.token);
        if let Some(token) = consistency {
            request = request
                .header("Headwater-Consistency", token)
                .header("Headwater-Wait", "9s");
        }
        answer(request).await
    }

    pub(crate) async fn post(&self, url: &str, body: &Value) -> (u16, Value) {
        answer(self.client.post(url).bearer_auth(&self.token).json(body)).await
    }

    /// A stream of events.
    pub(crate) async fn events(&self, url: &str) -> Events {
        let response = self.client.get(url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        Events {
            response,
            text: String::new(),
        }
    }

    /// Waits until `/readyz` of this address says so, for half a minute at most: after its start a process still finds its shards and
    /// catches up.
    pub(crate) async fn until_ready(&self, url: &str) {
        let since = Instant::now();
        loop {
            let (status, why) = self.text(&format!("{url}/readyz")).await;
            if status == 200 {
                assert_eq!(why, "ready");
                return;
            }
            assert!(since.elapsed() < Duration::from_secs(30), "not ready: {why}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The status and text of an answer, without a token.
    pub(crate) async fn text(&self, url: &str) -> (u16, String) {
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

/// Server-sent events as they come.
pub(crate) struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    /// The next one's data; waits a minute at most.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data: String = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
                self.text = rest.to_owned();
                if let Ok(data) = serde_json::from_str(data.trim()) {
                    return data;
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.response.chunk()).await;
            let chunk = chunk.expect("nothing came for a minute").unwrap();
            self.text
                .push_str(std::str::from_utf8(&chunk.expect("the stream ended")).unwrap());
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}
