//! Why a request to a server failed, and the error codes of OAuth 2.0.

use std::time::Duration;

use crate::outbound::{SendError, Stage};

/// A request that did not bring what it was for, most often a token: a result to show, not an error
/// of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    /// Where it failed.
    pub stage: Stage,
    /// What happened: a sentence.
    pub message: String,
    /// The server's own account, if it gave one, by [`crate::outbound::quote`]: one line of at most
    /// 300 characters without the secrets that were sent and without anything like a token.
    pub server_words: Option<String>,
    /// What to try: a sentence.
    pub remedy: String,
    /// The `error` of the response (RFC 6749 5.2), if it is a text.
    pub error_code: Option<ErrorCode>,
    /// How long the server wants to be left alone (`Retry-After` of a 429 or 503), an hour at most.
    pub retry_after: Option<Duration>,
}

impl TokenError {
    pub(super) fn new(stage: Stage, message: impl Into<String>, remedy: &str) -> Self {
        Self {
            stage,
            message: message.into(),
            server_words: None,
            remedy: remedy.to_owned(),
            error_code: None,
            retry_after: None,
        }
    }

    /// A request that was not sent, because it may not be.
    pub fn not_sent(message: impl Into<String>, remedy: &str) -> Self {
        Self::new(Stage::Request, message, remedy)
    }

    /// Whether asking again with the same settings cannot help, so that a person must do something.
    ///
    /// It is so where the server itself says no in an error document (status 400, 401 or 403, or a
    /// success with an `error` in it), whatever its code, but for those that mean "later". Single
    /// codes decide nothing, for servers mix them up: `invalid_request` comes where RFC 6749 5.2
    /// has `invalid_grant`. It is also so where what was typed cannot be sent at all.
    ///
    /// Everything else may be a passing fault of network, proxy or server: time-outs, TLS,
    /// addresses, 404 while something is deployed, 408, 429, 5xx, web pages, empty responses.
    pub fn is_final(&self) -> bool {
        match self.stage {
            Stage::Request => true,
            Stage::Status(400 | 401 | 403) | Stage::Response => {
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
}

impl From<SendError> for TokenError {
    fn from(error: SendError) -> Self {
        Self::new(error.stage, error.message, &error.remedy)
    }
}

/// The `error` of a response. Servers mix these up (several say `invalid_request` where RFC 6749
/// says `invalid_grant`), so a code chooses the text of the remedy; decisions depend on
/// [`ErrorCode::is_temporary`] at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// Something is missing or wrong (RFC 6749 5.2).
    InvalidRequest,
    /// The client is unknown or its authentication is wrong (5.2).
    InvalidClient,
    /// Code, refresh token or password are wrong or have ended (5.2).
    InvalidGrant,
    /// The client may not use this grant (5.2).
    UnauthorizedClient,
    /// The server does not know this grant (5.2).
    UnsupportedGrantType,
    /// The scope is wrong (5.2).
    InvalidScope,
    /// A person or the server denied access (4.1.2.1).
    AccessDenied,
    /// The server has a fault (4.1.2.1).
    ServerError,
    /// The server is overloaded (4.1.2.1).
    TemporarilyUnavailable,
    /// Too many requests (RFC 8628 3.5).
    SlowDown,
    /// A resource that the server does not know (RFC 8707 2).
    InvalidTarget,
    /// A token that the server does not revoke (RFC 7009 2.2.1).
    UnsupportedTokenType,
    /// GitHub's `invalid_client`.
    IncorrectClientCredentials,
    /// GitHub's `invalid_grant`.
    BadVerificationCode,
    /// Any other one; the server's message has it.
    Other,
}

impl ErrorCode {
    const NAMED: [(&str, Self); 14] = [
        ("invalid_request", Self::InvalidRequest),
        ("invalid_client", Self::InvalidClient),
        ("invalid_grant", Self::InvalidGrant),
        ("unauthorized_client", Self::UnauthorizedClient),
        ("unsupported_grant_type", Self::UnsupportedGrantType),
        ("invalid_scope", Self::InvalidScope),
        ("access_denied", Self::AccessDenied),
        ("server_error", Self::ServerError),
        ("temporarily_unavailable", Self::TemporarilyUnavailable),
        ("slow_down", Self::SlowDown),
        ("invalid_target", Self::InvalidTarget),
        ("unsupported_token_type", Self::UnsupportedTokenType),
        ("incorrect_client_credentials", Self::IncorrectClientCredentials),
        ("bad_verification_code", Self::BadVerificationCode),
    ];

    /// The code that a server has sent; `None` for an empty one.
    pub(super) fn of(code: &str) -> Option<Self> {
        let code = code.trim();
        let known = Self::NAMED.iter().find(|(name, _)| *name == code);
        match known {
            Some((_, known)) => Some(*known),
            None => (!code.is_empty()).then_some(Self::Other),
        }
    }

    /// The code as the standards write it; "other" for one that they do not have.
    pub fn as_str(self) -> &'static str {
        let mut named = Self::NAMED.iter();
        let found = named.find(|(_, code)| *code == self);
        found.map_or("other", |(name, _)| name)
    }

    /// Whether the same request may succeed later.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::ServerError | Self::TemporarilyUnavailable | Self::SlowDown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_servers_own_no_is_final() {
        use Stage::{AddressRefused, Connection, NameLookup, Request, Response, Status, TimeOut, Tls, Url};
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
        for (stage, may_be_final) in [
            (Status(400), true),
            (Status(401), true),
            (Status(403), true),
            (Response, true),
            (Status(302), false),
            (Status(404), false),
            (Status(408), false),
            (Status(429), false),
            (Status(500), false),
            (Status(503), false),
            (Url, false),
            (NameLookup, false),
            (AddressRefused, false),
            (Connection, false),
            (Tls, false),
            (TimeOut, false),
        ] {
            for (code, is_final) in codes {
                let refusal = TokenError::new(stage, "", "").with_code(ErrorCode::of(code));
                assert_eq!(refusal.is_final(), may_be_final && is_final, "{stage:?} {code}");
            }
        }
        assert!(TokenError::new(Request, "", "").is_final());
    }

    #[test]
    fn every_code_reads_back() {
        for (name, code) in ErrorCode::NAMED {
            assert_eq!((ErrorCode::of(name), code.as_str()), (Some(code), name));
        }
        assert_eq!(ErrorCode::of("INVALID_GRANT"), Some(ErrorCode::Other));
        assert_eq!(ErrorCode::of("E_42"), Some(ErrorCode::Other));
        assert_eq!(ErrorCode::of(" "), None);
    }
}
