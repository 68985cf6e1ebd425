//! The copy of the running digest that is kept outside of the store, so that who changes the store cannot change what it is compared with.

use crate::Error;
use headwater_objects::ObjectStore;

/// The name of the copy in its place.
pub(crate) fn copy(region: &str) -> String {
    format!("audit-head-{region}.json")
}

/// Reads the copy; `None` where none was ever written.
pub(crate) async fn read(outside: &dyn ObjectStore, region: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(outside.get(&copy(region)).await?.map(|bytes| bytes.to_vec()))
}
