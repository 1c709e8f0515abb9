//! Telling a server that a token is no longer needed (RFC 7009).

use oauth2::{AccessToken, RefreshToken, RevocationUrl, StandardRevocableToken};
use url::Url;

use super::client::Client;
use super::exchange::{self, Exchange, StatusClient, unbuilt};
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
    let mut mask = Mask::default();
    mask.add(token.expose());
    client.add_to(&mut mask);
    let inquiry = Inquiry { url: endpoint, asked: Asked::Revocation, mask: &mask, now: None };
    // The crate wants https. The exchange sends to `endpoint` as it is: whether that may be plain HTTP is not decided here.
    let mut url = Url::parse(endpoint.as_str()).map_err(|_| unbuilt())?;
    url.set_scheme("https").map_err(|()| unbuilt())?;
    let token = token.expose().to_owned();
    let token = match hint {
        TokenHint::AccessToken => StandardRevocableToken::AccessToken(AccessToken::new(token)),
        TokenHint::RefreshToken => StandardRevocableToken::RefreshToken(RefreshToken::new(token)),
    };
    let client = client.oauth2().set_revocation_url(RevocationUrl::from_url(url));
    let request = client.revoke_token(token).map_err(|_| unbuilt())?;
    let http = StatusClient { exchange: Exchange { outbound, transport, limits }, inquiry };
    request.request_async(&http).await.map_err(exchange::error)
}

#[cfg(test)]
mod tests;
