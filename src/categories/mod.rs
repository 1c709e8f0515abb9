//! Categories: labels that group connectors. Active ones can be assigned, Inactive ones cannot.
//!
//! Rule: a category with connectors is not deleted, a built-in one never. Its name is copied into the connectors'
//! rows (`connectors.category_names`), so renaming one updates them in the same transaction.

mod forms;
mod model;
mod pages;
mod queries;

pub use model::{CategoryId, CategoryStatus, parse_name};
pub use pages::{confirm_delete, create, delete, edit, list, new, update};
pub use queries::{
    CategoryChoice, GENERATED, UNCATEGORIZED, assignable, assignable_to, create as insert, find_by_name, lock_counts,
};
