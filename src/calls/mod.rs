//! The call log: a line for each call through a connector, the pages that show them, and charts of them.
//!
//! Rules: a call never waits for its line ([`CallLog::record`]); a line is lost only with the process that made it, and
//! then no more than what came in the last second; a day's lines go with their partition, all at once. Danger: a
//! [`Call`] with room for a header, a query or a body, because whatever can hold a secret will.

mod call;
mod chart;
mod csv;
mod filter;
mod hours;
mod last_day;
mod list;
mod log;
mod partitions;
mod queries;
mod retention;
mod row;
mod show;
mod words;

pub use call::{Call, CallKind, Caller, CallerKind, Outcome, Target};
pub use csv::download;
pub use last_day::{LastDay, last_day};
pub use list::{list, of_connector};
pub use log::CallLog;
pub use queries::{LastCall, last_calls};
pub use retention::{Retention, look_after};
pub use show::show;
pub use words::CallStatus;

use row::CallRow;
