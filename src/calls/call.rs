//! One call, as the code that made it reports it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::connectors::{ApiOutcome, ConnectorId};
use crate::db::text_enum;

/// An entry of the call log before it is written. It has no field for a header, a query or a body, so none can be stored; the
/// API's words about a failure are masked, and go to the connector's health.
pub struct Call {
    /// A UUID of version 7, made for this call.
    pub id: Uuid,
    /// When the call began.
    pub at: DateTime<Utc>,
    pub kind: CallKind,
    pub connector: ConnectorId,
    /// The name as it was at the call: the entry outlives the connector.
    pub connector_name: Arc<str>,
    pub endpoint: Option<(Uuid, Arc<str>)>,
    pub caller: Caller,
    /// Where the caller's request came from.
    pub address: String,
    pub method: &'static str,
    pub target: Target,
    pub outcome: Outcome,
    /// The status of the API's response.
    pub status: Option<u16>,
    /// The code of what went wrong here; empty if nothing did.
    pub problem: &'static str,
    /// The same as a sentence of ours, without text of the API.
    pub detail: String,
    /// What it shows of the connector; `None` if nothing.
    pub shown: Option<Shown>,
    /// Requests that were sent to the API.
    pub attempts: u16,
    /// Waiting for a permit and for a token.
    pub queue: Duration,
    /// Opening a connection; zero if one was open.
    pub connect: Duration,
    /// From the end of the queue to the head of the response, `connect` included.
    pub first_byte: Duration,
    /// From the call to its last byte.
    pub total: Duration,
    /// Bytes of the body that was sent to the API.
    pub sent: u64,
    /// Bytes of the body of the API's response.
    pub received: u64,
    pub request_id: String,
}

/// What a call shows of its connector, see [`crate::connectors::Evidence`].
#[derive(Clone, Debug)]
pub struct Shown {
    pub outcome: ApiOutcome,
    /// When it got another token, because the API had refused the first one.
    pub renewed_at: Option<DateTime<Utc>>,
    /// The API's own words about a failure, masked and cut; mostly empty.
    pub server_words: String,
}

impl Shown {
    pub fn only(outcome: ApiOutcome) -> Shown {
        Shown { outcome, renewed_at: None, server_words: String::new() }
    }
}

/// Where a call comes from.
pub struct CallSource {
    /// A UUID of version 7, made for this call.
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub caller: Caller,
    pub address: String,
    pub request_id: String,
}

impl Call {
    /// A call that has begun. It counts as cancelled until its outcome is set.
    pub fn new(
        source: CallSource,
        kind: CallKind,
        (connector, connector_name): (ConnectorId, &Arc<str>),
        (method, target): (&'static str, Target),
    ) -> Call {
        Call {
            id: source.id,
            at: source.at,
            kind,
            connector,
            connector_name: Arc::clone(connector_name),
            endpoint: None,
            caller: source.caller,
            address: source.address,
            method,
            target,
            outcome: Outcome::Cancelled,
            status: None,
            problem: "",
            detail: String::new(),
            shown: None,
            attempts: 0,
            queue: Duration::ZERO,
            connect: Duration::ZERO,
            first_byte: Duration::ZERO,
            total: Duration::ZERO,
            sent: 0,
            received: 0,
            request_id: source.request_id,
        }
    }

    /// Whether charts and lists count it as an error: there was no response, or one with a status of 400 and above.
    pub fn is_error(&self) -> bool {
        self.outcome != Outcome::Answered || self.status.is_some_and(|status| status >= 400)
    }
}

/// Who called.
#[derive(Clone)]
pub struct Caller {
    pub kind: CallerKind,
    pub id: Uuid,
    pub name: Arc<str>,
    /// The key that was presented; none for a person on the pages.
    pub api_key: Option<Uuid>,
}

text_enum! {
    /// How a connector was used.
    pub enum CallKind {
        /// An endpoint, by another program.
        Endpoint = "endpoint", "Endpoint";
        /// Any path of the API, by another program.
        Proxy = "proxy", "Proxy";
        /// The access token itself.
        Token = "token", "Access token";
        /// An endpoint, by a person who tried it out.
        Run = "run", "Run";
    }
}

text_enum! {
    /// What a caller is.
    pub enum CallerKind {
        Program = "program", "Program";
        User = "user", "Person";
    }
}

text_enum! {
    /// The outcome of a call.
    pub enum Outcome {
        /// The API has responded, with any status.
        Answered = "answered", "Answered";
        /// Connectory refused it: the key, the guard, the circuit breaker, a limit.
        Refused = "refused", "Refused";
        /// There was no response.
        Failed = "failed", "Failed";
        /// The caller disconnected before the end.
        Cancelled = "cancelled", "Cancelled";
    }
}

/// The longest target and detail that are stored, in characters.
const MAX_LENGTH: usize = 500;

/// What was called: an endpoint's URL before values were put in, or host and path. Without user, password, query and
/// fragment, whatever it is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target(Arc<str>);

impl Target {
    pub fn new(url: &str) -> Target {
        let end = url.find(['?', '#']).unwrap_or(url.len());
        let url = &url[..end];
        let (scheme, rest) = match url.find("://") {
            Some(at) => url.split_at(at + 3),
            None => ("", url),
        };
        let host_ends = rest.find('/').unwrap_or(rest.len());
        let host = rest[..host_ends].rfind('@').map_or(&rest[..host_ends], |at| &rest[at + 1..host_ends]);
        Target(clean(&format!("{scheme}{host}{}", &rest[host_ends..])).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text as a column can hold it, and no longer than a page shows.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let fits = |c: char| !c.is_control();
    if text.len() <= MAX_LENGTH && text.chars().all(fits) {
        return Cow::Borrowed(text);
    }
    let blank = |c: char| if fits(c) { c } else { ' ' };
    Cow::Owned(text.chars().take(MAX_LENGTH).map(blank).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_no_query_no_fragment_and_no_sign_in() {
        for (url, kept) in [
            ("https://api.example.org/v1/orders?key=secret", "https://api.example.org/v1/orders"),
            ("https://ana:secret@api.example.org/v1#secret", "https://api.example.org/v1"),
            ("https://ana:sec@ret@api.example.org?x", "https://api.example.org"),
            ("orders/{{order.id}}", "orders/{{order.id}}"),
            ("/users/a@b.example", "/users/a@b.example"),
            ("?secret", ""),
        ] {
            assert_eq!(Target::new(url).as_str(), kept, "{url}");
        }
    }

    #[test]
    fn text_is_short_and_has_nothing_that_a_column_refuses() {
        assert_eq!(clean("a\0b\nc"), "a b c");
        assert_eq!(clean(&"ü".repeat(2000)).chars().count(), 500);
        assert!(matches!(clean("fine"), Cow::Borrowed("fine")));
    }
}
