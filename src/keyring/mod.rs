//! The data keys in the database, and changing keys without stopping: another master key, another data key.
//!
//! Rule: an interrupted change leaves a database that starts with the existing keys, and is finished by doing it
//! again. The master key changes for all data keys in one transaction, so none is left behind under the old one. A
//! new data key seals only when every instance has recorded that it can open its values ([`instances`]).
//!
//! Danger: a value sealed with a lost key. So data keys are never deleted; a retired one still opens.

mod cookie_key;
mod instances;
mod keys;
mod sealed;

pub use cookie_key::cookie_key;
pub use instances::{Behind, Instance, Seen, behind, instances, refresh, sign_off};
pub use keys::{StoredKey, activate, begin, create_first, load, renew_first_form, retire_older, rotate, stored};
pub use sealed::{Resealed, SEALED, SealedColumn, Uses, reseal, uses};
