//! What a connector is as an OAuth 2.0 client: the settings that its grant needs, as stored and as sent.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::origins::{ApprovedSecret, SecretError, for_url};
use super::settings::Resources;
use crate::connectors::Grant;
use crate::db::schema::oauth_clients;
use crate::db::{OrEmpty, Positive, Typed};
use crate::oauth::{BodyFormat, Client, ClientAuthentication, Parameters, ScopeSeparator, TokenEndpoint};
use crate::outbound::{HttpUrl, Origin, Transport};
use crate::vault::Secret;
use crate::web::Error;

/// The settings; nothing secret. An empty text is a setting that is not made.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone, PartialEq)]
#[diesel(table_name = oauth_clients)]
#[diesel(treat_none_as_null = true)]
pub(super) struct OAuthClient {
    /// Compared letter by letter with what the server says (RFC 8414 section 3.3).
    pub issuer: String,
    /// The server's answers always name the issuer, so one without it is refused (RFC 9207 section 2.4).
    pub iss_required: bool,
    pub authorize_url: OrEmpty<HttpUrl>,
    pub token_url: OrEmpty<HttpUrl>,
    /// Empty: the token URL.
    pub refresh_url: OrEmpty<HttpUrl>,
    pub revocation_url: OrEmpty<HttpUrl>,
    pub client_id: String,
    pub authentication: ClientAuthentication,
    pub user_name: String,
    pub scope: String,
    pub scope_separator: ScopeSeparator,
    pub resources: Typed<Resources>,
    pub audience: String,
    pub pkce: bool,
    pub body_format: BodyFormat,
    pub authorize_parameters: Typed<Parameters>,
    pub token_parameters: Typed<Parameters>,
    pub refresh_parameters: Typed<Parameters>,
    /// Seconds that a token lives when the server does not say.
    pub lifetime: Option<Positive>,
}

impl Default for OAuthClient {
    fn default() -> OAuthClient {
        OAuthClient {
            issuer: String::new(),
            iss_required: false,
            authorize_url: OrEmpty::default(),
            token_url: OrEmpty::default(),
            refresh_url: OrEmpty::default(),
            revocation_url: OrEmpty::default(),
            client_id: String::new(),
            authentication: ClientAuthentication::default(),
            user_name: String::new(),
            scope: String::new(),
            scope_separator: ScopeSeparator::default(),
            resources: Typed::default(),
            audience: String::new(),
            pkce: true,
            body_format: BodyFormat::default(),
            authorize_parameters: Typed::default(),
            token_parameters: Typed::default(),
            refresh_parameters: Typed::default(),
            lifetime: None,
        }
    }
}

/// What a token endpoint is asked for: at the refresh URL with the parameters for refreshing, or at the token URL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenUse {
    Obtain,
    Refresh,
}

impl OAuthClient {
    /// The settings that this grant has; those of others are left empty (RFC 6749 section 4).
    pub fn only_of(mut self, grant: Grant) -> OAuthClient {
        if !matches!(grant, Grant::AuthorizationCode | Grant::Implicit) {
            self.authorize_url = OrEmpty::default();
            self.authorize_parameters = Typed::default();
            self.iss_required = false;
        }
        if !matches!(grant, Grant::AuthorizationCode | Grant::Password) {
            self.refresh_url = OrEmpty::default();
            self.refresh_parameters = Typed::default();
        }
        if grant == Grant::Implicit {
            self.token_url = OrEmpty::default();
            self.token_parameters = Typed::default();
        }
        if grant != Grant::Password {
            self.user_name.clear();
        }
        self
    }

    /// The hosts that client secret, password and refresh token go to.
    pub fn secret_origins(&self) -> Vec<Origin> {
        let urls = [&self.token_url, &self.refresh_url, &self.revocation_url];
        urls.into_iter().filter_map(|url| url.as_ref()).map(HttpUrl::origin).collect()
    }

    /// The host that people are sent to.
    pub fn authorize_origin(&self) -> Option<Origin> {
        self.authorize_url.as_ref().map(HttpUrl::origin)
    }

    /// The client as it proves itself to the server.
    pub fn client(&self, secret: Option<Secret>) -> Client {
        Client { id: self.client_id.clone(), secret, authentication: self.authentication }
    }

    /// Whether the client proves itself to the server by nothing but its id.
    pub fn has_no_proof(&self) -> bool {
        self.authentication == ClientAuthentication::None
    }

    /// Where and how tokens are asked for, if the client secret may be sent there.
    pub fn endpoint(
        &self,
        secret: Option<&ApprovedSecret>,
        purpose: TokenUse,
        transport: &Transport,
    ) -> Result<TokenEndpoint, SecretError> {
        let (own_url, extra) = match purpose {
            TokenUse::Refresh => (self.refresh_url.as_ref(), &self.refresh_parameters),
            TokenUse::Obtain => (None, &self.token_parameters),
        };
        let url = own_url.or(self.token_url.as_ref()).cloned().ok_or_else(no_token_url)?;
        let secret = for_url(secret, &url, transport)?;
        Ok(TokenEndpoint {
            url,
            client: self.client(secret),
            body: self.body_format,
            scope: self.scope.clone(),
            separator: self.scope_separator,
            resources: self.resources.value.0.clone(),
            audience: self.audience.clone(),
            extra: extra.value.clone(),
            lifetime: self.lifetime(),
        })
    }

    pub fn lifetime(&self) -> Option<TimeDelta> {
        self.lifetime.map(|seconds| TimeDelta::seconds(seconds.get().into()))
    }
}

/// Whoever asks for a token has looked before, or the form has.
fn no_token_url() -> Error {
    Error::internal(anyhow::anyhow!("an OAuth client has no token URL"))
}
