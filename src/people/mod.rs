//! People and their rights: the pages for users and groups, what each may do, and the links by which users set a
//! password.
//!
//! Rules: rights add up, and what comes through groups is shown with the group it comes from. A person who
//! manages users may grant every permission but not change a super admin: that takes one. A super admin always remains (a trigger
//! ensures it, whatever changes the table). Danger: a link to a password must never stand in an address that is sent
//! to a server, or in a log; its secret part stands behind the `#`.

mod ancestors;
mod candidates;
mod forms;
mod groups;
mod invitations;
mod listings;
mod refusal;
mod users;

pub use ancestors::{Ancestor, groups_above};
pub use candidates::{among_chosen, first_fitting, patterns};
pub use groups::{Member, MemberRow};
pub use groups::{
    add as add_members, choose as choose_members, confirm_delete as confirm_group_delete, create as create_group,
    delete as delete_group, edit as edit_group, list as list_groups, members, new as new_group,
    remove as remove_members, update as update_group,
};
pub use invitations::{
    ask as set_password, confirm as confirm_invitation, create as create_invitation, open as open_invitation,
    purge as purge_invitations, take as take_invitation,
};
pub use users::{
    choose_groups, confirm_deactivation, confirm_delete as confirm_user_delete, confirm_disconnection, confirm_leaving,
    confirm_sign_out, confirm_super_admin, create as create_user, deactivate, delete as delete_user, disconnect,
    edit as edit_user, end_session, join_groups, leave_groups, list as list_users, new as new_user, reactivate,
    sessions, set_super_admin, sign_out, update as update_user,
};
