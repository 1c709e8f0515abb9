//! The users' pages: the list, creating, changing, switching off, deleting, and who is a super admin.
//!
//! Rule: every change locks the user's row and looks at it again before it acts ([`queries::lock`]): whoever is made a
//! super admin meanwhile is out of reach for who is none.

mod account;
mod connection;
mod create;
mod details;
mod forms;
mod list;
mod memberships;
mod model;
mod queries;
mod removal;
mod sessions;
mod super_admin;

pub use account::{confirm_deactivation, confirm_sign_out, deactivate, reactivate, sign_out};
pub use connection::{confirm_disconnection, disconnect};
pub use create::{create, new};
pub use details::{edit, update};
pub use list::list;
pub use memberships::{choose_groups, confirm_leaving, join_groups, leave_groups};
pub use removal::{confirm_delete, delete};
pub use sessions::{end_session, sessions};
pub use super_admin::{confirm_super_admin, set_super_admin};

pub(super) use model::{User, guard};
pub(super) use queries::{find, last_of_super_admins, lock};
