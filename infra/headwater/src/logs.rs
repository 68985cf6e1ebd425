//! What the process logs, and how: to stderr, in colours on a terminal alone.

use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

/// Always in force, unless HEADWATER_LOG names the same target. The SDK tells of each connection that it gives up, which on a full disk of
/// the embedded engine is thousands a minute, and the engine tells of that disk itself; tantivy's warnings are about its own files, which
/// it mends.
const QUIET: &str = "aws_smithy_runtime::client::http::connection_poisoning=off,tantivy=error";
/// When HEADWATER_LOG says nothing.
const USUAL: &str = "warn";

/// Begins to log.
#[allow(clippy::print_stderr, reason = "nothing can be logged yet")]
pub(crate) fn begin() {
    let wanted = std::env::var("HEADWATER_LOG").ok();
    let filter = filter(wanted.as_deref()).unwrap_or_else(|error| {
        eprintln!(
            "headwater: HEADWATER_LOG cannot be read ({error}); it is such as info, or warn,headwater_projectors=debug"
        );
        EnvFilter::new(format!("{QUIET},{USUAL}"))
    });
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal() && !plain)
        .with_writer(stderr)
        .init();
}

/// What is asked for, over what is quiet by default. Of two directives for one target the last counts.
fn filter(wanted: Option<&str>) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let wanted = wanted.map(str::trim).filter(|wanted| !wanted.is_empty());
    EnvFilter::try_new(format!("{QUIET},{}", wanted.unwrap_or(USUAL)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(wanted: Option<&str>) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter(wanted).unwrap())
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "aws_smithy_runtime::client::http::connection_poisoning", "poisoned");
            tracing::warn!(target: "tantivy::directory", "locked");
            tracing::info!(target: "headwater", "informed");
            tracing::warn!(target: "headwater", "warned");
        });
        let lines = lines.0.lock().unwrap();
        String::from_utf8(lines.clone()).unwrap()
    }

    #[test]
    fn libraries_are_quiet_unless_they_are_asked_for() {
        let has = |wanted, word: &str| logged(wanted).contains(word);
        for quiet in [None, Some(""), Some("warn"), Some("info")] {
            assert!(!has(quiet, "poisoned") && !has(quiet, "locked"), "{quiet:?}");
            assert!(has(quiet, "warned"), "{quiet:?}");
        }
        assert!(has(Some("info"), "informed") && !has(None, "informed"));
        assert!(has(Some("info,tantivy=warn"), "locked"));
        let poisoning = "aws_smithy_runtime::client::http::connection_poisoning=warn";
        assert!(has(Some(poisoning), "poisoned"));
        assert!(filter(Some("=,=")).is_err());
    }
}
