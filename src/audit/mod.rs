//! The audit log: what was changed by whom, from where, field by field, in the transaction of the change.
//!
//! Rule: [`Change::record`] writes in the transaction that changes the object; nothing else writes entries, and they are
//! never changed. Their order, and that none was changed, is proved by the links beside them ([`chain`]).
//! Danger: a secret in a change. [`Changes::secret`] keeps only that there was one.

pub mod chain;
mod change;
mod entry;
mod export;
mod filter;
mod pages;
mod queries;
mod refusals;
mod search;

use serde_json::{Value, json};

pub use change::{Change, transaction};
pub(crate) use change::{first_version, next_version};
pub use entry::{AuditEntry, FieldChange, KINDS, Record};
pub use export::create as export;
pub use pages::{list, show};
pub use queries::entries_of;
pub use refusals::{Due, Refusal, Refusals};

/// The fields that a change touched.
#[derive(Default)]
pub struct Changes(Vec<Value>);

impl Changes {
    pub fn none() -> Changes {
        Changes::default()
    }

    /// Adds a field if its value is another now.
    pub fn field(mut self, name: &str, from: impl Into<String>, to: impl Into<String>) -> Changes {
        let (from, to) = (from.into(), to.into());
        if from != to {
            self.0.push(json!({ "field": name, "from": from, "to": to }));
        }
        self
    }

    /// Adds that a secret was changed, and nothing of it.
    pub fn secret(mut self, name: &str, what: &'static str) -> Changes {
        self.0.push(json!({ "field": name, "from": "", "to": what }));
        self
    }
}
