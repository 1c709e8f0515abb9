//! The own profile, a tab for each thing: name, time zone and theme; the password; the sessions; the API keys.
//!
//! Rule: everything here is about whoever is signed in, so no address names a person.

mod details;
mod forms;
mod keys;
mod password;
mod queries;
mod sessions;

pub use details::{show, update};
pub use keys::show as own_keys;
pub use password::{ask as ask_password, change as change_password};
pub use sessions::{ask_sign_outs, end as end_own_session, end_others as end_own_sessions, show as own_sessions};
