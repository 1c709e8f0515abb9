//! Times and outcomes in the words of the log's pages.

use std::time::Duration;

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};

use super::Outcome;
use crate::web::{grouped, on_clock};

/// `22 Nov 2026, 14:02:13`
pub(super) fn stamp(time: &DateTime<Utc>) -> String {
    on_clock(time, "%-d %b %Y, %H:%M:%S")
}

/// `0.4 ms`, `40 ms`, `1.2 s`, `75 s`
pub(super) fn took(micros: i64) -> String {
    match micros {
        ..10_000 => format!("{:.1} ms", micros.max(0) as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..10_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        _ => format!("{} s", grouped(micros / 1_000_000)),
    }
}

/// A bound of a class of times: `50 ms`, `2 s`.
pub(super) fn bound(time: Duration) -> String {
    match time.as_millis() {
        millis @ ..1_000 => format!("{millis} ms"),
        _ => format!("{} s", time.as_secs()),
    }
}

/// What became of a call, as an icon and words: wants `calls/tag.html`.
#[derive(Clone, Copy)]
pub struct CallStatus {
    pub outcome: Outcome,
    /// Of the API's answer.
    pub code: Option<u16>,
}

impl CallStatus {
    /// From the columns of a line.
    pub(super) fn read(outcome: &str, status: Option<i16>) -> CallStatus {
        CallStatus {
            // A word that this version does not know was written by a later one; what it stands for was no answer.
            outcome: Outcome::parse(outcome).unwrap_or(Outcome::Failed),
            code: status.and_then(|status| status.try_into().ok()),
        }
    }

    /// The class of the tag, and of its icon.
    pub fn tone(&self) -> &'static str {
        match (self.outcome, self.code) {
            (Outcome::Answered, None | Some(..400)) => "ok",
            (Outcome::Failed, _) | (Outcome::Answered, Some(500..)) => "bad",
            _ => "warn",
        }
    }

    /// `200 OK`, `Refused`, `No answer`.
    pub fn words(&self) -> String {
        match (self.outcome, self.code) {
            (Outcome::Answered, Some(code)) => answer(code),
            (Outcome::Answered, None) => "Answered".into(),
            (Outcome::Refused, _) => "Refused".into(),
            (Outcome::Failed, None) => "No answer".into(),
            (Outcome::Failed, Some(code)) => format!("Broken off: {}", answer(code)),
            (Outcome::Cancelled, _) => "Cancelled".into(),
        }
    }
}

fn answer(code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{code} {reason}"),
        None => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_have_their_unit() {
        for (micros, words) in
            [(0, "0.0 ms"), (410, "0.4 ms"), (40_900, "40 ms"), (1_240_000, "1.2 s"), (75_000_000, "75 s")]
        {
            assert_eq!(took(micros), words);
        }
    }

    #[test]
    fn a_status_is_a_word_and_a_code() {
        let status = |outcome, code| CallStatus::read(outcome, code);
        assert_eq!(status("answered", Some(404)).words(), "404 Not Found");
        assert_eq!(status("answered", Some(299)).words(), "299");
        assert_eq!(status("refused", None).words(), "Refused");
        assert_eq!(status("failed", None).tone(), "bad");
        assert_eq!(status("answered", Some(304)).tone(), "ok");
    }
}
