//! DuckDB, from PyPI, in a virtualenv of its own: what reads exports in tests as Athena would. It takes `python3` with `venv` and `pip`, and the
//! package index the first time.

use crate::package;
use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The package, with the versions whose behaviour is known.
const PACKAGE: &str = "duckdb>=1.4,<2";

/// Runs statements from standard input and prints the rows of the last one, a line of JSON each.
const RUN: &str = "
import duckdb, json, sys
connection = duckdb.connect()
for statement in duckdb.extract_statements(sys.stdin.read()):
    answer = connection.execute(statement)
names = [column[0] for column in answer.description]
for row in answer.fetchall():
    print(json.dumps(dict(zip(names, row)), default=str))
";

/// DuckDB in memory.
#[derive(Debug)]
pub struct DuckDb {
    python: PathBuf,
}

impl DuckDb {
    /// One that is ready.
    ///
    /// # Panics
    /// When it cannot be installed; the message says what to do.
    pub fn new() -> Self {
        let folder = package::fetched("duckdb", PACKAGE, |folder| {
            package::virtualenv(folder, "duckdb", PACKAGE)
        });
        Self {
            python: folder.join("bin/python"),
        }
    }

    /// Runs statements one after the other, from nothing, and answers the rows of the last one: an object in JSON each.
    ///
    /// # Errors
    /// What DuckDB says to the one that it refuses.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn query(&self, statements: &str) -> Result<Vec<String>, String> {
        let mut child = Command::new(&self.python)
            .args(["-c", RUN])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python3 of the virtualenv starts");
        let mut input = child.stdin.take().expect("its input");
        input
            .write_all(statements.as_bytes())
            .expect("it reads its input first");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let rows = String::from_utf8(output.stdout).expect("JSON");
        Ok(rows.lines().map(str::to_owned).collect())
    }
}

impl Default for DuckDb {
    fn default() -> Self {
        Self::new()
    }
}
