//! A line of the log as pages show it.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::words::{self, CallStatus};
use super::{CallKind, CallerKind, Outcome};
use crate::web::size;

/// A line of a list.
#[derive(QueryableByName)]
pub struct CallRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub connector_id: Uuid,
    #[diesel(sql_type = Text)]
    pub connector_name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub endpoint_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    pub endpoint_name: String,
    #[diesel(sql_type = Text)]
    caller_kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub caller_id: Uuid,
    #[diesel(sql_type = Text)]
    pub caller_name: String,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Text)]
    pub method: String,
    #[diesel(sql_type = Text)]
    pub target: String,
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub status: Option<i16>,
    #[diesel(sql_type = Text)]
    pub problem: String,
    #[diesel(sql_type = Text)]
    pub detail: String,
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    #[diesel(sql_type = BigInt)]
    pub queue_us: i64,
    #[diesel(sql_type = BigInt)]
    pub connect_us: i64,
    #[diesel(sql_type = BigInt)]
    pub first_byte_us: i64,
    #[diesel(sql_type = BigInt)]
    pub total_us: i64,
    #[diesel(sql_type = BigInt)]
    pub sent_bytes: i64,
    #[diesel(sql_type = BigInt)]
    pub received_bytes: i64,
    #[diesel(sql_type = Text)]
    pub request_id: String,
    /// Of the connector, while it is not deleted.
    #[diesel(sql_type = Nullable<Text>)]
    pub connector_key: Option<String>,
    /// The beginning of the key that was presented, while it is known.
    #[diesel(sql_type = Nullable<Text>)]
    pub key_prefix: Option<String>,
}

/// The columns of a [`CallRow`] that stand in the log itself.
pub(super) const COLUMNS: &str = "id, at, kind, connector_id, connector_name, endpoint_id, endpoint_name, caller_kind, caller_id, \
    caller_name, api_key_id, address, method, target, outcome, status, problem, detail, attempts, queue_us, connect_us, first_byte_us, \
    total_us, sent_bytes, received_bytes, request_id";

impl CallRow {
    pub fn place(&self) -> CallPlace {
        CallPlace { at: self.at, id: self.id }
    }

    /// `22 Nov 2026, 14:02:13`
    pub fn stamp(&self) -> String {
        words::stamp(&self.at)
    }

    pub fn status(&self) -> CallStatus {
        CallStatus::read(&self.outcome, self.status)
    }

    pub fn is_error(&self) -> bool {
        let status = self.status();
        status.outcome != Outcome::Answered || status.code.is_some_and(|code| code >= 400)
    }

    /// Of an error that has no words of ours.
    pub fn whose_error(&self) -> &'static str {
        match self.status().outcome {
            Outcome::Answered => "The API's own",
            Outcome::Cancelled => "The caller went away",
            Outcome::Refused | Outcome::Failed => "Unknown",
        }
    }

    pub fn kind(&self) -> Option<CallKind> {
        CallKind::parse(&self.kind)
    }

    /// What was called: the endpoint's name, or in which other way the connector was used.
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
        words::took(self.total_us)
    }

    pub fn received(&self) -> String {
        size(self.received_bytes)
    }

    pub fn sent(&self) -> String {
        size(self.sent_bytes)
    }
}

/// Where a line is found: its time leads to the partition and its id to the row.
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

/// As it stands in an address: microseconds since 1970, and the id.
impl fmt::Display for CallPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.timestamp_micros(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_address_and_rubbish_is_none() {
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
}
