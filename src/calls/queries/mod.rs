//! The call log's SQL.

mod chart;
mod day;
mod last;
mod list;
mod options;
mod store;

pub(super) use chart::{Sum, is_empty, sums};
pub(super) use day::last_day;
pub use last::{LastCall, last_calls};
pub(super) use list::{WALK, find, list, page_of_all};
pub(super) use options::{Choice, Choices, choices};
pub(super) use store::store;
