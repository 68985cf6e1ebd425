//! What a process opens once and everybody uses: the stores of generations, by name.

use headwater_runtime::Runtime;
use std::{
    collections::HashMap,
    fmt::Display,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Stores that are open, by name.
pub(crate) struct Opened<K, S: ?Sized>(Mutex<HashMap<K, Arc<S>>>);

impl<K, S: ?Sized> Default for Opened<K, S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone + Display, S: ?Sized> Opened<K, S> {
    fn all(&self) -> MutexGuard<'_, HashMap<K, Arc<S>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one of a name, opened if it is not open yet.
    pub(crate) fn get<E>(&self, name: &K, open: impl FnOnce() -> Result<Arc<S>, E>) -> Result<Arc<S>, E> {
        let mut opened = self.all();
        if let Some(store) = opened.get(name) {
            return Ok(Arc::clone(store));
        }
        let store = open()?;
        opened.insert(name.clone(), Arc::clone(&store));
        Ok(store)
    }

    /// Closes one once nobody uses it any more; what is wrong when somebody does for too long.
    pub(crate) async fn close(&self, name: &K, runtime: &Runtime) -> Result<(), String> {
        let Some(store) = self.all().remove(name) else {
            return Ok(());
        };
        for _ in 0..100 {
            if Arc::strong_count(&store) == 1 {
                return Ok(());
            }
            runtime.sleep(Duration::from_millis(50)).await;
        }
        self.all().insert(name.clone(), store);
        Err(format!("{name} is still in use"))
    }
}
