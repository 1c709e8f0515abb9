//! Bodies of responses, cached in memory for the download link of Run, and formatted a few at a time.
//!
//! Rule: nothing of a response is stored. Only the person who ran the endpoint gets the body, by a random id, and only
//! while they may call the connector. Danger: memory; the budget for bodies limits all of them together, and the oldest
//! go first.

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

const LIFETIME: TimeDelta = TimeDelta::minutes(10);

const MAX_OF_PERSON: usize = 3;

/// Bodies that are masked and formatted at the same time. Each needs several times its size of memory, and a core.
const CONCURRENT_FORMATTING: usize = 2;

/// Clones share the cache.
#[derive(Clone)]
pub struct RunBodies {
    bodies: Arc<Mutex<VecDeque<CachedBody>>>,
    budget: Arc<Budget>,
    formatting: Arc<Semaphore>,
}

struct CachedBody {
    id: String,
    owner: Owner,
    expires_at: DateTime<Utc>,
    body: Arc<Download>,
    /// Counts the body in the budget.
    _held: Held,
}

/// Who has run an endpoint, and of which connector.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub person: Uuid,
    pub connector: ConnectorId,
}

pub(super) struct Download {
    pub bytes: Vec<u8>,
    pub content_type: &'static str,
    pub name: String,
}

impl RunBodies {
    pub fn new(budget: Arc<Budget>) -> RunBodies {
        RunBodies { bodies: Arc::default(), budget, formatting: Arc::new(Semaphore::new(CONCURRENT_FORMATTING)) }
    }

    /// Masks and formats a body on a thread for blocking work, when fewer than the maximum are under way.
    pub(super) async fn format<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.formatting).acquire_owned().await;
        let permit = permit.map_err(Error::internal)?;
        // The thread holds the permit: it goes on when the request is cancelled.
        let done = web::block(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(Error::internal)
    }

    /// Adds a body, and gives its id; `None` if it is larger than the budget.
    pub(super) fn insert(&self, owner: Owner, now: DateTime<Utc>, body: Download) -> Option<String> {
        let id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let mut bodies = self.lock();
        bodies.retain(|cached| cached.expires_at > now);
        let is_of_person = |cached: &CachedBody| cached.owner.person == owner.person;
        while bodies.iter().filter(|cached| is_of_person(cached)).count() >= MAX_OF_PERSON {
            if let Some(oldest) = bodies.iter().position(is_of_person) {
                bodies.remove(oldest);
            }
        }
        let mut held = Held::of(&self.budget);
        while held.cover(body.bytes.len()).is_err() {
            bodies.pop_front()?;
        }
        bodies.push_back(CachedBody {
            id: id.clone(),
            owner,
            expires_at: now + LIFETIME,
            body: Arc::new(body),
            _held: held,
        });
        Some(id)
    }

    /// A body that this person has received from this connector.
    pub(super) fn get(&self, owner: Owner, now: DateTime<Utc>, id: &str) -> Option<Arc<Download>> {
        let mut bodies = self.lock();
        bodies.retain(|cached| cached.expires_at > now);
        let found = bodies.iter().find(|cached| cached.id == id && cached.owner == owner);
        found.map(|cached| Arc::clone(&cached.body))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<CachedBody>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(size: usize) -> Download {
        Download { bytes: vec![0; size], content_type: "text/plain", name: "a.txt".into() }
    }

    fn memory(size: usize) -> RunBodies {
        RunBodies::new(Budget::new(size))
    }

    fn run_by(person: u128, connector: u128) -> Owner {
        Owner { person: Uuid::from_u128(person), connector: Uuid::from_u128(connector) }
    }

    #[test]
    fn a_body_is_there_for_its_person_and_connector_for_ten_minutes() {
        let (bodies, ana, ben) = (memory(1_000_000), run_by(1, 9), run_by(2, 9));
        let now = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let key = bodies.insert(ana, now, body(10)).expect("room");
        assert!(bodies.get(ana, now, &key).is_some());
        assert!(bodies.get(ben, now, &key).is_none());
        assert!(bodies.get(run_by(1, 8), now, &key).is_none());
        assert!(bodies.get(ana, now, "another").is_none());
        assert!(bodies.get(ana, now + TimeDelta::minutes(11), &key).is_none());
    }

    #[test]
    fn bodies_do_not_fill_the_memory() {
        let largest = 64 * 1024 * 1024;
        let bodies = memory(largest);
        let now = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let size = 10 * 1024 * 1024;
        let keys: Vec<(Owner, String)> = (0..20)
            .map(|number| {
                let person = run_by(number / 5, number);
                (person, bodies.insert(person, now, body(size)).expect("room"))
            })
            .collect();
        let kept = |(person, key): &(Owner, String)| bodies.get(*person, now, key).is_some();
        let there: Vec<bool> = keys.iter().map(kept).collect();
        assert!(there.iter().filter(|there| **there).count() * size <= largest);
        assert_eq!(there.last(), Some(&true), "the newest is there");
        assert!(bodies.insert(run_by(9, 9), now, body(2 * largest)).is_none());
    }
}
