//! The groups' pages: the list, creating, changing, deleting, and who is in a group.
//!
//! Rule: users and groups can be members; what a group may do, its members may do, however deep. A group cannot be in
//! itself: a trigger refuses it, and the page says on which way it would be.

mod add;
mod details;
mod forms;
mod list;
mod members;
mod model;
mod queries;
mod removal;

pub use add::{add, choose};
pub use details::{create, edit, new, update};
pub use list::list;
pub use members::{members, remove};
pub use model::{Member, MemberRow};
pub use removal::{confirm_delete, delete};

pub(super) use queries::{GroupChoice, all, join, joinable, joined, leave, one};
