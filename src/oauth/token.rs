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
    /// The granted scopes, parted by spaces, if the server names them.
    pub scope: Option<String>,
    /// The refresh token, if there is one that can be sent back (RFC 6749 A.17).
    pub refresh: Option<Secret>,
    /// The status of the answer.
    pub status: u16,
    /// The time that the request took.
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
    /// It is not: the token serves until the API refuses it.
    Unknown,
}
