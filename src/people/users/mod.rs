//! The users' pages: the list, creating, changing, switching off, deleting, and who is a super admin.
//!
//! Rule: every change locks the user's row and looks at it again before it acts ([`queries::lock`]): a user who is made
//! a super admin meanwhile can only be changed by super admins.

mod changes;
mod invitations;
mod memberships;
mod model;
mod pages;
mod queries;

pub use changes::{
    confirm_deactivation, confirm_delete, confirm_disconnection, confirm_sign_out, confirm_super_admin, deactivate,
    delete, disconnect, end_session, reactivate, sessions, set_super_admin, sign_out,
};
pub use invitations::{confirm as confirm_invitation, create as create_invitation};
pub use memberships::{choose_groups, confirm_leaving, join_groups, leave_groups};
pub use pages::{create, edit, list, new, update};

pub(super) use model::{CheckedUser, User, guard};
pub(super) use queries::lock;
