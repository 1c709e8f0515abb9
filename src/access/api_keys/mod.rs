//! API keys: what other programs present, whose they are, and where they lead.
//!
//! Rule: only the SHA-256 of a key is stored. What it allows is kept in memory until a notice tells that some key or
//! right has changed, so a key that was revoked, a person who lost the permission and a program that was made inactive
//! are refused with the next call after it, and never later than five seconds. Danger: a text that nobody checked
//! reaching a log; a presented key is parsed and hashed, and never printed.

mod holder;
mod key;
mod queries;
mod refusal;
#[cfg(test)]
mod tests;
mod uses;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::Clock;
use crate::db::{Cache, ChangeEvent, ChangeListener, Db};
use crate::web::Error;

pub use holder::{HolderKind, KeyHolder, Reach, Subject, Wants};
pub use key::ApiKey;
pub use refusal::KeyRefusal;
use uses::Uses;

/// Keys that are kept in memory at most.
const MOST_KEPT: usize = 10_000;

/// Finds keys and notes their use. One for the process; clones share what they know.
#[derive(Clone)]
pub struct ApiKeys {
    /// By their hash; those that cannot be used as well, so that whoever goes on trying costs nothing.
    kept: Cache<[u8; 32], Arc<KeyHolder>>,
    uses: Arc<Uses>,
}

impl ApiKeys {
    /// Keys that are forgotten when `notices` tells that some key, or somebody's right, has changed.
    pub fn new(clock: &Clock, notices: &ChangeListener) -> ApiKeys {
        let kept = Cache::new(clock, MOST_KEPT);
        let forgetful = kept.clone();
        notices.subscribe(move |change| match change {
            ChangeEvent::Keys | ChangeEvent::Everything => forgetful.clear(),
            // Keys name connectors by their ids, which do not change.
            ChangeEvent::Connector(_) => {}
        });
        ApiKeys { kept, uses: Arc::default() }
    }

    /// Who presents this key. Refuses texts that are no key, keys that nobody has, that were revoked or have expired,
    /// and those whose holder may not call.
    pub async fn find(&self, db: &Db, presented: &str, now: DateTime<Utc>) -> Result<Arc<KeyHolder>, KeyRefusal> {
        self.find_if(db, presented, now, async || Ok(())).await
    }

    /// The same where `admit` decides whether the database is asked for a key that was not found before. What it gives
    /// is held until the database has answered.
    pub async fn find_if<T>(
        &self,
        db: &Db,
        presented: &str,
        now: DateTime<Utc>,
        admit: impl AsyncFnOnce() -> Result<T, KeyRefusal>,
    ) -> Result<Arc<KeyHolder>, KeyRefusal> {
        let key = ApiKey::parse(presented).ok_or(KeyRefusal::Unknown)?;
        let hash = key.hash();
        let read = async || -> Result<_, KeyRefusal> {
            let _admitted = match self.kept.has_found(&hash) {
                true => None,
                false => Some(admit().await?),
            };
            let found = async { queries::find(&*db.get().await?, &hash).await }.await;
            Ok(found.map_err(KeyRefusal::Unavailable)?.map(Arc::new))
        };
        let holder = self.kept.get(&hash, read).await?;
        let holder = holder.ok_or(KeyRefusal::Unknown)?;
        holder.standing(now)?;
        Ok(holder)
    }

    /// Notes in memory that a key was used, when and from where. Takes no time worth counting.
    pub fn note_use(&self, key: Uuid, now: DateTime<Utc>, address: &str) {
        self.uses.note(key, now, address);
    }

    /// Writes the noted uses into the keys' rows, if a minute has passed since that was done last. What cannot be
    /// written is kept for the next time.
    pub async fn write_due_uses(&self, db: &Db, now: DateTime<Utc>) -> Result<(), Error> {
        if self.uses.are_due(now) { self.write_uses(db).await } else { Ok(()) }
    }

    /// Writes the noted uses now: at a stop, nothing else will.
    pub async fn write_uses(&self, db: &Db) -> Result<(), Error> {
        let noted = self.uses.take();
        if noted.is_empty() {
            return Ok(());
        }
        let written = async { queries::write_uses(&*db.get().await?, &noted).await }.await;
        if written.is_err() {
            self.uses.put_back(noted);
        }
        written
    }
}
