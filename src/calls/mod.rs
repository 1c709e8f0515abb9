//! The call log: an entry for each call through a connector, the pages that show them, and charts of them.
//!
//! Rules: a call never waits for its entry ([`CallLog::record`]); an entry is lost only with the process that made it, and
//! then no more than those of the last second; a day's entries are dropped with their partition, all at once. Danger: a
//! [`Call`] with room for a header, a query or a body, because whatever can hold a secret will.

mod call;
mod chart;
mod evidence;
mod filter;
mod list;
mod log;
mod queries;
mod record;
mod retention;
mod row;
mod show;
mod store;
mod totals;
mod week;

pub use call::{Call, CallKind, CallSource, Caller, CallerKind, Outcome, Shown, Target};
pub use list::{download, list, of_connector};
pub use log::CallLog;
pub use record::CallRecord;
pub use retention::{Retention, look_after};
pub use row::CallStatus;
pub use show::show;
pub use totals::{LastCall, LastDay, last_calls, last_day};
pub use week::{Week, week};

use row::CallRow;
