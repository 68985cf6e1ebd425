//! Where objects are put.

use crate::Error;
use async_trait::async_trait;

/// What became of an object that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there now, and lasts.
    Stored,
    /// There was one of this name; it is as it was.
    Exists,
}

/// A place for objects by name. Names are relative paths of letters, digits and `=-_./`.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Puts an object unless there is one of this name. An object is there whole or not at all.
    ///
    /// # Errors
    /// [`Error::Objects`]
    async fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Put, Error>;

    /// Puts an object in the place of one of this name. Readers see the one or the other.
    ///
    /// # Errors
    /// [`Error::Objects`]
    async fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error>;

    /// An object; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Objects`]
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The names of all objects that begin so, in their order.
    ///
    /// # Errors
    /// [`Error::Objects`]
    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error>;
}
