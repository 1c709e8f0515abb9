//! Bodies of answers: laid out for a page by few at a time, and kept for whoever has asked for them, in memory, for
//! some minutes.
//!
//! Rule: nothing of an answer is written anywhere. Only the person who ran the endpoint gets its answer, by an address
//! that nobody can guess, and as an answer of the connector whose endpoint it was: the right to call that one is asked
//! for. Danger: memory; all bodies together are limited, by the memory for bodies, and the oldest go first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::connectors::ConnectorId;
use crate::web::{Budget, Error, Held};

/// How long a body is kept.
const KEPT: TimeDelta = TimeDelta::minutes(10);

/// How many there are of one person.
const MOST_OF_ONE: usize = 3;

/// How many bodies are masked and laid out at a time. Each takes several times its size of memory, and a core.
const LAID_OUT_AT_ONCE: usize = 2;

/// Process-wide. Clones share what they keep.
#[derive(Clone)]
pub struct RunBodies {
    bodies: Arc<Mutex<VecDeque<KeptBody>>>,
    budget: Arc<Budget>,
    layouts: Arc<Semaphore>,
}

struct KeptBody {
    key: String,
    origin: Origin,
    until: DateTime<Utc>,
    body: Arc<Download>,
    /// Counts the body for as long as it is kept.
    _held: Held,
}

/// Who has run an endpoint, and whose it was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub person: Uuid,
    pub connector: ConnectorId,
}

/// A file for a person to keep.
pub(super) struct Download {
    pub bytes: Vec<u8>,
    pub content_type: &'static str,
    pub file_name: String,
}

impl RunBodies {
    /// Keeps bodies within this memory.
    pub fn new(budget: Arc<Budget>) -> RunBodies {
        RunBodies { bodies: Arc::default(), budget, layouts: Arc::new(Semaphore::new(LAID_OUT_AT_ONCE)) }
    }

    /// Runs what masks and lays out a body on a thread that serves no requests; waits while too many are being laid
    /// out.
    pub(super) async fn lay_out<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.layouts).acquire_owned().await;
        let permit = permit.map_err(Error::internal)?;
        // The permit goes with the work: whoever waits may go away, but the thread works on.
        let done = web::block(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(Error::internal)
    }

    /// Keeps a body; gives the part of its address that nobody can guess. `None` if there is no room even without the
    /// others.
    pub(super) fn keep(&self, origin: Origin, now: DateTime<Utc>, body: Download) -> Option<String> {
        let key = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let mut bodies = self.lock();
        bodies.retain(|kept| kept.until > now);
        let is_theirs = |kept: &KeptBody| kept.origin.person == origin.person;
        while bodies.iter().filter(|kept| is_theirs(kept)).count() >= MOST_OF_ONE {
            if let Some(oldest) = bodies.iter().position(is_theirs) {
                bodies.remove(oldest);
            }
        }
        let mut held = Held::of(&self.budget);
        while held.cover(body.bytes.len()).is_err() {
            bodies.pop_front()?;
        }
        bodies.push_back(KeptBody { key: key.clone(), origin, until: now + KEPT, body: Arc::new(body), _held: held });
        Some(key)
    }

    /// A body that this person got from this connector, if it is still there.
    pub(super) fn find(&self, origin: Origin, now: DateTime<Utc>, key: &str) -> Option<Arc<Download>> {
        let mut bodies = self.lock();
        bodies.retain(|kept| kept.until > now);
        let found = bodies.iter().find(|kept| kept.key == key && kept.origin == origin);
        found.map(|kept| Arc::clone(&kept.body))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<KeptBody>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(size: usize) -> Download {
        Download { bytes: vec![0; size], content_type: "text/plain", file_name: "a.txt".into() }
    }

    fn memory(size: usize) -> RunBodies {
        RunBodies::new(Budget::new(size))
    }

    fn run_by(person: u128, connector: u128) -> Origin {
        Origin { person: Uuid::from_u128(person), connector: Uuid::from_u128(connector) }
    }

    #[test]
    fn a_body_is_there_for_its_person_and_connector_for_ten_minutes() {
        let (bodies, ana, ben) = (memory(1_000_000), run_by(1, 9), run_by(2, 9));
        let now = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let key = bodies.keep(ana, now, body(10)).expect("room");
        assert!(bodies.find(ana, now, &key).is_some());
        assert!(bodies.find(ben, now, &key).is_none());
        assert!(bodies.find(run_by(1, 8), now, &key).is_none());
        assert!(bodies.find(ana, now, "another").is_none());
        assert!(bodies.find(ana, now + TimeDelta::minutes(11), &key).is_none());
    }

    #[test]
    fn bodies_do_not_fill_the_memory() {
        let largest = 64 * 1024 * 1024;
        let bodies = memory(largest);
        let now = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let size = 10 * 1024 * 1024;
        let keys: Vec<(Origin, String)> = (0..20)
            .map(|number| {
                let person = run_by(number / 5, number);
                (person, bodies.keep(person, now, body(size)).expect("room"))
            })
            .collect();
        let kept = |(person, key): &(Origin, String)| bodies.find(*person, now, key).is_some();
        let there: Vec<bool> = keys.iter().map(kept).collect();
        assert!(there.iter().filter(|there| **there).count() * size <= largest);
        assert_eq!(there.last(), Some(&true), "the newest is there");
        assert!(bodies.keep(run_by(9, 9), now, body(2 * largest)).is_none());
    }
}
