//! The keys that seal values, and their stored form: wrapped under the master key.

use super::cipher::{self, Cipher, KEY_LEN, KeyBytes, SealError};
use super::mac_key::MacKey;
use super::master_key::MasterKey;
use super::master_keys::MasterKeys;

/// Keeps a wrapped key from ever being taken for a sealed value, and says that links of the audit log have keys.
const PURPOSE: &[u8] = b"connectory data key v2";
/// The same of versions whose links had none. Only they wrapped so, and that needs the master key.
const FIRST_PURPOSE: &[u8] = b"connectory data key v1";

/// A data key as it is stored. Useless without the master key, so it may stand in the database and
/// its backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Chosen when it is stored, unique, rising; written into every value that this key seals.
    pub id: i32,
    /// [`MasterKey::id`] of the master key that unwraps it.
    pub master_key_id: String,
    /// `nonce, 24 bytes | encrypted key, 32 bytes | tag, 16 bytes`.
    pub wrapped: Vec<u8>,
    /// Whether it may seal. A new one first has to be known wherever values are opened.
    pub is_active: bool,
}

/// Why the stored data keys cannot be used. Each is one line for the administrator who starts the
/// program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// A database in which no data key was ever made.
    #[error("this database holds no data key")]
    NoKeys,
    /// The usual mistake: the key file of another installation, or an older backup of it.
    #[error(
        "the master key does not fit this database: its data keys were made with master key {made_with}, this one is {given}"
    )]
    WrongMasterKey {
        /// Id of the master key that is needed.
        made_with: String,
        /// Id of the master key that was given, or of each.
        given: String,
    },
    /// The right master key by its id, but the bytes do not open.
    #[error(
        "data key {0} of this database is damaged: the master key fits, but the key was altered after it was stored"
    )]
    Damaged(i32),
}

/// A usable data key. Without Debug, like all that holds key bytes.
pub(super) struct DataKey {
    id: i32,
    bytes: KeyBytes,
    is_active: bool,
    /// Wrapped by a version whose audit links had no key.
    is_first_form: bool,
}

impl DataKey {
    pub(super) fn generate(id: i32) -> Result<Self, SealError> {
        let bytes = cipher::generate_key()?;
        Ok(Self { id, bytes, is_active: true, is_first_form: false })
    }

    pub(super) fn wrap(&self, master: &MasterKey) -> Result<WrappedKey, SealError> {
        let associated_data = associated_data(PURPOSE, self.id, master.id());
        Ok(WrappedKey {
            id: self.id,
            master_key_id: master.id().to_owned(),
            wrapped: master.cipher().seal(&associated_data, &*self.bytes)?,
            is_active: self.is_active,
        })
    }

    pub(super) fn from_wrapped(masters: &MasterKeys, stored: &WrappedKey) -> Result<Self, UnlockError> {
        let master = masters.find(&stored.master_key_id).ok_or_else(|| UnlockError::WrongMasterKey {
            made_with: stored.master_key_id.clone(),
            given: masters.ids(),
        })?;
        let open = |purpose| {
            let associated_data = associated_data(purpose, stored.id, master.id());
            master.cipher().open(&associated_data, &stored.wrapped)
        };
        let present = open(PURPOSE);
        let is_first_form = present.is_none();
        let plain = present.or_else(|| open(FIRST_PURPOSE)).ok_or(UnlockError::Damaged(stored.id))?;
        let bytes = <[u8; KEY_LEN]>::try_from(plain.as_slice()).map_err(|_| UnlockError::Damaged(stored.id))?;
        Ok(Self { id: stored.id, bytes: KeyBytes::new(bytes), is_active: stored.is_active, is_first_form })
    }

    pub(super) fn id(&self) -> i32 {
        self.id
    }

    pub(super) fn is_active(&self) -> bool {
        self.is_active
    }

    pub(super) fn is_first_form(&self) -> bool {
        self.is_first_form
    }

    pub(super) fn cipher(&self) -> Cipher {
        Cipher::new(&self.bytes)
    }

    pub(super) fn mac_key(&self, purpose: &str) -> MacKey {
        MacKey::derive(self.id, &self.bytes, purpose)
    }
}

fn associated_data(purpose: &[u8], id: i32, master_key_id: &str) -> Vec<u8> {
    cipher::associated_data(&[purpose, &id.to_be_bytes(), master_key_id.as_bytes()])
}
