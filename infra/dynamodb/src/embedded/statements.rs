//! Which of the engine's SQL statements are compiled to nothing or refused. SQLite asks its authorizer about each as it is prepared.

use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// What the engine's statements may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    /// Anything.
    Plain,
    /// `BEGIN`, `COMMIT` and `ROLLBACK` do nothing.
    InsideTransaction,
    /// Counting fails: describing a table would read all of it to count its items. The engine then leaves the figures out.
    Uncounted,
}

/// The mode of one connection. Set and read on its thread alone; atomic because the authorizer must be `Send`.
pub(super) struct Statements(Arc<AtomicU8>);

impl Statements {
    /// Puts the authorizer into a connection.
    pub(super) fn install(connection: &Connection) -> Self {
        let mode = Arc::new(AtomicU8::new(Mode::Plain as u8));
        let current = mode.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            let mode = current.load(Ordering::Relaxed);
            match context.action {
                AuthAction::Transaction { .. } if mode == Mode::InsideTransaction as u8 => Authorization::Ignore,
                AuthAction::Function { function_name: "count" } if mode == Mode::Uncounted as u8 => Authorization::Deny,
                _ => Authorization::Allow,
            }
        }));
        Self(mode)
    }

    /// Sets the mode. Statements prepared earlier are not affected.
    pub(super) fn set(&self, mode: Mode) {
        self.0.store(mode as u8, Ordering::Relaxed);
    }
}
