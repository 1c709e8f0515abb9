//! The call log: a line for each call through a connector, the pages that show them, and charts of them.
//!
//! Rules: a call never waits for its line ([`CallLog::record`]); a line is lost only with the process that made it, and then
//! no more than what came in the last second; a day's lines go with their partition, all at once. Danger: a [`Call`] with room for a header, a query
//! or a body, because whatever can hold a secret will.

mod call;
mod hours;
mod log;
mod partitions;
mod queries;
mod retention;

pub use call::{Call, CallKind, Caller, CallerKind, Outcome, Target};
pub use log::CallLog;
pub use retention::{Retention, look_after};
