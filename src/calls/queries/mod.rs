//! The call log's SQL.

mod store;

pub(super) use store::store;
