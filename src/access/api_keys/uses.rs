//! When and from where keys were used, kept in memory until it is written down.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The row of a key is written to at most this often.
const WRITE_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The last use of a key.
pub(super) struct Use {
    pub at: DateTime<Utc>,
    pub address: String,
}

/// The last use of every key that was used since the last writing: as many as there are keys.
#[derive(Default)]
pub(super) struct Uses(Mutex<State>);

#[derive(Default)]
struct State {
    noted: HashMap<Uuid, Use>,
    written_at: Option<DateTime<Utc>>,
}

impl Uses {
    pub fn note(&self, key: Uuid, at: DateTime<Utc>, address: &str) {
        let mut state = self.lock();
        match state.noted.get_mut(&key) {
            Some(noted) if noted.at <= at => {
                noted.at = at;
                address.clone_into(&mut noted.address);
            }
            Some(_) => {}
            None => {
                let address = address.to_string();
                state.noted.insert(key, Use { at, address });
            }
        }
    }

    /// Whether it is time to write; if so, the next minute begins.
    pub fn are_due(&self, now: DateTime<Utc>) -> bool {
        let mut state = self.lock();
        let due = state.written_at.is_none_or(|at| now - at >= WRITE_EVERY);
        if due {
            state.written_at = Some(now);
        }
        due
    }

    pub fn take(&self) -> HashMap<Uuid, Use> {
        std::mem::take(&mut self.lock().noted)
    }

    /// Keeps what could not be written, unless a later use was noted meanwhile; tried again without waiting a minute.
    pub fn put_back(&self, unwritten: HashMap<Uuid, Use>) {
        let mut state = self.lock();
        state.written_at = None;
        for (key, used) in unwritten {
            state.noted.entry(key).or_insert(used);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
