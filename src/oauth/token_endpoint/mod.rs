//! Requests to a token endpoint: the grants of OAuth 2.0 (RFC 6749 4 and 6), revocation (RFC 7009), and finding out whether
//! the server knows the client. The crate `oauth2` builds them.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use oauth2::{
    AccessToken, AuthorizationCode, PkceCodeVerifier, RedirectUrl, RefreshToken, ResourceOwnerPassword,
    ResourceOwnerUsername, RevocationUrl, Scope, StandardRevocableToken, TokenUrl,
};
use url::Url;

use super::assertion::{BearerAssertion, JWT_BEARER_GRANT};
use super::client::{BodyFormat, Client};
use super::device::DEVICE_GRANT;
use super::error::{ErrorCode, TokenError};
use super::http_client::{self, RequestForm, RevocationHttpClient, Sender, TokenHttpClient, cannot_build};
use super::kept::KeptNames;
use super::parameters::{Parameters, ScopeSeparator};
use super::remedy::RequestKind;
use super::response::{ResponseReader, TokenReader};
use super::round_trip::{random_text, random_verifier};
use super::token::Token;
use super::token_location::TokenLocation;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Stage, Transport};
use crate::vault::Secret;

/// The grant of a token request.
#[derive(Clone)]
pub enum Grant {
    /// The code of an authorization (RFC 6749 4.1.3). The scope is not sent again: it was granted
    /// with the code.
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// The redirect URL of the authorization, letter by letter.
        redirect_url: String,
        /// The verifier, if the authorization had a challenge (RFC 7636 4.5).
        verifier: Option<Secret>,
    },
    /// The client itself (4.4.2).
    ClientCredentials,
    /// The sign-in of a user (4.3.2).
    Password {
        /// The user's name.
        user: String,
        /// The user's password.
        password: Secret,
    },
    /// A device code (RFC 8628 3.4). The scope was granted with it.
    DeviceCode(Secret),
    /// An assertion (RFC 7523 2.1), made for each request.
    JwtBearer(Box<BearerAssertion>),
    /// A refresh token (6).
    RefreshToken {
        /// The refresh token.
        token: Secret,
        /// The scope that is sent with it; empty for none, so that all that was granted stays.
        scope: String,
    },
}

/// Everything of a request to a token endpoint but the grant.
#[derive(Clone)]
pub struct TokenEndpoint {
    /// The address of the endpoint.
    pub url: HttpUrl,
    /// The client.
    pub client: Client,
    /// How the parameters are written.
    pub body: BodyFormat,
    /// The scopes, separated by white space or commas; none if empty.
    pub scope: String,
    /// What parts them when they are sent.
    pub separator: ScopeSeparator,
    /// What the token is for (RFC 8707 2.2), sent with every grant.
    pub resources: Vec<String>,
    /// What the token is for, for servers that use it in place of resources; none if empty. Sent with
    /// client credentials and password; a code has it from its authorization.
    pub audience: String,
    /// What the server wants besides.
    pub extra: Parameters,
    /// How long a token lives where neither the response nor the token says.
    pub lifetime: Option<TimeDelta>,
    /// Where the token is in the response.
    pub location: TokenLocation,
    /// What is kept of what stands beside it.
    pub keep: KeptNames,
}

impl TokenEndpoint {
    /// Asks for a token. `now` is the current time, from which the token's lifetime counts.
    pub async fn request(
        &self,
        outbound: &Outbound,
        transport: &Transport,
        limits: Limits,
        grant: &Grant,
        now: DateTime<Utc>,
    ) -> Result<Token, TokenError> {
        let assertion = match grant {
            Grant::JwtBearer(assertion) => Some(assertion.signed(now)?),
            _ => None,
        };
        let mut mask = self.mask(grant, transport);
        assertion.iter().for_each(|assertion| mask.add(assertion.expose()));
        let response = ResponseReader { url: &self.url, kind: grant.kind(), mask: &mask, now: Some(now) };
        let (location, started) = (&self.location, Instant::now());
        let reader = TokenReader { response, location, now, started, lifetime: self.lifetime, keep: &self.keep };
        // The crate goes on by itself until a device code has ended; here each request stands alone.
        let grant_type = match grant {
            Grant::DeviceCode(_) => Some(DEVICE_GRANT),
            Grant::JwtBearer(_) => Some(JWT_BEARER_GRANT),
            _ => None,
        };
        let form = self.form(grant_type, now);
        let http = TokenHttpClient::new(Sender { outbound, transport, limits }, form, reader);
        let url = TokenUrl::new(self.url.as_str().to_owned()).map_err(|_| cannot_build())?;
        let client = self.client.oauth2().set_token_uri(url);
        let owned = |secret: &Secret| secret.expose().to_owned();
        let others = self.others(grant);
        let others = others.iter().copied();
        let response = match grant {
            Grant::AuthorizationCode { code, redirect_url, verifier } => {
                let redirect_url = RedirectUrl::new(redirect_url.clone()).map_err(|_| cannot_build())?;
                let client = client.set_redirect_uri(redirect_url);
                let request = client.exchange_code(AuthorizationCode::new(owned(code)));
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                match verifier {
                    Some(verifier) => request.set_pkce_verifier(PkceCodeVerifier::new(owned(verifier))),
                    None => request,
                }
                .request_async(&http)
                .await
            }
            Grant::ClientCredentials => {
                let request = client.exchange_client_credentials().add_scopes(self.scopes(&self.scope));
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
            Grant::Password { user, password } => {
                let user = ResourceOwnerUsername::new(user.clone());
                let password = ResourceOwnerPassword::new(owned(password));
                let request = client.exchange_password(&user, &password).add_scopes(self.scopes(&self.scope));
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
            Grant::DeviceCode(code) => {
                let request = client.exchange_client_credentials().add_extra_param("device_code", code.expose());
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
            Grant::JwtBearer(_) => {
                let request = client.exchange_client_credentials().add_scopes(self.scopes(&self.scope));
                let request = request.add_extra_param("assertion", assertion.as_ref().map_or("", Secret::expose));
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
            Grant::RefreshToken { token, scope } => {
                let token = RefreshToken::new(owned(token));
                let request = client.exchange_refresh_token(&token).add_scopes(self.scopes(scope));
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
        };
        http.token(response).map_err(|refusal| self.client.remedied(refusal))
    }

    /// How the server wants requests, with this grant type in place of the crate's.
    pub(super) fn form(&self, grant_type: Option<&'static str>, now: DateTime<Utc>) -> RequestForm<'_> {
        RequestForm { client: &self.client, body: self.body, extra: &self.extra, grant_type, now }
    }

    /// The scopes as they are sent. The crate joins several with spaces, so those of servers that want commas are one.
    pub(super) fn scopes(&self, scopes: &str) -> Option<Scope> {
        let scopes = self.separator.join(scopes);
        (!scopes.is_empty()).then(|| Scope::new(scopes))
    }

    /// What is sent beside the grant and the client. Audience and scope go with grants that rest on nothing granted
    /// before.
    fn others(&self, grant: &Grant) -> Vec<(&str, &str)> {
        let is_first = matches!(grant, Grant::ClientCredentials | Grant::Password { .. } | Grant::JwtBearer(_));
        let audience = is_first.then_some(("audience", self.audience.as_str()));
        let resources = self.resources.iter().map(|resource| ("resource", resource.as_str()));
        audience.into_iter().chain(resources).filter(|(_, value)| !value.is_empty()).collect()
    }

    fn mask(&self, grant: &Grant, transport: &Transport) -> Mask {
        let mut mask = Mask::new(transport.echoes());
        self.client.add_to(&mut mask);
        for secret in grant.secrets() {
            mask.add(secret.expose());
        }
        mask
    }
}

impl Grant {
    fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::AuthorizationCode { code, verifier, .. } => {
                [Some(code), verifier.as_ref()].into_iter().flatten().collect()
            }
            Self::ClientCredentials | Self::JwtBearer(_) => vec![],
            Self::Password { password, .. } => vec![password],
            Self::DeviceCode(code) => vec![code],
            Self::RefreshToken { token, .. } => vec![token],
        }
    }

    fn kind(&self) -> RequestKind {
        match self {
            Self::AuthorizationCode { .. } => RequestKind::Code,
            Self::ClientCredentials => RequestKind::Client,
            Self::JwtBearer(_) => RequestKind::Assertion,
            Self::Password { .. } => RequestKind::Password,
            Self::DeviceCode(_) => RequestKind::Device,
            Self::RefreshToken { .. } => RequestKind::Refresh,
        }
    }
}

/// What kind of token is to end (RFC 7009 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenHint {
    /// An access token.
    AccessToken,
    /// A refresh token; most servers end the access tokens that came of it as well.
    RefreshToken,
}

/// Ends a token at its server. Success is a status, whatever the body says; a server that does not
/// know the token (any more) answers so too (RFC 7009 2.2). `now` is the current time.
pub async fn revoke(
    (outbound, transport, limits): (&Outbound, &Transport, Limits),
    endpoint: &HttpUrl,
    client: &Client,
    (token, hint): (&Secret, TokenHint),
    now: DateTime<Utc>,
) -> Result<(), TokenError> {
    let mut mask = Mask::new(transport.echoes());
    mask.add(token.expose());
    client.add_to(&mut mask);
    let response = ResponseReader { url: endpoint, kind: RequestKind::Revocation, mask: &mask, now: None };
    // The crate wants https. The client sends to `endpoint` as it is: whether that may be plain HTTP is not decided here.
    let mut url = Url::parse(endpoint.as_str()).map_err(|_| cannot_build())?;
    url.set_scheme("https").map_err(|()| cannot_build())?;
    let token = token.expose().to_owned();
    let token = match hint {
        TokenHint::AccessToken => StandardRevocableToken::AccessToken(AccessToken::new(token)),
        TokenHint::RefreshToken => StandardRevocableToken::RefreshToken(RefreshToken::new(token)),
    };
    let form = RequestForm { client, body: BodyFormat::Form, extra: &Parameters::default(), grant_type: None, now };
    let http = RevocationHttpClient { sender: Sender { outbound, transport, limits }, form, response };
    let revoking = client.oauth2().set_revocation_url(RevocationUrl::from_url(url));
    let request = revoking.revoke_token(token).map_err(|_| cannot_build())?;
    request.request_async(&http).await.map_err(|error| client.remedied(http_client::error(error)))
}

/// What a server made of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCheck {
    /// It objects to the code alone, so it knows the client. Of a client without a secret it may
    /// not have looked even at the id.
    Accepted,
    /// It does not know the client, or not with this secret or authentication.
    Refused(TokenError),
    /// Its response does not show it: an `invalid_request`, a fault of its own, a web page.
    Unclear(TokenError),
    /// There was no response.
    Unreachable(TokenError),
}

impl TokenEndpoint {
    /// Asks for a token with a made-up code and reads from the refusal what the server thinks of
    /// the client. It fits clients that may use codes; for others a token is requested.
    /// `redirect_url` is the one that codes are sent to.
    pub async fn check_client(
        &self,
        outbound: &Outbound,
        transport: &Transport,
        limits: Limits,
        redirect_url: &str,
        now: DateTime<Utc>,
    ) -> ClientCheck {
        let grant = Grant::AuthorizationCode {
            code: random_text(),
            redirect_url: redirect_url.to_owned(),
            verifier: Some(random_verifier()),
        };
        match self.request(outbound, transport, limits, &grant, now).await {
            Ok(_) => ClientCheck::Unclear(TokenError::new(
                Stage::Response,
                "The server issues tokens for any code.",
                "Check the address that tokens are requested from: the server there protects nothing.",
            )),
            Err(refusal) => judge(refusal),
        }
    }
}

/// The remedy after a response to the made-up code that says nothing about the client.
const AUTHORIZE: &str = "Authorize to find out: the server's answer to a made-up code does not \
                         tell whether it knows the client.";

/// The code goes before the status: some servers send 401 with `invalid_grant`.
fn judge(refusal: TokenError) -> ClientCheck {
    use ErrorCode::*;
    match (refusal.error_code, refusal.stage) {
        (Some(InvalidGrant | BadVerificationCode), _) if refusal.is_final() => ClientCheck::Accepted,
        (Some(InvalidClient | UnauthorizedClient), _) | (_, Stage::Status(401)) => ClientCheck::Refused(refusal),
        (Some(TemporarilyUnavailable | ServerError | SlowDown), _) => ClientCheck::Unclear(refusal),
        (Some(_), _) if refusal.is_refusal() => ClientCheck::Unclear(refusal.with_remedy(AUTHORIZE)),
        (_, Stage::Status(_) | Stage::Response) => ClientCheck::Unclear(refusal),
        _ => ClientCheck::Unreachable(refusal),
    }
}

#[cfg(test)]
mod tests;
