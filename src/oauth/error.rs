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
    /// What the response means by the table in `refusal`, if it says so.
    pub error_code: Option<ErrorCode>,
    /// How long the server wants to be left alone (`Retry-After` of a refusal that is not final), an hour at most.
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
    /// It is so where the server itself says no (status 400, 401, 403 or 422, or a success with an error in it) with a
    /// code or text that the table in `refusal` knows as final; and where what was typed cannot be sent at all. A fault
    /// of SOAP has status 500 (SOAP 1.1 6.2).
    ///
    /// Everything else may be a passing fault of network, proxy or server: time-outs, TLS, addresses, 404 while something
    /// is deployed, 408, 429, 5xx, web pages, empty responses, codes that are not known.
    pub fn is_final(&self) -> bool {
        let code = self.error_code;
        match self.stage {
            Stage::Request => true,
            Stage::Status(400 | 401 | 403 | 422) | Stage::Response => code.is_some_and(ErrorCode::is_final),
            Stage::Status(500) => code == Some(ErrorCode::SignInFault),
            _ => false,
        }
    }

    /// Whether the server has answered in its own words, so that a fault of network or server is unlikely.
    pub fn is_refusal(&self) -> bool {
        match self.stage {
            Stage::Status(400 | 401 | 403 | 422) => true,
            Stage::Response => self.error_code.is_some(),
            _ => false,
        }
    }

    /// Whether the server does not know the client, or not with this secret.
    pub fn blames_client(&self) -> bool {
        use ErrorCode::{InvalidClient, UnauthorizedClient};
        self.is_final() && matches!(self.error_code, Some(InvalidClient | UnauthorizedClient))
    }

    /// Whether a refresh may be refused for want of a scope.
    pub fn wants_scope(&self) -> bool {
        matches!(self.error_code, Some(ErrorCode::InvalidRequest | ErrorCode::InvalidScope)) && self.is_refusal()
    }

    /// The same, for a reason that passes.
    pub fn passing(self, remedy: &str) -> Self {
        self.with_code(Some(ErrorCode::TemporarilyUnavailable)).with_remedy(remedy)
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
        self.retry_after = wait.filter(|_| !self.is_final());
        self
    }
}

impl From<SendError> for TokenError {
    fn from(error: SendError) -> Self {
        let more_time = match error.stage {
            Stage::TimeOut => " A slow server can be given more time: Time-out in seconds, on the Authorization tab.",
            _ => "",
        };
        Self::new(error.stage, error.message, &format!("{}{more_time}", error.remedy))
    }
}

/// What a response means. Servers have many words for the same and mix them up; the table in `refusal` maps them to these.
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
    /// The person has not agreed yet (RFC 8628 3.5).
    AuthorizationPending,
    /// The device code has ended (RFC 8628 3.5).
    ExpiredToken,
    /// Too many requests (RFC 8628 3.5).
    SlowDown,
    /// A resource that the server does not know (RFC 8707 2).
    InvalidTarget,
    /// A token that the server does not revoke (RFC 7009 2.2.1).
    UnsupportedTokenType,
    /// GitHub's `invalid_grant` for a code.
    BadVerificationCode,
    /// A person has to sign in or to agree again (OpenID Connect Core 3.1.2.6).
    InteractionRequired,
    /// The server wants proofs of possession (RFC 9449), which are not made here.
    DpopRequired,
    /// A SOAP fault that says that user or password are wrong.
    SignInFault,
    /// Any other one; the server's message has it.
    Other,
}

impl ErrorCode {
    /// Whether the same request cannot succeed later.
    fn is_final(self) -> bool {
        use ErrorCode::{AuthorizationPending, Other, ServerError, SlowDown, TemporarilyUnavailable};
        !matches!(self, AuthorizationPending | ServerError | TemporarilyUnavailable | SlowDown | Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_servers_own_no_is_final() {
        use Stage::{AddressRefused, Connection, NameLookup, Request, Response, Status, TimeOut, Tls, Url};
        let codes = [
            (Some(ErrorCode::InvalidGrant), true),
            (Some(ErrorCode::InvalidRequest), true),
            (Some(ErrorCode::InvalidClient), true),
            (Some(ErrorCode::TemporarilyUnavailable), false),
            (Some(ErrorCode::ServerError), false),
            (Some(ErrorCode::SlowDown), false),
            (Some(ErrorCode::Other), false),
            (None, false),
        ];
        for (stage, may_be_final) in [
            (Status(400), true),
            (Status(401), true),
            (Status(403), true),
            (Status(422), true),
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
                let refusal = TokenError::new(stage, "", "").with_code(code);
                assert_eq!(refusal.is_final(), may_be_final && is_final, "{stage:?} {code:?}");
            }
        }
        assert!(TokenError::new(Request, "", "").is_final());
    }
}
