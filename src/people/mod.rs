//! People and their permissions: the pages of users and groups, and inviting users to set a password.
//!
//! Rules: permissions add up, and what comes through groups is shown with the group it comes from. A person who manages
//! users may grant every permission but not change a super admin: that takes one. A super admin always remains (a
//! trigger ensures it, whatever changes the table). Nothing else writes the tables of groups and their members.

mod ancestors;
mod candidates;
mod forms;
pub mod groups;
mod listings;
mod refusal;
pub mod users;

pub use ancestors::{Ancestor, groups_above};
pub use candidates::{among_chosen, first_matches, patterns};
pub use groups::{Member, MemberRow, renew_claimed_groups};
