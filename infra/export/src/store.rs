//! Where exports go: what a destination has to do. Small on purpose, so that a bucket does for it as a folder does.

use crate::Error;
use async_trait::async_trait;

/// A destination. Paths have `/` between their parts and no leading one.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Keeps an object, in place of one of that name. It is whole and durable once this has returned, and until then there is none of it.
    ///
    /// # Errors
    /// [`Error::Destination`].
    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), Error>;

    /// The same if there is no object of that name; answers whether it was put. Of several at once one alone is.
    ///
    /// # Errors
    /// [`Error::Destination`].
    async fn put_new(&self, path: &str, bytes: Vec<u8>) -> Result<bool, Error>;

    /// An object's bytes; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Destination`].
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The paths of all objects below a folder, sorted; none when there is no such folder.
    ///
    /// # Errors
    /// [`Error::Destination`].
    async fn list(&self, folder: &str) -> Result<Vec<String>, Error>;

    /// Deletes an object, if it is there.
    ///
    /// # Errors
    /// [`Error::Destination`].
    async fn delete(&self, path: &str) -> Result<(), Error>;
}
