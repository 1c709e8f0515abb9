//! What a connector is as an OAuth 2.0 client: the settings that its grant needs, as stored and as sent.

use std::str::FromStr;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::origins::{ApprovedSecret, SecretError, for_url};
use crate::connectors::Grant;
use crate::db::schema::oauth_clients;
use crate::oauth::{
    BodyFormat, Client, ClientAuthentication, Parameters, ScopeSeparator, TokenEndpoint, parse_resources,
};
use crate::outbound::{HttpUrl, Origin, Transport};
use crate::vault::Secret;
use crate::web::Error;

/// The settings; nothing secret. An empty text is a setting that is not made.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone, PartialEq, Eq)]
#[diesel(table_name = oauth_clients)]
#[diesel(treat_none_as_null = true)]
pub(super) struct OAuthClient {
    pub issuer: String,
    /// The server's answers always name the issuer, so one without it is refused (RFC 9207 section 2.4).
    pub iss_required: bool,
    pub authorize_url: String,
    pub token_url: String,
    /// Empty: the token URL.
    pub refresh_url: String,
    pub revocation_url: String,
    pub client_id: String,
    pub authentication: String,
    pub user_name: String,
    pub scope: String,
    pub scope_separator: String,
    /// One a line (RFC 8707).
    pub resources: String,
    pub audience: String,
    pub pkce: bool,
    pub body_format: String,
    /// `name=value`, one a line; so are the next two.
    pub authorize_parameters: String,
    pub token_parameters: String,
    pub refresh_parameters: String,
    /// Seconds that a token lives when the server does not say.
    pub lifetime: Option<i32>,
}

impl Default for OAuthClient {
    fn default() -> OAuthClient {
        OAuthClient {
            issuer: String::new(),
            iss_required: false,
            authorize_url: String::new(),
            token_url: String::new(),
            refresh_url: String::new(),
            revocation_url: String::new(),
            client_id: String::new(),
            authentication: ClientAuthentication::Basic.code().into(),
            user_name: String::new(),
            scope: String::new(),
            scope_separator: ScopeSeparator::Space.code().into(),
            resources: String::new(),
            audience: String::new(),
            pkce: true,
            body_format: BodyFormat::Form.code().into(),
            authorize_parameters: String::new(),
            token_parameters: String::new(),
            refresh_parameters: String::new(),
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
        let has_authorize = matches!(grant, Grant::AuthorizationCode | Grant::Implicit);
        let has_refresh = matches!(grant, Grant::AuthorizationCode | Grant::Password);
        let clear = |text: &mut String| text.clear();
        if !has_authorize {
            clear(&mut self.authorize_url);
            clear(&mut self.authorize_parameters);
            self.iss_required = false;
        }
        if !has_refresh {
            clear(&mut self.refresh_url);
            clear(&mut self.refresh_parameters);
        }
        if grant == Grant::Implicit {
            clear(&mut self.token_url);
            clear(&mut self.token_parameters);
        }
        if grant != Grant::Password {
            clear(&mut self.user_name);
        }
        self
    }

    /// The settings in words, for the audit log and the page with both versions of a conflict.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let yes = |on: bool| if on { "Yes" } else { "No" }.to_string();
        vec![
            ("Issuer", self.issuer.clone()),
            ("Answers must name the issuer", yes(self.iss_required)),
            ("Authorize URL", self.authorize_url.clone()),
            ("AccessToken URL", self.token_url.clone()),
            ("RefreshToken URL", self.refresh_url.clone()),
            ("Revocation URL", self.revocation_url.clone()),
            ("Client ID", self.client_id.clone()),
            ("Client authentication", label(&self.authentication, ClientAuthentication::label)),
            ("User of the password grant", self.user_name.clone()),
            ("Scope", self.scope.clone()),
            ("Scopes are separated by", label(&self.scope_separator, ScopeSeparator::label)),
            ("Resource", self.resources.clone()),
            ("Audience", self.audience.clone()),
            ("PKCE", yes(self.pkce)),
            ("Token requests are sent as", label(&self.body_format, BodyFormat::label)),
            ("Extra parameters for authorize", self.authorize_parameters.clone()),
            ("Extra parameters for token", self.token_parameters.clone()),
            ("Extra parameters for refresh", self.refresh_parameters.clone()),
            ("Lifetime of tokens in seconds", self.lifetime.map(|seconds| seconds.to_string()).unwrap_or_default()),
        ]
    }

    /// The hosts that client secret, password and refresh token go to.
    pub fn secret_origins(&self) -> Vec<Origin> {
        [&self.token_url, &self.refresh_url, &self.revocation_url]
            .into_iter()
            .filter_map(|url| HttpUrl::parse(url).ok())
            .map(|url| url.origin())
            .collect()
    }

    /// The host that people are sent to.
    pub fn authorize_origin(&self) -> Option<Origin> {
        let url = HttpUrl::parse(&self.authorize_url).ok()?;
        Some(url.origin())
    }

    /// The client as it proves itself to the server.
    pub fn client(&self, secret: Option<Secret>) -> Result<Client, Error> {
        Ok(Client { id: self.client_id.clone(), secret, authentication: stored(self.authentication.parse())? })
    }

    /// Whether the client proves itself to the server by nothing but its id.
    pub fn has_no_proof(&self) -> bool {
        self.authentication == ClientAuthentication::None.code()
    }

    /// Where and how tokens are asked for, if the client secret may be sent there.
    pub fn endpoint(
        &self,
        secret: Option<&ApprovedSecret>,
        purpose: TokenUse,
        transport: &Transport,
    ) -> Result<TokenEndpoint, SecretError> {
        let refresh = purpose == TokenUse::Refresh;
        let url = if refresh && !self.refresh_url.is_empty() { &self.refresh_url } else { &self.token_url };
        let extra = if refresh { &self.refresh_parameters } else { &self.token_parameters };
        let url = stored(HttpUrl::parse(url))?;
        let secret = for_url(secret, &url, transport)?;
        Ok(TokenEndpoint {
            url,
            client: self.client(secret)?,
            body: stored(self.body_format.parse())?,
            scope: self.scope.clone(),
            separator: stored(self.scope_separator.parse())?,
            resources: stored(parse_resources(&self.resources))?,
            audience: self.audience.clone(),
            extra: stored(extra.parse())?,
            lifetime: self.lifetime(),
        })
    }

    pub fn lifetime(&self) -> Option<TimeDelta> {
        self.lifetime.map(|seconds| TimeDelta::seconds(seconds.into()))
    }

    pub fn authorize_extra(&self) -> Result<Parameters, Error> {
        stored(self.authorize_parameters.parse())
    }

    /// Where the server takes tokens back, if it does (RFC 7009).
    pub fn revocation(&self) -> Result<Option<HttpUrl>, Error> {
        let url = Some(&self.revocation_url).filter(|url| !url.is_empty());
        url.map(|url| stored(HttpUrl::parse(url))).transpose()
    }
}

/// The words that the form shows for a choice.
fn label<T: FromStr>(code: &str, label: fn(T) -> &'static str) -> String {
    code.parse().map_or(code, label).to_string()
}

/// The row was readable when it was loaded (`readable`), so anything else is a fault.
pub(super) fn stored<T, E>(parsed: Result<T, E>) -> Result<T, Error> {
    parsed.map_err(|_| Error::internal(anyhow::anyhow!("a stored setting cannot be read")))
}
