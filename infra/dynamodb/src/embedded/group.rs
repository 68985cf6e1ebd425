//! One SQLite transaction for all writes of a group, so that a page many of them touch is written to the log once.
//!
//! The engine opens and commits a transaction of its own for each request, and SQLite has no transactions within transactions. But its
//! authorizer may say of a `BEGIN`, `COMMIT` or `ROLLBACK` that it be compiled to nothing. So while a request runs inside a group these
//! three do nothing, and the request stands in a savepoint that is released or rolled back by its result: the same atomicity, one level up.

use super::statements::{Mode, Statements};
use dynoxide::DynoxideError;
use rusqlite::Connection;
use std::cell::Cell;

/// The transaction of the group that is being run, if any of it has written.
pub(super) struct Group {
    statements: Statements,
    open: Cell<bool>,
    /// The transaction is lost, and with it every write of this group.
    lost: Cell<bool>,
    /// Commits that failed one after the other.
    failures: Cell<u64>,
}

impl Group {
    /// Prepares a connection.
    pub(super) fn install(connection: &Connection) -> Self {
        Self {
            statements: Statements::install(connection),
            open: Cell::new(false),
            lost: Cell::new(false),
            failures: Cell::new(0),
        }
    }

    /// Runs a request whose writes become part of the group, all of them or, on an error, none.
    pub(super) fn write<T>(
        &self,
        connection: &Connection,
        run: impl FnOnce() -> Result<T, DynoxideError>,
    ) -> Result<T, DynoxideError> {
        if self.lost.get() {
            return Err(lost());
        }
        if !self.open.get() {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            self.open.set(true);
        }
        execute(connection, "SAVEPOINT request")?;
        self.statements.set(Mode::InsideTransaction);
        let result = run();
        self.statements.set(Mode::Plain);
        if connection.is_autocommit() {
            // A full disk or a failed write makes SQLite roll back all of it by itself.
            self.open.set(false);
            self.lost.set(true);
            return Err(result.err().unwrap_or_else(lost));
        }
        if result.is_err() {
            execute(connection, "ROLLBACK TO request")?;
        }
        execute(connection, "RELEASE request")?;
        result
    }

    /// Runs a request that keeps its own transactions, after what the group has written so far.
    pub(super) fn alone<T>(
        &self,
        connection: &Connection,
        run: impl FnOnce() -> Result<T, DynoxideError>,
    ) -> Result<T, DynoxideError> {
        self.commit(connection);
        if self.lost.get() { Err(lost()) } else { run() }
    }

    /// Runs a request without its counting of items.
    pub(super) fn uncounted<T>(&self, run: impl FnOnce() -> Result<T, DynoxideError>) -> Result<T, DynoxideError> {
        self.statements.set(Mode::Uncounted);
        let result = run();
        self.statements.set(Mode::Plain);
        result
    }

    /// Undoes what a request did that ended in a panic.
    pub(super) fn recover(&self, connection: &Connection) {
        self.statements.set(Mode::Plain);
        let undone = match (self.open.get(), connection.is_autocommit()) {
            (true, false) => connection.execute_batch("ROLLBACK TO request; RELEASE request"),
            (false, false) => connection.execute_batch("ROLLBACK"),
            (true, true) => {
                self.open.set(false);
                self.lost.set(true);
                Ok(())
            }
            (false, true) => Ok(()),
        };
        if let Err(error) = undone {
            tracing::error!(%error, "a request that panicked cannot be undone; its group is given up");
            self.lost.set(true);
        }
    }

    /// Commits what the group has written, if it has.
    fn commit(&self, connection: &Connection) {
        if self.open.replace(false) {
            match connection.execute_batch("COMMIT") {
                Ok(()) => self.went_through(),
                Err(error) => {
                    self.went_wrong(&error);
                    self.lost.set(true);
                }
            }
        }
        if !connection.is_autocommit() {
            // A commit that failed for want of space leaves the transaction open.
            let rolled_back = connection.execute_batch("ROLLBACK");
            tracing::error!(?rolled_back, "an open transaction was rolled back");
        }
    }

    /// A full disk fails every commit until there is room, hundreds a second: the log tells of the first, the second, the fourth and so on.
    fn went_wrong(&self, error: &rusqlite::Error) {
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        if failures.is_power_of_two() {
            tracing::error!(%error, failures, "a group's commit failed; its writes are undone");
        }
    }

    fn went_through(&self) {
        let failures = self.failures.replace(0);
        if failures > 0 {
            tracing::info!(failures, "writes go through again");
        }
    }

    /// Ends the group. False: its writes are undone, and nothing it was asked may be answered as done.
    pub(super) fn end(&self, connection: &Connection) -> bool {
        self.commit(connection);
        !self.lost.replace(false)
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn lost() -> DynoxideError {
    DynoxideError::InternalServerError("the group this request was part of could not be written".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap()
    }

    /// What the engine does for a request.
    fn request(connection: &Connection, value: i64, fails: bool) -> Result<(), DynoxideError> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute("INSERT INTO t VALUES (?1)", [value])?;
        if fails {
            connection.execute_batch("ROLLBACK")?;
            return Err(DynoxideError::ConditionalCheckFailedException("no".to_owned(), None));
        }
        connection.execute_batch("COMMIT")?;
        Ok(())
    }

    #[test]
    fn a_failed_request_leaves_nothing_and_its_neighbours_stay() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (v)").unwrap();
        let group = Group::install(&connection);
        group.write(&connection, || request(&connection, 1, false)).unwrap();
        group.write(&connection, || request(&connection, 2, true)).unwrap_err();
        group.write(&connection, || request(&connection, 3, false)).unwrap();
        assert!(
            !connection.is_autocommit(),
            "nothing is committed before the group ends"
        );
        assert!(group.end(&connection));
        assert!(connection.is_autocommit());
        assert_eq!(count(&connection), 2);
    }

    #[test]
    fn a_lost_transaction_fails_the_whole_group_and_only_it() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (v)").unwrap();
        let group = Group::install(&connection);
        group.write(&connection, || request(&connection, 1, false)).unwrap();
        // SQLite's own rollback, as on a full disk.
        let gone = group.write(&connection, || {
            connection.execute("INSERT OR ROLLBACK INTO t SELECT 1 / (SELECT 0) WHERE 0", [])?;
            group.statements.set(Mode::Plain);
            connection.execute_batch("ROLLBACK")?;
            Err::<(), _>(DynoxideError::InternalServerError("disk full".to_owned()))
        });
        assert!(gone.is_err());
        assert!(group.write(&connection, || request(&connection, 2, false)).is_err());
        assert!(!group.end(&connection));
        assert_eq!(count(&connection), 0);
        group.write(&connection, || request(&connection, 3, false)).unwrap();
        assert!(group.end(&connection));
        assert_eq!(count(&connection), 1);
    }

    #[test]
    fn a_panic_is_undone() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (v)").unwrap();
        let group = Group::install(&connection);
        group.write(&connection, || request(&connection, 1, false)).unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = group.write(&connection, || -> Result<(), DynoxideError> {
                request(&connection, 2, false)?;
                panic!("in the engine")
            });
        }));
        assert!(panicked.is_err());
        group.recover(&connection);
        group.write(&connection, || request(&connection, 3, false)).unwrap();
        assert!(group.end(&connection));
        assert_eq!(count(&connection), 2);
    }

    #[test]
    fn a_request_on_its_own_commits_what_came_before() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (v)").unwrap();
        let group = Group::install(&connection);
        group.write(&connection, || request(&connection, 1, false)).unwrap();
        group.alone(&connection, || request(&connection, 2, true)).unwrap_err();
        assert!(connection.is_autocommit());
        assert_eq!(count(&connection), 1);
    }
}
