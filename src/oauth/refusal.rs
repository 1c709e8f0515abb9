//! Why a server did not do what it was asked for.

use std::time::Duration;

use super::error_code::ErrorCode;
use crate::outbound::{SendError, Stage};

/// A request that did not bring what it was for, most often a token: a result to show, not an error
/// of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Where it failed.
    pub layer: RefusalLayer,
    /// What happened: a sentence.
    pub message: String,
    /// The server's own account, if it gave one, by [`crate::outbound::quote`]: one line of at most
    /// 300 characters without the secrets that were sent and without anything like a token.
    pub server_words: Option<String>,
    /// What to try: a sentence.
    pub remedy: String,
    /// The time that the request took.
    pub elapsed: Duration,
    /// The `error` of the answer (RFC 6749 5.2), if it is a text.
    pub error_code: Option<ErrorCode>,
    /// How long the server wants to be left alone (`Retry-After` of a 429 or 503), an hour at most.
    pub retry_after: Option<Duration>,
}

/// The step at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalLayer {
    /// What was typed cannot be sent.
    Request,
    /// The address is not one.
    Url,
    /// The host's name has no address.
    NameLookup,
    /// Connectory does not connect to such addresses.
    Address,
    /// No connection came about, or it broke.
    Connection,
    /// Certificates and encryption.
    Tls,
    /// The time was over.
    TimeOut,
    /// The server answered with this status, which is no success.
    HttpStatus(u16),
    /// The answer holds nothing usable.
    Answer,
}

impl Refusal {
    pub(super) fn new(layer: RefusalLayer, message: impl Into<String>, remedy: &str) -> Self {
        Self {
            layer,
            message: message.into(),
            server_words: None,
            remedy: remedy.to_owned(),
            elapsed: Duration::ZERO,
            error_code: None,
            retry_after: None,
        }
    }

    /// A request that was not sent, because it may not be.
    pub fn unasked(message: impl Into<String>, remedy: &str) -> Self {
        Self::new(RefusalLayer::Request, message, remedy)
    }

    /// Whether asking again with the same settings cannot help, so that a person must do something.
    ///
    /// It is so where the server itself says no in an error document (status 400, 401 or 403, or a
    /// success with an `error` in it), whatever its code, but for those that mean "later". Single
    /// codes decide nothing, for servers mix them up: `invalid_request` stands where RFC 6749 5.2
    /// has `invalid_grant`. It is also so where what was typed cannot be sent at all.
    ///
    /// Everything else may be a passing fault of network, proxy or server: time-outs, TLS,
    /// addresses, 404 while something is deployed, 408, 429, 5xx, web pages, empty answers.
    pub fn is_final(&self) -> bool {
        match self.layer {
            RefusalLayer::Request => true,
            RefusalLayer::HttpStatus(400 | 401 | 403) | RefusalLayer::Answer => {
                self.error_code.is_some_and(|code| !code.is_temporary())
            }
            _ => false,
        }
    }

    pub(super) fn with_words(mut self, words: Option<String>) -> Self {
        self.server_words = words;
        self
    }

    pub(super) fn with_remedy(mut self, remedy: &str) -> Self {
        remedy.clone_into(&mut self.remedy);
        self
    }

    pub(super) fn with_code(mut self, code: Option<ErrorCode>) -> Self {
        self.error_code = code;
        self
    }

    pub(super) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    pub(super) fn after(mut self, elapsed: Duration) -> Self {
        self.elapsed = elapsed;
        self
    }
}

impl From<SendError> for Refusal {
    fn from(failure: SendError) -> Self {
        Self::new(failure.stage.into(), failure.message, &failure.remedy).after(failure.elapsed)
    }
}

impl From<Stage> for RefusalLayer {
    fn from(layer: Stage) -> Self {
        match layer {
            Stage::Request => Self::Request,
            Stage::Url => Self::Url,
            Stage::NameLookup => Self::NameLookup,
            Stage::AddressRefused => Self::Address,
            Stage::Connection => Self::Connection,
            Stage::Tls => Self::Tls,
            Stage::TimeOut => Self::TimeOut,
            Stage::Response => Self::Answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_servers_own_no_is_final() {
        use RefusalLayer::*;
        let codes = [
            ("invalid_grant", true),
            ("invalid_request", true),
            ("invalid_client", true),
            ("E_42", true),
            ("temporarily_unavailable", false),
            ("server_error", false),
            ("slow_down", false),
            ("", false),
        ];
        for (layer, may_be_final) in [
            (HttpStatus(400), true),
            (HttpStatus(401), true),
            (HttpStatus(403), true),
            (Answer, true),
            (HttpStatus(302), false),
            (HttpStatus(404), false),
            (HttpStatus(408), false),
            (HttpStatus(429), false),
            (HttpStatus(500), false),
            (HttpStatus(503), false),
            (Url, false),
            (NameLookup, false),
            (Address, false),
            (Connection, false),
            (Tls, false),
            (TimeOut, false),
        ] {
            for (code, is_final) in codes {
                let refusal = Refusal::new(layer, "", "").with_code(ErrorCode::of(code));
                assert_eq!(refusal.is_final(), may_be_final && is_final, "{layer:?} {code}");
            }
        }
        assert!(Refusal::new(Request, "", "").is_final());
    }
}
