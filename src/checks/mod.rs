//! Checks: the connection test of one, several or all connectors as they are stored, by hand or by a schedule, with a
//! history. What the API answers counts for the connector's health.
//!
//! Rules: people check what they may authorize, and see the checks of what they may view. A check is a row that waits
//! until an instance leases it, so each is done by one instance, and survives a restart. Danger: work that grows with the
//! number of connectors; a few checks run at a time, and the rest wait.

mod checker;
mod history;
mod model;
mod queries;
mod runs;

pub use checker::Checker;
pub use history::{create, list as history, update};
pub use queries::purge;
pub use runs::{cancel, confirm as confirm_all, create as check_all, list, show};
