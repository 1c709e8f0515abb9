//! The health of a connector: one word for whether calls through it can be authorized.
//!
//! Which word it is follows from stored facts and the time, see [`super::forecast`]. The word is stored with the
//! connector, so that the list can sort and filter by it; whatever changes a fact recomputes it in its transaction, and
//! a job does so when only time has passed.

use diesel::deserialize::FromSqlRow;

use crate::db::text_column;

text_column!(Health, "connectors.status");

/// The words, with their codes in the order of the labels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromSqlRow)]
pub enum Health {
    Disabled,
    Expiring,
    Failing,
    Healthy,
    NeedsReauthorization,
    NotAuthorized,
}

impl Health {
    pub const ALL: [Health; 6] = [
        Health::Disabled,
        Health::Expiring,
        Health::Failing,
        Health::Healthy,
        Health::NeedsReauthorization,
        Health::NotAuthorized,
    ];

    pub fn parse(code: &str) -> Option<Health> {
        Health::ALL.into_iter().find(|health| health.code() == code)
    }

    pub fn code(self) -> &'static str {
        match self {
            Health::Disabled => "disabled",
            Health::Expiring => "expiring",
            Health::Failing => "failing",
            Health::Healthy => "healthy",
            Health::NeedsReauthorization => "needs_reauthorization",
            Health::NotAuthorized => "not_authorized",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Health::Disabled => "Disabled",
            Health::Expiring => "Expiring",
            Health::Failing => "Failing",
            Health::Healthy => "Healthy",
            Health::NeedsReauthorization => "Needs re-authorization",
            Health::NotAuthorized => "Not authorized",
        }
    }
}
