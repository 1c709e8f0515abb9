//! Asking a token endpoint for a token: the grants of OAuth 2.0 (RFC 6749 4 and 6).

use chrono::{DateTime, TimeDelta, Utc};

use super::answer::Reading;
use super::body::BodyFormat;
use super::client::Client;
use super::exchange::exchange;
use super::inquiry::Inquiry;
use super::location::TokenLocation;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::remedy::Asked;
use super::scope::ScopeSeparator;
use super::token::Token;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, RequestBuilder, Transport};
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
        let reply = exchange(outbound, transport, limits, self.question(grant)).await?;
        let inquiry = Inquiry { url: &self.url, asked: grant.asked(), mask: &self.mask(grant), now: Some(now) };
        let reading = Reading { inquiry, location: &TokenLocation::FindByItself, now, lifetime: self.lifetime };
        reading.read(&reply)
    }

    /// The request as it is sent.
    fn question(&self, grant: &Grant) -> RequestBuilder {
        let scope = self.separator.join(&self.scope);
        let mut own = grant.parameters();
        if grant.is_first() {
            own.extend([("scope", scope.as_str()), ("audience", &self.audience)]);
        }
        own.extend(self.resources.iter().map(|r| ("resource", r.as_str())));
        own.extend(self.client.parameters());
        let request = self.body.post(&self.url, &self.extra.added_to(own));
        self.client.authorize(request)
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
    /// The parameters that make the grant, in the order of the standard.
    fn parameters(&self) -> Vec<(&str, &str)> {
        match self {
            Self::AuthorizationCode { code, redirect_url, verifier } => vec![
                ("grant_type", "authorization_code"),
                ("code", code.expose()),
                ("redirect_uri", redirect_url),
                ("code_verifier", verifier.as_ref().map_or("", Secret::expose)),
            ],
            Self::ClientCredentials => vec![("grant_type", "client_credentials")],
            Self::Password { user, password } => {
                vec![("grant_type", "password"), ("username", user), ("password", password.expose())]
            }
            Self::RefreshToken(token) => vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())],
        }
    }

    /// Whether the request itself says what the token may do: it rests on nothing granted before.
    fn is_first(&self) -> bool {
        matches!(self, Self::ClientCredentials | Self::Password { .. })
    }

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
