//! The sessions of a user: how they are shown, and ending them; on the own profile and on the page of a user alike.
//!
//! Rule: a session is named by its id, never by the hash of its token. Ending one that has ended is no error: it is
//! what was wanted.

mod browser;
mod queries;
mod store;
mod table;

pub use queries::end as end_session;
pub use store::{DbSessionStore, SessionReason, begin_session};
pub use table::SessionTable;

pub(super) use queries::end_others;
