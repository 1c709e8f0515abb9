//! Values that are read from the database and kept in memory for seconds, because every call needs them.
//!
//! Rule: a value is fresh for [`SOFT`]; then one caller reads it again while others still get the old one; none is ever
//! given out that is older than [`HARD`]. A change that [`super::ChangeListener`] reports drops it at once. The age counts
//! from the moment before the reading, and what was being read when the change came is not kept.
//!
//! Danger: what does not exist is not kept, or made-up keys would fill the cache.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::Unavailable;
use crate::clock::Clock;

/// How long a value is given out without a second look.
pub const SOFT: Duration = Duration::from_secs(3);

/// The age at which a value is never used any more.
pub const HARD: Duration = Duration::from_secs(5);

/// A bounded cache of values by key. Clones share it; `V` is cheap to clone.
pub struct Cache<K, V> {
    slots: Arc<Mutex<HashMap<K, Slot<V>>>>,
    clock: Clock,
    most: usize,
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Cache { slots: Arc::clone(&self.slots), clock: self.clock.clone(), most: self.most }
    }
}

struct Slot<V> {
    value: Option<Entry<V>>,
    /// There was a value once: the key is not a made-up one.
    was_found: bool,
    /// Moves when the value is dropped, so that what was being read then is not kept.
    changes: u64,
    /// Moves when reading fails, so that who waited for it fails with it.
    failures: u64,
    /// Held while the value is read.
    lock: Arc<AsyncMutex<()>>,
}

struct Entry<V> {
    value: V,
    /// When its reading began, see [`Clock::steady`].
    read_at: Duration,
}

/// The right to read a value, which one caller at a time has.
struct Load {
    changes: u64,
    started: Duration,
    lock: OwnedMutexGuard<()>,
}

/// What a caller finds.
enum Lookup<V> {
    Value(V),
    MustLoad(Load),
    /// The caller that was reading failed.
    Failed,
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq,
    V: Clone,
{
    /// A cache of at most `most` values.
    pub fn new(clock: &Clock, most: usize) -> Self {
        Cache { slots: Arc::default(), clock: clock.clone(), most: most.max(1) }
    }

    /// The value of a key: the kept one, or what `read` brings; `None` if there is none. While reading fails, a value
    /// that is young enough is still given out. Who waits for another's reading fails with it: to try one after the
    /// other would take the time limit of the database each time.
    pub async fn get<Q, E>(&self, key: &Q, read: impl AsyncFnOnce() -> Result<Option<V>, E>) -> Result<Option<V>, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        E: From<Unavailable>,
    {
        if let Some(value) = self.younger_than(SOFT, key) {
            return Ok(Some(value));
        }
        // Boxed, because most calls find the value: their futures need no room for a query.
        Box::pin(self.load(key, read)).await
    }

    async fn load<Q, E>(&self, key: &Q, read: impl AsyncFnOnce() -> Result<Option<V>, E>) -> Result<Option<V>, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        E: From<Unavailable>,
    {
        let load = match self.value_or_lock(key).await {
            Lookup::Value(value) => return Ok(Some(value)),
            Lookup::MustLoad(load) => load,
            Lookup::Failed => return Err(Unavailable::Elsewhere.into()),
        };
        match read().await {
            Ok(value) => {
                self.keep(key, value.clone(), load);
                Ok(value)
            }
            Err(error) => {
                self.note_failure(key);
                self.younger_than(HARD, key).map(Some).ok_or(error)
            }
        }
    }

    /// Whether the value of a key was found before, however old it is now or whether it was forgotten. Those that have
    /// no value for long may be taken for new.
    pub fn has_found<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lock().get(key).is_some_and(|slot| slot.was_found)
    }

    /// Forgets the value of a key.
    pub fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(slot) = self.lock().get_mut(key) {
            slot.drop_value();
        }
    }

    /// Forgets the values that `is_changed` picks out; what is being read just now is not kept either, for it may be
    /// one.
    pub fn forget_where(&self, is_changed: impl Fn(&V) -> bool) {
        for slot in self.lock().values_mut() {
            if slot.value.as_ref().is_none_or(|kept| is_changed(&kept.value)) {
                slot.drop_value();
            }
        }
    }

    /// Forgets all values.
    pub fn clear(&self) {
        self.forget_where(|_| true);
    }

    fn younger_than<Q>(&self, age: Duration, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = self.clock.steady();
        let slots = self.lock();
        let kept = slots.get(key)?.value.as_ref()?;
        (now.saturating_sub(kept.read_at) < age).then(|| kept.value.clone())
    }

    /// Waits for the right to read, unless the old value is good enough or another task has stored a new one meanwhile.
    async fn value_or_lock<Q>(&self, key: &Q) -> Lookup<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let lock = self.lock_of(key);
        let failures = self.failures(key);
        let lock = match Arc::clone(&lock).try_lock_owned() {
            Ok(lock) => lock,
            Err(_) => match self.younger_than(HARD, key) {
                Some(value) => return Lookup::Value(value),
                None => lock.lock_owned().await,
            },
        };
        match self.younger_than(SOFT, key) {
            Some(value) => Lookup::Value(value),
            None if self.failures(key) != failures => Lookup::Failed,
            None => Lookup::MustLoad(Load {
                changes: self.lock().get(key).map_or(0, |slot| slot.changes),
                started: self.clock.steady(),
                lock,
            }),
        }
    }

    fn failures<Q>(&self, key: &Q) -> u64
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lock().get(key).map_or(0, |slot| slot.failures)
    }

    fn note_failure<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(slot) = self.lock().get_mut(key) {
            slot.failures += 1;
        }
    }

    fn lock_of<Q>(&self, key: &Q) -> Arc<AsyncMutex<()>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(key) {
            return Arc::clone(&slot.lock);
        }
        self.make_room(&mut slots);
        let slot = slots.entry(key.to_owned()).or_insert_with(Slot::empty);
        Arc::clone(&slot.lock)
    }

    /// Drops what is too old, and anything at all if that is not enough.
    fn make_room(&self, slots: &mut HashMap<K, Slot<V>>) {
        if slots.len() < self.most {
            return;
        }
        let now = self.clock.steady();
        let is_useful = |slot: &Slot<V>| {
            let kept = slot.value.as_ref();
            kept.is_some_and(|kept| now.saturating_sub(kept.read_at) < HARD)
        };
        slots.retain(|_, slot| is_useful(slot));
        let mut over = (slots.len() + 1).saturating_sub(self.most);
        slots.retain(|_, _| {
            let goes = over > 0;
            over = over.saturating_sub(1);
            !goes
        });
    }

    /// Keeps what was read, unless it changed meanwhile or its slot had to make room.
    fn keep<Q>(&self, key: &Q, value: Option<V>, load: Load)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut slots = self.lock();
        let Some(slot) = slots.get_mut(key) else {
            return;
        };
        let is_same = Arc::ptr_eq(&slot.lock, OwnedMutexGuard::mutex(&load.lock));
        match value {
            _ if !is_same || slot.changes != load.changes => {}
            Some(value) => {
                slot.was_found = true;
                slot.value = Some(Entry { value, read_at: load.started });
            }
            None => _ = slots.remove(key),
        }
    }

    /// A panic elsewhere leaves the map whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Slot<V>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Slot<V> {
    fn empty() -> Self {
        Slot { value: None, was_found: false, changes: 0, failures: 0, lock: Arc::default() }
    }

    fn drop_value(&mut self) {
        self.value = None;
        self.changes += 1;
    }
}

#[cfg(test)]
mod tests;
