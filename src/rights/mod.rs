//! Rights to one connector: its Access tab, where it is said what is open to everybody with the permission and what
//! only to listed users and groups, and the page that says who can use it, and why.
//!
//! Rules: what decides is [`Rights::of`](crate::access::Rights::of) and nothing here; these pages write what it reads
//! and show what it says. A person who manages users may change it, unless they may not view the connector
//! themselves. Danger: a change that shuts out the person who makes it, so that is refused; super admins are never shut
//! out.

mod model;
mod queries;
mod table;
mod who;

pub use table::{add, choose, edit, update};
pub use who::list as who;
