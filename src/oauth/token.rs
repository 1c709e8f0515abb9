//! A token that a server issued.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::vault::Secret;

/// What a token request brought.
#[derive(Clone)]
pub struct Token {
    /// The access token: visible ASCII only, so that it can stand in a header.
    pub access: Secret,
    /// How to present it (RFC 6749 7.1): "Bearer", also where the server says nothing or says it
    /// in other letters; else the server's word, which is an HTTP token (RFC 9110 5.6.2).
    pub token_type: String,
    /// When it expires; in the past if the server issued an old one.
    pub expires_at: Option<DateTime<Utc>>,
    /// How the expiry is known.
    pub expiry_source: ExpirySource,
    /// The granted scopes, parted by spaces, if the server names them. It need not where they are
    /// those that were asked for (RFC 6749 5.1); those of a refreshed token then stay (6).
    pub scope: Option<String>,
    /// The refresh token, if there is one that can be sent back (RFC 6749 A.17). Without one in the
    /// answer to a refresh the old one stays good (6).
    pub refresh: Option<Secret>,
    /// The ID token as it came (OpenID Connect Core 3.1.3.3), unread and unchecked.
    pub id_token: Option<Secret>,
    /// The status of the answer; 302 for one that came with a redirect (RFC 6749 4.2.2).
    pub status: u16,
    /// The time that the request took; none for an answer that came with a redirect.
    pub elapsed: Duration,
    /// Where in the answer the access token stood: `access_token`, `/data/token`,
    /// `header x-auth-token` or `whole answer`.
    pub found_at: String,
}

/// How a token's expiry is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpirySource {
    /// From `expires_in` (RFC 6749 5.1).
    ExpiresIn,
    /// From the `exp` claim of a JWT (RFC 7519 4.1.4), whose signature is not ours to check.
    JwtExp,
    /// A person has entered how long such tokens live, for the answer does not tell.
    Manual,
    /// It is not: the token serves until the API refuses it.
    Unknown,
}
