//! The groups' pages: the list, creating, changing, deleting, and who is in a group.
//!
//! Rule: users and groups can be members; what a group may do, its members may do, however deep. A group cannot be in
//! itself: a trigger refuses the cycle, and the page says through which groups it would be.

mod members;
mod model;
mod pages;
mod queries;

pub use members::{add, choose, members, remove};
pub use model::{Member, MemberRow};
pub use pages::{confirm_delete, create, delete, edit, list, new, update};
pub use queries::renew_claimed_groups;

pub(super) use model::{CheckedGroup, Group, parse_name};
pub(super) use queries::{GroupChoice, all, join, joinable, joined, leave, one};
