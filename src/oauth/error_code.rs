//! The error codes of OAuth 2.0.

/// The `error` of an answer. Servers mix these up (several say `invalid_request` where RFC 6749
/// says `invalid_grant`), so a code chooses words; what is done hangs on
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
    /// Somebody said no (4.1.2.1).
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
    /// Any other one; the server's words tell it.
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
    fn every_code_reads_back() {
        for (name, code) in ErrorCode::NAMED {
            assert_eq!((ErrorCode::of(name), code.as_str()), (Some(code), name));
        }
        assert_eq!(ErrorCode::of("INVALID_GRANT"), Some(ErrorCode::Other));
        assert_eq!(ErrorCode::of("E_42"), Some(ErrorCode::Other));
        assert_eq!(ErrorCode::of(" "), None);
    }
}
