//! What a brake remembers of each key, for a bounded number of keys.
//!
//! Danger: strangers make up the keys. When there is no room, one more costs no more than any other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::StateStore;

use super::throttle::Ticks;

/// More keys than this count as one, until some of the others are at rest.
pub(super) const MANY: usize = 10_000;
/// Looking for keys at rest reads all of them, so it is done once in this time at most.
const SWEEP: Nanos = Nanos::new(1_000_000_000);

/// The state of each key: when all its tries will have come back, as governor's algorithm wants it. Clones share it.
#[derive(Clone)]
pub(super) struct Counts {
    ticks: Ticks,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    of_each: HashMap<String, Nanos>,
    /// Of all keys for which there is no room.
    of_others: Option<Nanos>,
    swept_at: Option<Nanos>,
}

impl Counts {
    pub fn new(ticks: Ticks) -> Counts {
        Counts { ticks, kept: Arc::default() }
    }

    /// When all tries of a key will have come back; `None` if none was taken.
    pub fn rests_at(&self, key: &str) -> Option<Nanos> {
        let kept = self.lock();
        let has_none = kept.of_each.len() >= MANY && !kept.of_each.contains_key(key);
        match has_none {
            true => kept.of_others,
            false => kept.of_each.get(key).copied(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Whether a key has a state of its own, or gets one.
    fn has_room(&mut self, key: &str, now: Nanos) -> bool {
        if self.of_each.len() < MANY || self.of_each.contains_key(key) {
            return true;
        }
        if self.swept_at.is_none_or(|at| at + SWEEP <= now) {
            self.swept_at = Some(now);
            self.of_each.retain(|_, rests_at| *rests_at > now);
        }
        self.of_each.len() < MANY
    }
}

impl StateStore for Counts {
    type Key = String;

    fn measure_and_replace<T, F, E>(&self, key: &String, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let now = self.ticks.now();
        let mut kept = self.lock();
        if kept.has_room(key, now) {
            let (outcome, next) = measure(kept.of_each.get(key).copied())?;
            kept.of_each.insert(key.clone(), next);
            Ok(outcome)
        } else {
            let (outcome, next) = measure(kept.of_others)?;
            kept.of_others = Some(next);
            Ok(outcome)
        }
    }
}
