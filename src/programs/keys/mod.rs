//! The API keys of a holder, who is a program or the person who looks: making, limiting, looking at, revoking.
//!
//! Rule: every page here serves both kinds of holder, and finds out from its address which one it is; a key that is not
//! of this holder does not exist. Danger: the key itself, which only [`create`] ever has, and shows once.

mod change;
mod create;
mod crumbs;
mod expiry;
mod form;
mod holder;
mod model;
mod queries;
mod revoke;
mod scope;
mod scope_form;
mod scope_remove;
mod scope_search;
mod show;
mod table;

pub use change::{edit as edit_key, update as update_key};
pub use create::{create as create_key, new as new_key};
pub use revoke::{confirm as confirm_revocation, revoke as revoke_key};
pub use scope::{edit as edit_connector, save as allow_connector};
pub use scope_remove::{confirm as confirm_removal, remove as remove_connector};
pub use scope_search::search as add_connector;
pub use show::show as show_key;
pub use table::{KeyTable, table_of_person};

pub(super) use holder::Holder;
pub(super) use queries::{WaysOf, lead_beyond};
