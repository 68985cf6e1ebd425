//! The port.

use crate::Error;
use async_trait::async_trait;
use bytes::Bytes;

/// What became of an object that was put where there was to be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there, and lasts; maybe since an earlier call.
    Stored,
    /// There is another one of this name; it is as it was.
    Taken,
}

/// A place for objects by name. Names are relative paths of ASCII letters, digits and `=-_.~` with `/` between their parts, of at most 900 bytes,
/// and no part is empty or begins with a dot.
///
/// Every adapter holds to this:
/// - An object is there whole or not at all, also after a crash; once a call has returned, its effect lasts.
/// - Of several that are put as new ones under one name at once, one is stored.
/// - Who lists or gets after a call has returned sees its effect.
/// - No call blocks the async runtime.
#[async_trait]
pub trait ObjectStore: Send + Sync + 'static {
    /// Puts an object unless there is another of this name. Asking again after an error is right.
    ///
    /// # Errors
    /// As classified.
    async fn put_new(&self, name: &str, bytes: Bytes) -> Result<Put, Error>;

    /// Puts an object, in the place of one of this name if there is one. Readers see the one or the other.
    ///
    /// # Errors
    /// As classified.
    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), Error>;

    /// An object; none when there is none.
    ///
    /// # Errors
    /// As classified.
    async fn get(&self, name: &str) -> Result<Option<Bytes>, Error>;

    /// The names of all objects that begin with `prefix`, in the order of their bytes.
    ///
    /// # Errors
    /// As classified.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error>;

    /// Removes an object; nothing happens when there is none.
    ///
    /// # Errors
    /// As classified.
    async fn delete(&self, name: &str) -> Result<(), Error>;
}
