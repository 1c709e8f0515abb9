//! What calls, tests and tokens have shown of a connector, and what follows from the next call: the one table of what
//! counts for [`Health`].
//!
//! What became of a call counts as one of four ([`ApiOutcome`]):
//!
//! | It counts as | if |
//! |---|---|
//! | taken | the API answered with 2xx, 3xx or 4xx, but for those below: it knew who called, or did not care |
//! | refused | it answered 401 or 403, or as the connector's settings say that a token has ended |
//! | failed | it answered 5xx or not in time, or its response could not be used or broke off |
//! | not reached | its host has no address, or none that may be called; no connection; TLS failed |
//! | nothing | it answered 407, 408, 429 or a 403 that limits the rate (of other things than the credential); the caller went away; Connectory did not send it, for want of a token or a permit |
//!
//! A test of the stored settings counts as a call. What counts is the last response to a call, after renewals of its
//! token, retries and redirects. This is what a call makes of what was known so far:
//!
//! | A call is | not tested yet | Healthy | Failing | Refused |
//! |---|---|---|---|---|
//! | taken | Healthy | stays, with its time | Healthy | Healthy |
//! | refused | Refused at once | Refused when the run is long enough | Refused after 3 refusals in a row | stays |
//! | failed, not reached | Failing at once | Failing when the run is long enough | stays | Failing after 3 failures in a row |
//!
//! - The **run** is all calls since the last one that was taken. [`LONG_RUN`] are enough: one 5xx is no news, and two at
//!   the same time often share a cause that passes. After an hour without a call that was taken, [`LONG_RUN_AFTER_PAUSE`]
//!   are, so that a job that runs once a night is not called Healthy for three days. One is enough if it refuses a token
//!   that was issued during this very call.
//! - Calls of one endpoint (method and address) that get the same answer count once in a run, unless the call that was
//!   taken last was of this endpoint, or the API was not reached. So a missing permission or a broken endpoint is no state
//!   of the connector while others work.
//! - Before anything has spoken for the connector there is nothing to lose, so the first call decides. A token that a
//!   server has issued speaks for it.
//!
//! What forgets: a changed secret, method or setting, and a token that a person put in, forget everything; another base URL
//! what the API has shown; a renewed token only refusals, which concerned the token before. Time-outs and the like are
//! not forgotten by it, because they say nothing of tokens. Being disabled or in the trash forgets nothing.

use actix_web::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::Health;
use crate::db::text_enum;

/// So many calls in a row that the API does not take are a state of the connector.
pub const LONG_RUN: i32 = 3;

/// So many, if it has taken none for a [`PAUSE`].
pub const LONG_RUN_AFTER_PAUSE: i32 = 2;
const PAUSE: TimeDelta = TimeDelta::hours(1);

/// How old a stored time may get before it is stored again.
const STALE: TimeDelta = TimeDelta::minutes(1);

text_enum! {
    /// What the API's answers say so far.
    pub enum Standing {
        Untested = "untested", "";
        Taken = "taken", "";
        Refused = "refused", "";
        Failing = "failing", "";
    }
}

/// What became of a call, as far as it says something of the connector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApiOutcome {
    Taken,
    Refused,
    Failed,
    NotReached,
}

impl ApiOutcome {
    /// What the status of a response says; `limits_rate` if the response says that there were too many.
    pub fn of_status(status: u16, limits_rate: bool) -> Option<ApiOutcome> {
        match status {
            407 | 408 | 429 => None,
            403 if limits_rate => None,
            401 | 403 => Some(ApiOutcome::Refused),
            500.. => Some(ApiOutcome::Failed),
            _ => Some(ApiOutcome::Taken),
        }
    }

    /// “The API answered 401 Unauthorized.”
    pub fn status_message(status: u16) -> String {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        match reason {
            Some(reason) => format!("The API answered {status} {reason}."),
            None => format!("The API answered {status}."),
        }
    }

    fn speaks_for(self) -> Standing {
        match self {
            ApiOutcome::Taken => Standing::Taken,
            ApiOutcome::Refused => Standing::Refused,
            ApiOutcome::Failed | ApiOutcome::NotReached => Standing::Failing,
        }
    }
}

/// A call or a test, as far as it says something of the connector.
#[derive(Clone, Debug)]
pub struct Observation {
    pub outcome: ApiOutcome,
    /// When the response or the failure came.
    pub at: DateTime<Utc>,
    /// When the call had its credential.
    pub signed_at: DateTime<Utc>,
    /// Whether that was a token issued for this call, because the API had refused the one before.
    pub is_fresh_token: bool,
    /// Method and address, without values.
    pub target: String,
    /// What happened, in Connectory's words.
    pub message: String,
    /// The API's words, masked; may be empty.
    pub server_words: String,
}

/// What is known of a connector: its row of `evidence`.
#[derive(Clone, PartialEq, Eq, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = crate::db::schema::evidence, treat_none_as_null = true)]
pub struct Evidence {
    standing: Standing,
    counted_from: Option<DateTime<Utc>>,
    pub issued_at: Option<DateTime<Utc>>,
    pub taken_at: Option<DateTime<Utc>>,
    taken_target: String,
    run: i32,
    run_standing: Standing,
    run_of_kind: i32,
    run_target: String,
    pub failed_at: Option<DateTime<Utc>>,
    pub message: String,
    pub server_words: String,
}

impl Default for Evidence {
    fn default() -> Evidence {
        Evidence {
            standing: Standing::Untested,
            counted_from: None,
            issued_at: None,
            taken_at: None,
            taken_target: String::new(),
            run: 0,
            run_standing: Standing::Untested,
            run_of_kind: 0,
            run_target: String::new(),
            failed_at: None,
            message: String::new(),
            server_words: String::new(),
        }
    }
}

impl Evidence {
    /// What it says of the health.
    pub fn health(&self) -> Health {
        match self.standing {
            Standing::Refused => Health::Refused,
            Standing::Failing => Health::Failing,
            Standing::Taken => Health::Healthy,
            Standing::Untested if self.issued_at.is_some() => Health::Healthy,
            Standing::Untested => Health::NotTested,
        }
    }

    /// Whether the API's answers are what is wrong.
    pub fn is_bad(&self) -> bool {
        matches!(self.standing, Standing::Refused | Standing::Failing)
    }

    /// Adds what a call has shown.
    pub fn add(&mut self, seen: &Observation) {
        let is_of_other_token = seen.outcome == ApiOutcome::Refused && is_before(seen.signed_at, self.issued_at);
        if is_before(seen.signed_at, self.counted_from) || is_of_other_token {
            return;
        }
        if seen.outcome == ApiOutcome::Taken {
            self.take(seen);
        } else if !is_before(seen.at, self.taken_at) {
            let needed = self.needed(seen);
            self.extend_run(seen);
            self.standing = self.after_run(needed);
        }
    }

    /// One that came before the failures says nothing of what came after them.
    fn take(&mut self, seen: &Observation) {
        self.taken_at = self.taken_at.max(Some(seen.at));
        self.taken_target.clone_from(&seen.target);
        if !is_before(seen.at, self.failed_at) {
            self.standing = Standing::Taken;
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        self.run = 0;
        self.run_of_kind = 0;
        self.run_standing = Standing::Untested;
        self.run_target.clear();
        self.failed_at = None;
        self.message.clear();
        self.server_words.clear();
    }

    /// Further calls of a single endpoint, which is not the one that was taken last, count as one.
    fn extend_run(&mut self, seen: &Observation) {
        let speaks_for = seen.outcome.speaks_for();
        let concerns_all = seen.outcome == ApiOutcome::NotReached || self.concerns_known_target(seen);
        let is_known = self.run > 0 && self.run_target == seen.target && self.run_standing == speaks_for;
        if concerns_all || !is_known {
            self.run = (self.run + 1).min(LONG_RUN);
            self.run_of_kind = if self.run_standing == speaks_for { (self.run_of_kind + 1).min(LONG_RUN) } else { 1 };
        }
        self.run_target.clone_from(&seen.target);
        self.run_standing = speaks_for;
        self.failed_at = self.failed_at.max(Some(seen.at));
        // Of many calls that fail alike, not each quotes the API.
        if self.message != seen.message || !seen.server_words.is_empty() {
            self.server_words.clone_from(&seen.server_words);
        }
        self.message.clone_from(&seen.message);
    }

    /// Whether it was of the endpoint that was taken last, or none ever was: then it does not concern that endpoint alone.
    fn concerns_known_target(&self, seen: &Observation) -> bool {
        self.taken_target.is_empty() || self.taken_target == seen.target
    }

    /// How many calls in a row make a state.
    fn needed(&self, seen: &Observation) -> i32 {
        let spoke_for = self.taken_at.max(self.issued_at);
        let refuses_fresh = seen.is_fresh_token && seen.outcome == ApiOutcome::Refused;
        match (self.standing, spoke_for) {
            (Standing::Refused | Standing::Failing, _) => LONG_RUN,
            (_, None) => 1,
            _ if refuses_fresh && self.concerns_known_target(seen) => 1,
            (_, Some(good)) if seen.at - good >= PAUSE => LONG_RUN_AFTER_PAUSE,
            _ => LONG_RUN,
        }
    }

    /// The table of the module's comment, for a call that was not taken.
    fn after_run(&self, needed: i32) -> Standing {
        let length = if self.is_bad() { self.run_of_kind } else { self.run };
        if length >= needed { self.run_standing } else { self.standing }
    }

    /// Credential or settings are others from now on: nothing is known of them.
    pub fn forget(&mut self, now: DateTime<Utc>) {
        *self = Evidence { counted_from: Some(now), ..Evidence::default() };
    }

    /// The API is another one from now on. What the token server has shown stays.
    pub fn forget_api(&mut self, now: DateTime<Utc>) {
        *self = Evidence { counted_from: Some(now), issued_at: self.issued_at, ..Evidence::default() };
    }

    /// A token server has issued the first token of an authorization by a person.
    pub fn issue(&mut self, now: DateTime<Utc>) {
        self.forget(now);
        self.issued_at = Some(now);
    }

    /// The token was renewed: refusals concerned the one before.
    pub fn renew(&mut self, now: DateTime<Utc>) {
        self.issued_at = Some(now);
        if self.run_standing == Standing::Refused {
            self.end_run();
        }
        if self.standing == Standing::Refused {
            self.standing = if self.taken_at.is_some() { Standing::Taken } else { Standing::Untested };
        }
    }

    /// Whether to store what has become of this: another state or run, or a time that is over a minute old. All else
    /// stays in memory.
    pub fn is_news(&self, next: &Evidence) -> bool {
        let is_stale = |before: Option<DateTime<Utc>>, next: Option<DateTime<Utc>>| match (before, next) {
            (Some(before), Some(next)) => next - before >= STALE,
            (before, next) => before != next,
        };
        let run = |known: &Evidence| (known.standing, known.run, known.run_of_kind, known.run_standing);
        run(self) != run(next) || is_stale(self.taken_at, next.taken_at) || is_stale(self.failed_at, next.failed_at)
    }

    /// Remembers which call was taken last, of what was no news.
    pub fn note_target(&mut self, next: Evidence) {
        self.taken_target = next.taken_target;
    }

    /// Whether both say the same of the health.
    pub fn has_same_health(&self, other: &Evidence) -> bool {
        self.health() == other.health()
    }
}

fn is_before(at: DateTime<Utc>, other: Option<DateTime<Utc>>) -> bool {
    other.is_some_and(|other| at < other)
}

#[cfg(test)]
mod tests;
