//! Asking a token endpoint for a token: the grants of OAuth 2.0 (RFC 6749 4 and 6).

use chrono::{DateTime, TimeDelta, Utc};
use oauth2::{
    AuthorizationCode, PkceCodeVerifier, RedirectUrl, RefreshToken, ResourceOwnerPassword, ResourceOwnerUsername,
    Scope, TokenUrl,
};

use super::answer::Reading;
use super::body::BodyFormat;
use super::client::Client;
use super::exchange::{self, Exchange, TokenClient, unbuilt};
use super::inquiry::Inquiry;
use super::location::TokenLocation;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::remedy::Asked;
use super::scope::ScopeSeparator;
use super::token::Token;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Transport};
use crate::vault::Secret;

/// What a token is asked for with.
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
    /// A refresh token (6). The scope is not sent, so that all that was granted stays.
    RefreshToken(Secret),
}

/// Everything of a request to a token endpoint but the grant.
#[derive(Clone)]
pub struct TokenEndpoint {
    /// The address that is asked.
    pub url: HttpUrl,
    /// Who asks.
    pub client: Client,
    /// How the parameters are written.
    pub body: BodyFormat,
    /// The scopes, parted by white space or commas; none if empty.
    pub scope: String,
    /// What parts them when they are sent.
    pub separator: ScopeSeparator,
    /// What the token is for (RFC 8707 2.2), sent with every grant.
    pub resources: Vec<String>,
    /// What the token is for, as servers ask that have no resources; none if empty. Sent with
    /// client credentials and password; a code has it from its authorization.
    pub audience: String,
    /// What the server wants besides.
    pub extra: Parameters,
    /// How long a token lives where neither the answer nor the token tells.
    pub lifetime: Option<TimeDelta>,
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
    ) -> Result<Token, Refusal> {
        let inquiry = Inquiry { url: &self.url, asked: grant.asked(), mask: &self.mask(grant), now: Some(now) };
        let reading = Reading { inquiry, location: &TokenLocation::FindByItself, now, lifetime: self.lifetime };
        let exchange = Exchange { outbound, transport, limits };
        let http = TokenClient { exchange, body: self.body, reading };
        let url = TokenUrl::new(self.url.as_str().to_owned()).map_err(|_| unbuilt())?;
        let client = self.client.oauth2().set_token_uri(url);
        let owned = |secret: &Secret| secret.expose().to_owned();
        let others = self.others(grant);
        let others = others.iter().copied();
        let document = match grant {
            Grant::AuthorizationCode { code, redirect_url, verifier } => {
                let redirect_url = RedirectUrl::new(redirect_url.clone()).map_err(|_| unbuilt())?;
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
                let request = client.exchange_client_credentials().add_scopes(self.scope());
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
            Grant::Password { user, password } => {
                let user = ResourceOwnerUsername::new(user.clone());
                let password = ResourceOwnerPassword::new(owned(password));
                let request = client.exchange_password(&user, &password).add_scopes(self.scope());
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
            Grant::RefreshToken(token) => {
                let token = RefreshToken::new(owned(token));
                let request = client.exchange_refresh_token(&token);
                let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
                request.request_async(&http).await
            }
        };
        document.map(Token::from).map_err(exchange::error)
    }

    /// The scopes as they are sent, unless an extra parameter takes their place. The crate joins several with spaces, so
    /// those of servers that want commas are one.
    fn scope(&self) -> Option<Scope> {
        let scope = self.separator.join(&self.scope);
        (!scope.is_empty() && !self.extra.sets("scope")).then(|| Scope::new(scope))
    }

    /// What is sent beside the grant and the client. Audience and scope go with grants that rest on nothing granted
    /// before.
    fn others(&self, grant: &Grant) -> Vec<(&str, &str)> {
        let is_first = matches!(grant, Grant::ClientCredentials | Grant::Password { .. });
        let audience = is_first.then_some(("audience", self.audience.as_str()));
        let resources = self.resources.iter().map(|resource| ("resource", resource.as_str()));
        self.extra.added_to(audience.into_iter().chain(resources).collect())
    }

    fn mask(&self, grant: &Grant) -> Mask {
        let mut mask = Mask::default();
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
            Self::ClientCredentials => vec![],
            Self::Password { password, .. } => vec![password],
            Self::RefreshToken(token) => vec![token],
        }
    }

    fn asked(&self) -> Asked {
        match self {
            Self::AuthorizationCode { .. } => Asked::Code,
            Self::ClientCredentials => Asked::Client,
            Self::Password { .. } => Asked::Password,
            Self::RefreshToken(_) => Asked::Refresh,
        }
    }
}

#[cfg(test)]
mod tests;
