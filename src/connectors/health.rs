//! The health of a connector: one word for whether calls through it can be authorized.
//!
//! Which word it is follows from stored facts and the time, see [`super::forecast`]. The word is stored with the
//! connector, so that the list can sort and filter by it; whatever changes a fact recomputes it in its transaction, and
//! a job does so when only time has passed.

use crate::db::text_enum;

text_enum! {
    /// The words, with their codes in the order of the labels.
    pub enum Health {
        Disabled = "disabled", "Disabled";
        Expiring = "expiring", "Expiring";
        Failing = "failing", "Failing";
        Healthy = "healthy", "Healthy";
        NeedsReauthorization = "needs_reauthorization", "Needs re-authorization";
        NotAuthorized = "not_authorized", "Not authorized";
    }
}
