//! What a check, a run of checks and a schedule are.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::authorization::TestOutcome;
use crate::db::text_enum;
use crate::web::plural;

text_enum! {
    /// How often a connector is checked by itself. Without a row it is [`Schedule::Off`].
    pub enum Schedule {
        Off = "off", "Off";
        Hourly = "hourly", "Every hour";
        Daily = "daily", "Every day";
    }
}

/// A check of a connector.
#[derive(QueryableByName)]
pub struct CheckRow {
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub label: String,
    #[diesel(sql_type = Timestamptz)]
    pub requested_at: DateTime<Utc>,
    /// Who has started it; `None` for the schedule.
    #[diesel(sql_type = Nullable<Text>)]
    pub started_by: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub leased_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
    /// `None` while it waits or runs.
    #[diesel(sql_type = Nullable<Text>)]
    pub outcome: Option<TestOutcome>,
    #[diesel(sql_type = Text)]
    pub message: String,
    #[diesel(sql_type = Text)]
    pub remedy: String,
    /// In milliseconds.
    #[diesel(sql_type = Nullable<Integer>)]
    pub duration_ms: Option<i32>,
}

impl CheckRow {
    /// “Waiting”, “Running”, or the outcome.
    pub fn state(&self) -> &'static str {
        match (self.outcome, self.leased_until) {
            (Some(outcome), _) => outcome.label(),
            (None, Some(_)) => "Running",
            (None, None) => "Waiting",
        }
    }

    pub fn duration(&self) -> Option<String> {
        self.duration_ms.map(|time| plural(time.into(), "millisecond", "milliseconds"))
    }
}

/// Checks that a person has started together.
#[derive(QueryableByName)]
pub struct Run {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub started_by: String,
    /// How many were to be checked.
    #[diesel(sql_type = Integer)]
    pub connectors: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub cancelled_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    pub cancelled_by: String,
    #[diesel(sql_type = BigInt)]
    pub finished: i64,
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    #[diesel(sql_type = BigInt)]
    pub open: i64,
}

impl Run {
    pub fn is_running(&self) -> bool {
        self.open > 0
    }

    pub fn percent(&self) -> i64 {
        (self.finished * 100).checked_div(self.connectors.into()).unwrap_or(100).min(100)
    }

    pub fn state(&self) -> &'static str {
        match self.cancelled_at {
            Some(_) => "Cancelled",
            None if self.is_running() => "Running",
            None => "Done",
        }
    }

    /// How it stands, in a sentence.
    pub fn sentence(&self) -> String {
        let checked = format!(
            "{} of {} checked, {}.",
            self.finished,
            plural(self.connectors.into(), "data connector", "data connectors"),
            plural(self.failed, "problem", "problems")
        );
        match &self.cancelled_at {
            Some(_) => format!("{checked} The rest was cancelled by {}.", self.cancelled_by),
            None => checked,
        }
    }
}
