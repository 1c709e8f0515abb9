//! Credentials at rest: sealed before they are stored, opened only to be used.
//!
//! A **data key** seals each value; the data keys themselves are stored wrapped under the **master
//! key**, which never enters the database. Changing the master key therefore rewraps a few keys and
//! leaves the values alone.
//!
//! Rule: every value is bound to its [`AssociatedData`]. Copied to another table, row or column it does not
//! open, so write access to the database is not enough to have one connector send another one's secret.
//!
//! Danger: this is the only module that sees keys. Nothing here may print, log or compare a secret,
//! and a lost master key cannot be replaced by anything.

mod cipher;
mod data_key;
mod key_file;
mod mac_key;
mod master_key;
mod master_keys;
mod secret;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

pub use cipher::SealError;
pub use data_key::{UnlockError, WrappedKey};
pub use key_file::KeyFileError;
pub use mac_key::MacKey;
pub use master_key::{KeyFormatError, MasterKey};
pub use master_keys::MasterKeys;
pub use secret::Secret;

use data_key::DataKey;

/// First byte of every sealed value; another layout takes another number.
const VERSION: u8 = 1;

/// Bytes in front of nonce, ciphertext and tag: the version and the number of the data key.
const HEADER_LEN: usize = 1 + size_of::<i32>();

/// Names the purpose of the associated data, so that no other use of a data key can produce the
/// same bytes.
const PURPOSE: &[u8] = b"connectory sealed value v1";

/// Stands before the texts that a value is bound to, so that a value bound to no text differs from one that is not
/// bound.
const BOUND: &[u8] = b"bound to";

/// The one column of the one row in which a sealed value may be opened.
#[derive(Clone, Copy, Debug)]
pub struct AssociatedData<'a> {
    /// The table's name; renaming the table needs every value in it sealed again.
    pub table: &'static str,
    /// The row's id. It is chosen before the insert, because sealing needs it.
    pub row: Uuid,
    /// The column, or a name within it where one column holds several secrets.
    pub column: &'a str,
    /// Texts of the same row that must not be edited apart from the value, such as the origins to which a secret may be
    /// sent; `None` where there are none. An empty list and none are two things.
    pub bound_to: Option<&'a [String]>,
}

/// The unlocked data keys. Clones are cheap and share them, those that are learnt later too.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<RwLock<Arc<DataKeys>>>,
}

/// Never empty: what seals is there by construction.
struct DataKeys {
    sealing: DataKey,
    others: Vec<DataKey>,
}

impl Vault {
    /// Makes a data key and wraps it under `master`, ready to be stored. It seals new values once
    /// it is the newest active one of the keys given to [`Vault::unlock`].
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn create_key(master: &MasterKey, id: i32) -> Result<WrappedKey, SealError> {
        DataKey::generate(id)?.wrap(master)
    }

    /// Unwraps the stored data keys, each under whichever master key it names. The active one with
    /// the highest id seals; all of them open.
    ///
    /// # Errors
    /// When there is no active data key, when one was wrapped under another master key, or when one
    /// was altered.
    pub fn unlock(masters: &MasterKeys, stored: &[WrappedKey]) -> Result<Self, UnlockError> {
        let mut others =
            stored.iter().map(|wrapped| DataKey::from_wrapped(masters, wrapped)).collect::<Result<Vec<_>, _>>()?;
        others.sort_by_key(DataKey::id);
        let sealing = others.iter().rposition(DataKey::is_active).ok_or(UnlockError::NoKeys)?;
        let sealing = others.remove(sealing);
        let keys = Arc::new(DataKeys { sealing, others });
        Ok(Self { keys: Arc::new(RwLock::new(keys)) })
    }

    /// Takes over the keys of `newer`, for all clones of this vault.
    pub fn learn(&self, newer: &Vault) {
        let keys = newer.keys();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The id of the data key that seals.
    #[must_use]
    pub fn sealing_key(&self) -> i32 {
        self.keys().sealing.id()
    }

    /// The highest id of a data key that opens.
    #[must_use]
    pub fn newest_key(&self) -> i32 {
        let keys = self.keys();
        keys.iter().map(DataKey::id).max().unwrap_or(keys.sealing.id())
    }

    /// The first bytes of what the data key of this id has sealed.
    #[must_use]
    pub fn header(key: i32) -> Vec<u8> {
        let mut header = vec![VERSION];
        header.extend_from_slice(&key.to_be_bytes());
        header
    }

    fn keys(&self) -> Arc<DataKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wraps every data key again under `master`, to replace the stored ones when the master key
    /// changes. Sealed values stay as they are.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn rewrap(&self, master: &MasterKey) -> Result<Vec<WrappedKey>, SealError> {
        self.keys().iter().map(|key| key.wrap(master)).collect()
    }

    /// Whether all data keys were wrapped by a version whose audit links had no key: only then may links without one
    /// stand where nothing else says so.
    #[must_use]
    pub fn predates_keyed_links(&self) -> bool {
        self.keys().iter().all(DataKey::is_first_form)
    }

    /// The key that authenticates data of one purpose, derived from this data key.
    ///
    /// # Errors
    /// When the data key is not there.
    pub fn mac_key(&self, data_key: i32, purpose: &str) -> Result<MacKey, OpenError> {
        Ok(self.keys().find(data_key)?.mac_key(purpose))
    }

    /// Seals `secret` so that it opens only in `place`. Sealing the same secret twice gives
    /// different bytes.
    ///
    /// The result is `1 | data key id, 4 bytes big-endian | nonce, 24 bytes | ciphertext | tag, 16
    /// bytes`: 45 bytes more than the secret.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn seal(&self, place: AssociatedData<'_>, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let keys = self.keys();
        let key = &keys.sealing;
        let associated_data = associated_data(key.id(), place);
        let body = key.cipher().seal(&associated_data, secret.expose().as_bytes())?;
        let mut sealed = Vec::with_capacity(HEADER_LEN + body.len());
        sealed.extend_from_slice(&Vault::header(key.id()));
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`Vault::seal`] made for the same place.
    ///
    /// # Errors
    /// When the value was altered, cut, moved from another place, or sealed with a data key that is
    /// not there.
    pub fn open(&self, place: AssociatedData<'_>, sealed: &[u8]) -> Result<Secret, OpenError> {
        let (header, body) = sealed.split_first_chunk::<HEADER_LEN>().ok_or(OpenError::TooShort)?;
        let [version, id @ ..] = *header;
        if version != VERSION {
            return Err(OpenError::UnknownVersion(version));
        }
        let keys = self.keys();
        let key = keys.find(i32::from_be_bytes(id))?;
        let bytes = key.cipher().open(&associated_data(key.id(), place), body).ok_or(OpenError::Refused)?;
        Secret::from_utf8(&bytes).ok_or(OpenError::NotText)
    }
}

impl DataKeys {
    fn iter(&self) -> impl Iterator<Item = &DataKey> {
        self.others.iter().chain([&self.sealing])
    }

    fn find(&self, id: i32) -> Result<&DataKey, OpenError> {
        self.iter().find(|key| key.id() == id).ok_or(OpenError::UnknownKey(id))
    }
}

/// Why a sealed value does not open. None of the messages holds any part of the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Less than the header that every sealed value starts with.
    #[error("the sealed value is cut short")]
    TooShort,
    /// Made by a later Connectory, or not a sealed value at all.
    #[error("the sealed value has the unknown format {0}")]
    UnknownVersion(u8),
    /// Its data key was not among those unlocked, perhaps because it was made after this program
    /// started.
    #[error("the value was sealed with data key {0}, which is not there")]
    UnknownKey(i32),
    /// The tag does not fit: altered bytes, or a value that belongs elsewhere.
    #[error("the sealed value was altered or belongs to another place")]
    Refused,
    /// Authentic, yet not text: only a fault in this program can have sealed it.
    #[error("the sealed value is not text")]
    NotText,
}

fn associated_data(key: i32, place: AssociatedData<'_>) -> Vec<u8> {
    let key = key.to_be_bytes();
    let mut parts = vec![PURPOSE, &key, place.table.as_bytes(), place.row.as_bytes(), place.column.as_bytes()];
    if let Some(texts) = place.bound_to {
        parts.push(BOUND);
        parts.extend(texts.iter().map(String::as_bytes));
    }
    cipher::associated_data(&parts)
}
