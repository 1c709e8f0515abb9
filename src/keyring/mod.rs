//! The data keys as the database keeps them, and changing keys while everything goes on: another master key, another
//! data key.
//!
//! Rule: whatever is interrupted leaves a database that starts with the keys that are there, and is finished by doing
//! it again. The master key changes for all data keys in one transaction, so none is left behind under the old one. A
//! new data key seals only when every instance has said that it opens what it will seal ([`instances`]).
//!
//! Danger: a value sealed with a key that nobody has any more. So data keys are never deleted; a retired one still
//! opens.

mod cookie_key;
mod data_key;
mod instances;
mod master;
mod reseal;
mod sealed;
mod store;

pub use cookie_key::cookie_key;
pub use data_key::{activate, begin, retire_older};
pub use instances::{Behind, Instance, Seen, behind, instances, refresh, sign_off};
pub use master::{renew_first_form, rotate};
pub use reseal::{Resealed, reseal};
pub use sealed::{SEALED, SealedColumn, Uses, uses};
pub use store::{StoredKey, create_first, load, stored};
