//! Why a call has no response of the API: a code for programs, sentences for people, and a remedy.
//!
//! Rule: every kind is in [`KINDS`], from which the API's description is made. Danger: a path, a
//! query or a header in a sentence; they name connector, host and port at most.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::authorization::{TokenKeeper, TokenProblem};
use crate::calls::{CallRecord, Outcome, Shown};
use crate::connectors::{ApiOutcome, ConnectorId};
use crate::outbound::{SendError, Stage};
use crate::web::Error;

/// A kind of problem as it is documented (RFC 9457).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProblemKind {
    /// For programs; never changes.
    pub code: &'static str,
    /// The status of the HTTP response.
    pub status: u16,
    pub title: &'static str,
    /// What to try, unless the failure says something more specific.
    pub remedy: &'static str,
}

/// Kinds of problems as constants, and all of them in `KINDS`.
macro_rules! problem_kinds {
    ($($name:ident = $code:literal, $status:literal, $title:literal, $remedy:literal;)*) => {
        $(pub const $name: $crate::relay::ProblemKind =
            $crate::relay::ProblemKind { code: $code, status: $status, title: $title, remedy: $remedy };)*
        pub const KINDS: &[$crate::relay::ProblemKind] = &[$($name),*];
    };
}
pub(crate) use problem_kinds;

problem_kinds! {
    CONNECTOR_NOT_FOUND = "connector_not_found", 404, "There is no such data connector",
        "Check the key in the address: it is shown on the connector’s page. Ask for a key that may use this connector.";
    CONNECTOR_DISABLED = "connector_disabled", 409, "The data connector is disabled",
        "Ask an administrator of the connector to enable it.";
    NO_ADDRESS = "connector_without_address", 409, "The data connector has no address to call",
        "Enter a base URL on the connector’s Details tab.";
    NOT_AUTHORIZED = "connector_not_authorized", 409, "The data connector is not authorized",
        "Fill in the connector’s Authorization tab.";
    NEEDS_REAUTHORIZATION = "connector_needs_reauthorization", 409, "The data connector must be authorized again",
        "Authorize it again on the connector’s Authorization tab.";
    TOKEN_UNAVAILABLE = "token_unavailable", 503, "The data connector has no access token at the moment",
        "Try again later. The connector’s Authorization tab shows the server’s message.";
    TOKEN_RENEWING = "token_renewal_in_progress", 503, "The data connector’s access token is being renewed",
        "Try again in a moment. If this persists, ask the administrator of the token server.";
    HOST_NOT_ALLOWED = "host_not_allowed", 403, "The address is not one of the connector’s own",
        "Use an address below the connector’s base URL, or an endpoint’s.";
    ORIGIN_NOT_APPROVED = "origin_not_approved", 403, "The credential may not be sent to this address",
        "Ask a person who may authorize the connector to approve the origin on its Authorization tab.";
    PATH_NOT_ALLOWED = "path_not_allowed", 400, "The path cannot be passed on",
        "Leave out “.” and “..” segments, backslashes and characters that must be encoded.";
    BUSY = "connector_busy", 503, "The data connector is busy",
        "Try again in a moment, or raise “Concurrent calls” on the connector’s Authorization tab.";
    CIRCUIT_OPEN = "api_failing", 503, "The API has failed too often, so calls are paused",
        "Try again later. Calls resume automatically.";
    UNSENDABLE = "request_not_sendable", 400, "The request cannot be sent",
        "Check names and values of the request’s headers.";
    BODY_NOT_READ = "request_body_broken", 400, "The request’s body is incomplete",
        "Send the request again.";
    NO_ROOM = "too_many_bodies", 503, "Connectory holds too many large bodies at the moment",
        "Try again in a moment; bodies of up to 16 KiB are always taken, and the proxy streams those of over 64 KiB.";
    NAME_NOT_FOUND = "api_name_not_found", 502, "The API’s host name has no address",
        "Check the host name in the connector’s base URL.";
    ADDRESS_REFUSED = "api_address_refused", 502, "The API’s address is one that Connectory must not connect to",
        "Ask the administrator of Connectory whether the address may be allowed.";
    CONNECTION_FAILED = "api_connection_failed", 502, "No connection to the API",
        "Check that the API runs and can be reached from Connectory’s machine.";
    TLS_FAILED = "api_tls_failed", 502, "No encrypted connection to the API",
        "Check the certificates on the connector’s Authorization tab.";
    TIME_OUT = "api_timed_out", 504, "The API took too long",
        "Try again, or raise the connector’s or the endpoint’s time-out.";
    BAD_ANSWER = "api_answer_unusable", 502, "The API’s response cannot be used",
        "Ask the API’s administrator.";
    UNAVAILABLE = "database_unavailable", 503, "Connectory cannot reach its database",
        "This usually passes within seconds: try again.";
    INTERNAL = "internal_error", 500, "There is a problem with Connectory",
        "Tell an administrator the request id: the cause is in the log.";
}

/// Kinds with a status of 500 and above that are a refusal of Connectory's and no failure.
const REFUSALS: [ProblemKind; 4] = [CIRCUIT_OPEN, BUSY, ADDRESS_REFUSED, NO_ROOM];

/// A call without a response of the API.
#[derive(Clone, Debug)]
pub struct RelayError {
    pub kind: &'static ProblemKind,
    /// What happened: a sentence without secrets.
    pub detail: String,
    /// What to try: a sentence.
    pub remedy: String,
    /// Whether the API may have received the request.
    pub sent: bool,
    pub retry_after: Option<Duration>,
    /// What it says of the connector; `None` if nothing.
    pub shown: Option<ApiOutcome>,
    /// Requests that were sent.
    pub attempts: u16,
    /// How long it waited for a permit and a token.
    pub queue: Duration,
}

impl ProblemKind {
    /// An error of this kind, before anything was sent.
    pub fn because(&'static self, detail: impl Into<String>) -> RelayError {
        RelayError {
            kind: self,
            detail: detail.into(),
            remedy: self.remedy.to_string(),
            sent: false,
            retry_after: None,
            shown: None,
            attempts: 0,
            queue: Duration::ZERO,
        }
    }
}

impl RelayError {
    pub(super) fn retry_after(mut self, wait: Duration) -> RelayError {
        self.retry_after = Some(wait);
        self
    }

    fn remedy(mut self, remedy: String) -> RelayError {
        if !remedy.is_empty() {
            self.remedy = remedy;
        }
        self
    }

    /// A failed exchange.
    pub fn of_failure(failure: SendError) -> RelayError {
        let kind = match failure.stage {
            Stage::Request | Stage::Url => &UNSENDABLE,
            Stage::NameLookup => &NAME_NOT_FOUND,
            Stage::AddressRefused => &ADDRESS_REFUSED,
            Stage::Connection => &CONNECTION_FAILED,
            Stage::Tls => &TLS_FAILED,
            Stage::TimeOut => &TIME_OUT,
            Stage::Status(_) | Stage::Response => &BAD_ANSWER,
        };
        let problem = kind.because(failure.message).remedy(failure.remedy);
        RelayError { sent: failure.sent, ..problem }
    }

    /// A response whose body broke off.
    pub fn broken_off(failure: SendError) -> RelayError {
        RelayError { shown: Some(ApiOutcome::Failed), ..RelayError::of_failure(failure) }
    }

    /// A token that could not be obtained.
    pub fn of_token(problem: TokenProblem, now: DateTime<Utc>) -> RelayError {
        match problem {
            TokenProblem::Disabled => CONNECTOR_DISABLED.because("Calls through it are refused."),
            TokenProblem::NotAuthorized => NOT_AUTHORIZED.because("There is no access token."),
            TokenProblem::Ended => {
                NEEDS_REAUTHORIZATION.because("The access token has ended, and only a person can get another.")
            }
            TokenProblem::RefusedYoung => {
                TOKEN_UNAVAILABLE.because("The API refuses a token that has just been issued.")
            }
            TokenProblem::Refused(refusal) => {
                let kind = if refusal.is_final() { &NEEDS_REAUTHORIZATION } else { &TOKEN_UNAVAILABLE };
                kind.because(quoting(refusal.message, refusal.server_words.unwrap_or_default())).remedy(refusal.remedy)
            }
            TokenProblem::Backoff(last) => {
                let kind = if last.is_final { &NEEDS_REAUTHORIZATION } else { &TOKEN_UNAVAILABLE };
                let retry_after = last.next_attempt().map(|next| (next - now).to_std().unwrap_or_default());
                RelayError { retry_after, ..kind.because(quoting(last.message, last.server_words)).remedy(last.remedy) }
            }
            TokenProblem::Changed | TokenProblem::Elsewhere => TOKEN_UNAVAILABLE
                .because("The tokens were changed while a new one was asked for.")
                .retry_after(Duration::from_secs(1)),
            TokenProblem::Fault(error) => RelayError::of_error(&error),
        }
    }

    /// A token that did not come in time; the API was not called.
    pub fn late_token(keeper: &TokenKeeper, id: ConnectorId, connector: &str) -> RelayError {
        let Some(renewal) = keeper.renewal(id) else {
            return UNAVAILABLE
                .because("The time ran out before the stored access token could be read.")
                .retry_after(Duration::from_secs(5));
        };
        let seconds = renewal.retry_after.as_secs();
        let detail = if renewal.is_elsewhere {
            format!(
                "Another instance is renewing the access token of {connector}: try again in {seconds} seconds. If that instance has died, this one takes over by then."
            )
        } else {
            format!(
                "The access token of {connector} is being renewed, and its server has not responded yet: try again in {seconds} seconds."
            )
        };
        TOKEN_RENEWING.because(detail).retry_after(renewal.retry_after)
    }

    /// A body that does not fit into the memory for bodies.
    pub fn no_room() -> RelayError {
        NO_ROOM.because("All bodies together take as much memory as they may.").retry_after(Duration::from_secs(1))
    }

    /// Completes the call's entry in the log.
    pub fn log(&self, record: &mut CallRecord) {
        let is_failure = self.kind.status >= 500 && !REFUSALS.contains(self.kind);
        record.update(|call| {
            call.outcome = if is_failure { Outcome::Failed } else { Outcome::Refused };
            call.problem = self.kind.code;
            call.detail.clone_from(&self.detail);
            call.shown = self.shown.map(Shown::only);
            call.attempts = self.attempts;
            call.queue = self.queue;
        });
    }

    /// A fault of this program, which is logged here.
    pub fn of_error(error: &Error) -> RelayError {
        match error {
            Error::Unavailable(cause) => {
                tracing::warn!(cause = format!("{cause:#}"), "database unavailable");
                UNAVAILABLE.because("The database does not respond.").retry_after(Duration::from_secs(5))
            }
            Error::Internal(cause) => {
                tracing::error!(cause = format!("{cause:#}"), "call failed");
                INTERNAL.because("The call was not finished.")
            }
            other => {
                tracing::error!(cause = %other, "call failed");
                INTERNAL.because("The call was not finished.")
            }
        }
    }
}

fn quoting(message: String, words: String) -> String {
    if words.is_empty() { message } else { format!("{message} The server said: “{words}”") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_sentences() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..at].iter().all(|other| other.code != kind.code));
            assert!(kind.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            assert!((400..600).contains(&kind.status));
            assert!(kind.remedy.ends_with('.'), "{}", kind.code);
            assert!(!kind.title.ends_with('.'));
        }
    }
}
