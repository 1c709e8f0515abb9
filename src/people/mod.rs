//! People and their permissions: the pages of users and groups, and inviting users to set a password.
//!
//! Rules: permissions add up, and what comes through groups is shown with the group it comes from. A person who manages
//! users may grant every permission but not change a super admin: that takes one. A super admin always remains (a
//! trigger ensures it, whatever changes the table). Nothing else writes the tables of groups and their members.

mod ancestors;
mod candidates;
mod forms;
mod groups;
mod listings;
mod refusal;
mod users;

pub use ancestors::{Ancestor, groups_above};
pub use candidates::{among_chosen, first_matches, patterns};
pub use groups::{Member, MemberRow, renew_claimed_groups};
pub use groups::{
    add as add_members, choose as choose_members, confirm_delete as confirm_group_delete, create as create_group,
    delete as delete_group, edit as edit_group, list as list_groups, members, new as new_group,
    remove as remove_members, update as update_group,
};
pub use users::{
    choose_groups, confirm_deactivation, confirm_delete as confirm_user_delete, confirm_disconnection,
    confirm_invitation, confirm_leaving, confirm_sign_out, confirm_super_admin, create as create_user,
    create_invitation, deactivate, delete as delete_user, disconnect, edit as edit_user, end_session, join_groups,
    leave_groups, list as list_users, new as new_user, reactivate, sessions, set_super_admin, sign_out,
    update as update_user,
};
