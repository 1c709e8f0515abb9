//! Programs: other programs of the network that call APIs through Connectory, and the API keys of programs and of
//! people.
//!
//! Rules: a key is shown once, by the response that creates it, and stored as a hash; it can call only what a person has
//! allowed; what changes about it is recorded and counts with the next call. Programs are accounts, so their pages need
//! Manage Users; a person's own keys stand on the profile page and never do more than the person may. Danger: a holder
//! that is taken from a form; it follows from the address alone, which the route's own need guards.

mod forms;
pub mod keys;
mod model;
mod pages;
mod queries;

pub use pages::{confirm_delete, create, delete, edit, list, new, show, update};
