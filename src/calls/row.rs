//! An entry of the log as pages show it: times, sizes and outcomes as text.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text};
use uuid::Uuid;

use super::{CallKind, CallerKind, Outcome};
use crate::db::schema::calls;
use crate::web::{grouped, on_clock, size};

/// An entry.
#[derive(QueryableByName)]
#[diesel(table_name = calls)]
pub struct CallRow {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    kind: String,
    pub connector_id: Uuid,
    pub connector_name: String,
    pub endpoint_id: Option<Uuid>,
    pub endpoint_name: String,
    caller_kind: String,
    pub caller_id: Uuid,
    pub caller_name: String,
    pub address: String,
    pub method: String,
    pub target: String,
    pub outcome: String,
    pub status: Option<i16>,
    pub problem: String,
    pub detail: String,
    pub attempts: i16,
    pub queue_us: i64,
    pub connect_us: i64,
    pub first_byte_us: i64,
    pub total_us: i64,
    pub sent_bytes: i64,
    pub received_bytes: i64,
    pub request_id: String,
    /// Of the connector, while it is not deleted.
    #[diesel(sql_type = Nullable<Text>)]
    pub connector_key: Option<String>,
    /// The beginning of the key that was presented, while it is known.
    #[diesel(sql_type = Nullable<Text>)]
    pub key_prefix: Option<String>,
}

/// The columns of a [`CallRow`] that are in the log itself.
pub(super) const COLUMNS: &str = "id, at, kind, connector_id, connector_name, endpoint_id, endpoint_name, caller_kind, caller_id, \
    caller_name, api_key_id, address, method, target, outcome, status, problem, detail, attempts, queue_us, connect_us, first_byte_us, \
    total_us, sent_bytes, received_bytes, request_id";

impl CallRow {
    pub fn place(&self) -> CallPlace {
        CallPlace { at: self.at, id: self.id }
    }

    /// `22 Nov 2026, 14:02:13`
    pub fn stamp(&self) -> String {
        stamp(&self.at)
    }

    pub fn status(&self) -> CallStatus {
        CallStatus::read(&self.outcome, self.status)
    }

    pub fn is_error(&self) -> bool {
        let status = self.status();
        status.outcome != Outcome::Answered || status.code.is_some_and(|code| code >= 400)
    }

    /// Where an error without a description of ours comes from.
    pub fn error_source(&self) -> &'static str {
        match self.status().outcome {
            Outcome::Answered => "Returned by the API",
            Outcome::Cancelled => "The caller disconnected",
            Outcome::Refused | Outcome::Failed => "Unknown",
        }
    }

    pub fn kind(&self) -> Option<CallKind> {
        CallKind::parse(&self.kind)
    }

    /// What was called: the endpoint's name, or how else the connector was used.
    pub fn what(&self) -> &str {
        match self.kind() {
            _ if !self.endpoint_name.is_empty() => &self.endpoint_name,
            Some(kind) => kind.label(),
            None => &self.kind,
        }
    }

    /// What happened, as the name of a page.
    pub fn heading(&self) -> String {
        match self.kind() {
            Some(CallKind::Run) => format!("Run of {}", self.what()),
            Some(CallKind::Proxy) => "Call through the proxy".into(),
            Some(CallKind::Token) => "Access token handed out".into(),
            Some(CallKind::Endpoint) | None => format!("Call of {}", self.what()),
        }
    }

    /// The calls of the same endpoint.
    pub fn endpoint_href(&self) -> Option<String> {
        let (connector, endpoint) = (self.connector_id, self.endpoint_id?);
        Some(format!("/calls?connector={connector}&endpoint={endpoint}"))
    }

    pub fn caller_kind(&self) -> &str {
        CallerKind::parse(&self.caller_kind).map_or(&self.caller_kind, |kind| kind.label())
    }

    pub fn took(&self) -> String {
        took(self.total_us)
    }

    pub fn received(&self) -> String {
        size(self.received_bytes)
    }

    pub fn sent(&self) -> String {
        size(self.sent_bytes)
    }
}

/// The address of an entry: its time names the partition and its id the row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CallPlace {
    pub at: DateTime<Utc>,
    pub id: Uuid,
}

impl CallPlace {
    /// Reads what [`CallPlace`] prints.
    pub fn parse(text: &str) -> Option<CallPlace> {
        let (micros, id) = text.split_once('-')?;
        Some(CallPlace { at: DateTime::from_timestamp_micros(micros.parse().ok()?)?, id: id.parse().ok()? })
    }
}

/// In an address: microseconds since 1970, and the id.
impl fmt::Display for CallPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.timestamp_micros(), self.id)
    }
}

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

/// The outcome of a call, shown by `calls/tag.html`.
#[derive(Clone, Copy)]
pub struct CallStatus {
    pub outcome: Outcome,
    /// Of the API's response.
    pub code: Option<u16>,
}

impl CallStatus {
    /// From the columns of an entry.
    pub(super) fn read(outcome: &str, status: Option<i16>) -> CallStatus {
        CallStatus {
            // A later version may have written a code that this one does not know; it was no response.
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

    /// `200 OK`, `Refused`, `No response`.
    pub fn label(&self) -> String {
        match (self.outcome, self.code) {
            (Outcome::Answered, Some(code)) => answer(code),
            (Outcome::Answered, None) => "Answered".into(),
            (Outcome::Refused, _) => "Refused".into(),
            (Outcome::Failed, None) => "No response".into(),
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
    fn a_place_reads_back_from_the_address_and_invalid_ones_are_refused() {
        let place =
            CallPlace { at: DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap(), id: Uuid::from_u128(7) };
        assert_eq!(CallPlace::parse(&place.to_string()), Some(place));
        for rubbish in [
            "",
            "-",
            "1-2",
            "x-00000000-0000-0000-0000-000000000007",
            "99999999999999999999-00000000-0000-0000-0000-000000000007",
        ] {
            assert_eq!(CallPlace::parse(rubbish), None, "{rubbish}");
        }
    }

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
        assert_eq!(status("answered", Some(404)).label(), "404 Not Found");
        assert_eq!(status("answered", Some(299)).label(), "299");
        assert_eq!(status("refused", None).label(), "Refused");
        assert_eq!(status("failed", None).tone(), "bad");
        assert_eq!(status("answered", Some(304)).tone(), "ok");
    }
}
