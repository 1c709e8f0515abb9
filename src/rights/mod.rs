//! Rights to one connector: its Access tab, where it is said what is open to everybody with the permission and what
//! only to listed users and groups, and the page that says who can use it, and why.
//!
//! Rules: what decides is [`Rights::of`](crate::access::Rights::of) and nothing here; these pages write what it reads
//! and show what it says. Whoever manages users may change it, unless they do not see the connector themselves. Danger:
//! a change that shuts out whoever makes it, so that is refused; super admins are never shut out.

mod add;
mod boxes;
mod model;
mod queries;
mod reasons;
mod table;
mod who;

pub use add::{add, choose};
pub use table::{edit, update};
pub use who::list as who;
