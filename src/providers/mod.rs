//! Templates of providers: a new connector with everything filled in that the provider's documentation says, so that
//! the person enters only what they alone know.
//!
//! Rule: a template has no secret. What it fills in is checked as if a person had typed it into the Authorization tab.

mod own;
mod pages;
mod template;

pub use own::{confirm_delete, create as save_template, delete, new as new_template};
pub use pages::{create, list, new};
