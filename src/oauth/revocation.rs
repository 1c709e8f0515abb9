//! Telling a server that a token is no longer needed (RFC 7009).

use super::body::BodyFormat;
use super::client::Client;
use super::exchange::exchange;
use super::inquiry::Inquiry;
use super::refusal::Refusal;
use super::remedy::Asked;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Transport};
use crate::vault::Secret;

/// What kind of token is to end (RFC 7009 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenHint {
    /// An access token.
    AccessToken,
    /// A refresh token; most servers end the access tokens that came of it as well.
    RefreshToken,
}

impl TokenHint {
    fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// Ends a token at its server. Success is a status, whatever the body says; a server that does not
/// know the token (any more) answers so too (RFC 7009 2.2).
pub async fn revoke(
    outbound: &Outbound,
    transport: &Transport,
    limits: Limits,
    endpoint: &HttpUrl,
    client: &Client,
    token: &Secret,
    hint: TokenHint,
) -> Result<(), Refusal> {
    let mut parameters = vec![("token", token.expose()), ("token_type_hint", hint.as_str())];
    parameters.extend(client.parameters());
    let request = client.authorize(BodyFormat::Form.post(endpoint, &parameters));
    let reply = exchange(outbound, transport, limits, request).await?;
    let mut mask = Mask::default();
    mask.add(token.expose());
    client.add_to(&mut mask);
    let inquiry = Inquiry { url: endpoint, asked: Asked::Revocation, mask: &mask, now: None };
    inquiry.check_status(&reply)
}

#[cfg(test)]
mod tests;
