//! The API keys of a holder, who is a program or the person who looks: making, limiting, looking at, revoking.
//!
//! Rule: every page here serves both kinds of holder, and finds out from its address which one it is; a key that is not
//! of this holder does not exist. Danger: the key itself, which only [`create`] ever has, and shows once.

mod expiry;
mod forms;
mod holder;
mod model;
mod of_connector;
mod pages;
mod queries;
mod replace;
mod scopes;

pub use of_connector::allow_program;
pub use pages::{KeyTable, confirm_revocation, create, edit, new, revoke, show, table_of_person, update};
pub use queries::write_key_uses;
pub use replace::{confirm as confirm_replacement, replace};
pub use scopes::{
    add as add_connector, confirm_removal, edit as edit_connector, remove as remove_connector, save as allow_connector,
    save_several as allow_connectors, several as add_connectors,
};

pub(super) use holder::Holder;
pub(super) use queries::{KeysOf, exceeds};
