//! API keys: what other programs present, who holds them, and what they can call.
//!
//! Rule: only the SHA-256 of a key is stored. What it allows is cached until the database notifies that a key or a right
//! has changed, so a key that was revoked, a person who lost the permission and a program that was made inactive are
//! refused with the next call after it, and never later than five seconds. Danger: an unchecked text
//! reaching a log; a presented key is parsed and hashed, and never printed.

mod collection;
mod holder;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::db::{Cache, ChangeEvent, ChangeListener, Db, Unavailable};
use crate::web::Error;

use holder::find_holder;
pub use holder::{HolderKind, KeyHolder, Reach, Subject, Wants};

/// What every key begins with, so that tools which look for leaked secrets can know one.
const MARK: &str = "cty_";

/// Characters of the visible part after the mark.
const TELLING: usize = 8;

/// Letters and digits that cannot be mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 32 bytes in base64url without padding.
const SECRET: usize = 43;

/// The length of the visible part with its mark: `cty_a1b2c3d4`.
const PREFIX: usize = MARK.len() + TELLING;

/// The length of a whole key, in characters and in bytes.
const LENGTH: usize = PREFIX + 1 + SECRET;

/// An API key as its holder knows it. Not printable, and wiped from memory.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// A new key from the system's source of randomness.
    pub fn random() -> ApiKey {
        let telling: [u8; TELLING] = rand::random();
        let telling = telling.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        let secret = Zeroizing::new(rand::random::<[u8; 32]>());
        let mut text = String::with_capacity(LENGTH);
        text.push_str(MARK);
        text.extend(telling);
        text.push('_');
        URL_SAFE_NO_PAD.encode_string(*secret, &mut text);
        ApiKey(Zeroizing::new(text))
    }

    /// Reads a presented key. A text that cannot be one is none, whatever its length, without a look at the database.
    pub fn parse(presented: &str) -> Option<ApiKey> {
        let (prefix, secret) =
            presented.as_bytes().get(..LENGTH).filter(|_| presented.len() == LENGTH)?.split_at(PREFIX);
        let telling = prefix.strip_prefix(MARK.as_bytes())?;
        let secret = secret.strip_prefix(b"_")?;
        let is_secret_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = telling.iter().all(u8::is_ascii_alphanumeric) && secret.iter().all(is_secret_letter);
        fits.then(|| ApiKey(Zeroizing::new(presented.to_string())))
    }

    /// The part that is shown to tell keys apart: `cty_a1b2c3d4`.
    pub fn prefix(&self) -> &str {
        self.0.get(..PREFIX).unwrap_or_default()
    }

    /// What the database keeps in place of the key.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The whole key, for the one page that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Keys that are kept in memory at most.
const MOST_KEPT: usize = 10_000;

/// Finds keys and notes their use. One for the process; clones share what they know.
#[derive(Clone)]
pub struct ApiKeys {
    /// By their hash; those that cannot be used as well, so that further tries cost nothing.
    kept: Cache<[u8; 32], Arc<KeyHolder>>,
    uses: Arc<Uses>,
}

impl ApiKeys {
    /// Keys that are forgotten when `changes` says that a key, or a person's right, has changed.
    pub fn new(clock: &Clock, changes: &ChangeListener) -> ApiKeys {
        let kept: Cache<[u8; 32], Arc<KeyHolder>> = Cache::new(clock, MOST_KEPT);
        let forgetful = kept.clone();
        changes.subscribe(move |change| match change {
            ChangeEvent::Keys | ChangeEvent::Everything => forgetful.clear(),
            // Keys name connectors by their ids, which do not change. A collection's token goes with its connector.
            ChangeEvent::Connector(id) => forgetful.forget_where(|holder| holder.id == id),
            ChangeEvent::Evidence(_) => {}
        });
        ApiKeys { kept, uses: Arc::default() }
    }

    /// Who presents this key. Refuses texts that are no key, keys that do not exist, that were revoked or have expired,
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
            let found = async { find_holder(&*db.get().await?, &hash).await }.await;
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

    /// Whether a minute has passed since the noted uses were written; if so, the next minute begins.
    pub fn are_uses_due(&self, now: DateTime<Utc>) -> bool {
        self.uses.are_due(now)
    }

    /// Gives the noted uses to `write`. What cannot be written is kept for the next time.
    pub async fn write_uses<E>(&self, write: impl AsyncFnOnce(&HashMap<Uuid, Use>) -> Result<(), E>) -> Result<(), E> {
        let noted = self.uses.take();
        if noted.is_empty() {
            return Ok(());
        }
        let written = write(&noted).await;
        if written.is_err() {
            self.uses.put_back(noted);
        }
        written
    }
}

/// Each has a code for programs and a sentence for the people who write them.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefusal {
    #[error("This is no API key of this Connectory, or none any more.")]
    Unknown,
    #[error("This API key was revoked.")]
    Revoked,
    #[error("This API key has expired.")]
    Expired,
    #[error("The program or person that this API key belongs to is not active.")]
    HolderInactive,
    #[error("The person that this API key belongs to does not have the permission “Call Data Connectors”.")]
    HolderNotPermitted,
    #[error("This API key cannot call this data connector.")]
    ConnectorNotAllowed,
    #[error("This API key cannot call this endpoint of the data connector.")]
    EndpointNotAllowed,
    #[error("This API key may not use the proxy of this data connector.")]
    ProxyNotAllowed,
    #[error("This API key may not read the access token of this data connector.")]
    TokenNotAllowed,
    #[error("This API key may not use this HTTP method.")]
    MethodNotAllowed,
    /// It was not looked for: the caller's address has shown too many unknown keys. Another one may be after
    /// this time.
    #[error("This address has sent many keys that are none.")]
    TooManyUnknown(std::time::Duration),
    /// The database could not be asked. The cause is for the log.
    #[error("API keys cannot be checked at the moment.")]
    Unavailable(#[source] Error),
}

impl From<Unavailable> for KeyRefusal {
    fn from(unavailable: Unavailable) -> KeyRefusal {
        KeyRefusal::Unavailable(unavailable.into())
    }
}

impl KeyRefusal {
    /// The word that programs branch on; stays the same for ever.
    pub fn code(&self) -> &'static str {
        match self {
            KeyRefusal::Unknown => "key_unknown",
            KeyRefusal::Revoked => "key_revoked",
            KeyRefusal::Expired => "key_expired",
            KeyRefusal::HolderInactive => "key_holder_inactive",
            KeyRefusal::HolderNotPermitted => "key_holder_not_permitted",
            KeyRefusal::ConnectorNotAllowed => "connector_not_allowed",
            KeyRefusal::EndpointNotAllowed => "endpoint_not_allowed",
            KeyRefusal::ProxyNotAllowed => "proxy_not_allowed",
            KeyRefusal::TokenNotAllowed => "token_not_allowed",
            KeyRefusal::MethodNotAllowed => "method_not_allowed",
            KeyRefusal::TooManyUnknown(_) => "too_many_unknown_keys",
            KeyRefusal::Unavailable(_) => "keys_unavailable",
        }
    }
}

/// The row of a key is written to at most this often.
const WRITE_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The last use of a key.
pub struct Use {
    pub at: DateTime<Utc>,
    pub address: String,
}

/// The last use of every key that was used since the last writing: as many as there are keys.
#[derive(Default)]
struct Uses(Mutex<State>);

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
