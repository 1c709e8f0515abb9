//! The stored settings of the OAuth 2.0 methods, nothing secret, and the requests that they make.

use std::str::FromStr;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::model::{FurtherPlace, RedirectUrl, SecretName};
use super::origins::{ApprovedSecret, OriginNotApproved, SecretError, for_url};
use super::queries::FurtherSecret;
use super::settings::url_text;
use crate::connectors::SecretField;
use crate::db::schema::oauth_clients;
use crate::db::{Json, OrEmpty, Positive, Typed};
use crate::oauth::{
    AssertionAudience, AssertionMaker, AssertionSettings, BearerAssertion, BodyFormat, Client, ClientAuthentication,
    ClientNames, ExtraSecrets, Grant, KeptNames, Parameters, RefreshScope, ResourceProblem, ScopeSeparator,
    TokenEndpoint, TokenLocation, parse_resources,
};
use crate::outbound::{HttpUrl, Origin, Transport};
use crate::web::Error;

/// Resources that a token is for, one on each line (RFC 8707).
#[derive(Clone, Debug, Default)]
pub(super) struct Resources(pub Vec<String>);

impl FromStr for Resources {
    type Err = ResourceProblem;

    fn from_str(text: &str) -> Result<Resources, ResourceProblem> {
        parse_resources(text).map(Resources)
    }
}

/// What a connector is as an OAuth 2.0 client: the settings of its grant. An empty text is a setting that is not made.
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
    pub redirect: RedirectUrl,
    /// Where codes for other devices are requested (RFC 8628 section 3.1).
    pub device_url: OrEmpty<HttpUrl>,
    /// Where the token is in the response.
    pub token_pointer: Typed<TokenLocation>,
    pub refresh_scope: RefreshScope,
    /// What the server calls `client_id` and `client_secret`; empty for these names.
    pub client_id_name: String,
    pub client_secret_name: String,
    /// What the address for people ends with, without the #; it is no part of requests.
    pub authorize_fragment: String,
    /// What is kept of what stands beside the token.
    pub kept_names: Typed<KeptNames>,
    /// How signed assertions are made.
    pub assertion: Json<AssertionSettings>,
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
            redirect: RedirectUrl::default(),
            device_url: OrEmpty::default(),
            token_pointer: Typed::default(),
            refresh_scope: RefreshScope::default(),
            client_id_name: String::new(),
            client_secret_name: String::new(),
            authorize_fragment: String::new(),
            kept_names: Typed::default(),
            assertion: Json::default(),
        }
    }
}

/// The secrets of requests to the token server, each with the origins that are approved for it.
pub(super) struct ClientSecrets {
    /// The client secret.
    pub secret: Option<ApprovedSecret>,
    /// The private key that signs. It is not sent, but what it signs proves the client.
    pub key: Option<ApprovedSecret>,
    /// Those in headers and parameters.
    pub further: Vec<FurtherSecret>,
    /// The client secret that is tried where the server refuses the present one.
    pub next: Option<ApprovedSecret>,
}

impl ClientSecrets {
    /// The same with the next client secret in place of the present one; `None` if there is none.
    pub fn with_next(&self) -> Option<ClientSecrets> {
        let next = self.next.clone()?;
        Some(ClientSecrets { secret: Some(next), next: None, key: self.key.clone(), further: self.further.clone() })
    }
}

/// Further secrets of token requests, if they may be sent to this address.
pub(super) fn extra_secrets(
    further: &[FurtherSecret],
    url: &HttpUrl,
    transport: &Transport,
) -> Result<ExtraSecrets, OriginNotApproved> {
    let mut extra = ExtraSecrets::default();
    for (name, secret) in further {
        let secret = secret.for_url(url, transport)?;
        match name {
            SecretName::Further(FurtherPlace::TokenHeader, name) => extra.headers.push((name.clone(), secret)),
            SecretName::Further(FurtherPlace::TokenParameter, name) => extra.parameters.push((name.clone(), secret)),
            SecretName::Further(_, _) | SecretName::Field(_) => {}
        }
    }
    Ok(extra)
}

/// What a token endpoint is asked for: at the refresh URL with the parameters for refreshing, or at the token URL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenUse {
    Obtain,
    Refresh,
    /// Codes for another device, with the parameters for authorizing.
    DeviceCodes,
}

impl OAuthClient {
    /// The hosts that client secret, password and refresh token go to.
    pub fn secret_origins(&self) -> Vec<Origin> {
        let urls = [&self.token_url, &self.refresh_url, &self.revocation_url, &self.device_url];
        urls.into_iter().filter_map(|url| url.as_ref()).map(HttpUrl::origin).collect()
    }

    /// The host that people are sent to.
    pub fn authorize_origin(&self) -> Option<Origin> {
        self.authorize_url.as_ref().map(HttpUrl::origin)
    }

    /// The client as it proves itself at this address, if its secrets may be used there.
    pub fn client(
        &self,
        secrets: &ClientSecrets,
        url: &HttpUrl,
        transport: &Transport,
    ) -> Result<Client, OriginNotApproved> {
        Ok(Client {
            id: self.client_id.clone(),
            secret: for_url(secrets.secret.as_ref(), url, transport)?,
            authentication: self.authentication,
            names: self.names(),
            extra: extra_secrets(&secrets.further, url, transport)?,
            assertions: self.assertion_maker(secrets, url, transport)?,
        })
    }

    /// What signs for requests to this address, if the key may be used for it.
    fn assertion_maker(
        &self,
        secrets: &ClientSecrets,
        url: &HttpUrl,
        transport: &Transport,
    ) -> Result<AssertionMaker, OriginNotApproved> {
        let settings = self.assertion.0.clone();
        let audience = match settings.audience {
            AssertionAudience::TokenUrl => url_text(&self.token_url),
            AssertionAudience::Issuer => &self.issuer,
            AssertionAudience::Own => &settings.own_audience,
        };
        let audience = audience.to_string();
        Ok(AssertionMaker { settings, audience, key: for_url(secrets.key.as_ref(), url, transport)? })
    }

    /// The JWT bearer grant at this endpoint.
    pub fn bearer_grant(&self, endpoint: &TokenEndpoint) -> Grant {
        let maker = endpoint.client.assertions.clone();
        let issuer = [&maker.settings.issuer, &self.client_id].into_iter().find(|name| !name.is_empty());
        Grant::JwtBearer(Box::new(BearerAssertion { issuer: issuer.cloned().unwrap_or_default(), maker }))
    }

    /// What the server calls the client's parameters.
    pub fn names(&self) -> ClientNames {
        ClientNames { id: self.client_id_name.clone(), secret: self.client_secret_name.clone() }
    }

    /// The scopes to send with a refresh token of this granted scope, in the order in which they are tried. With each,
    /// whether it is tried only where the server finds something missing in the request before.
    pub fn refresh_scopes(&self, granted: &str) -> Vec<(String, bool)> {
        let granted = Some(granted).filter(|granted| !granted.is_empty()).unwrap_or(&self.scope);
        match self.refresh_scope {
            RefreshScope::Never => vec![(String::new(), false)],
            RefreshScope::Granted => vec![(granted.to_string(), false)],
            RefreshScope::Asked => vec![(self.scope.clone(), false)],
            RefreshScope::IfWanted if self.scope.is_empty() => vec![(String::new(), false)],
            RefreshScope::IfWanted => vec![(String::new(), false), (self.scope.clone(), true)],
        }
    }

    /// What the client proves itself by besides its id, if that is not missing.
    pub fn proof(&self, secrets: &ClientSecrets) -> Option<SecretField> {
        let (proof, field) = match self.authentication {
            ClientAuthentication::None => return None,
            ClientAuthentication::PrivateKeyJwt => (&secrets.key, SecretField::SigningKey),
            _ => (&secrets.secret, SecretField::ClientSecret),
        };
        proof.as_ref().map(|_| field)
    }

    /// Where and how tokens are asked for, if the client's secrets may be used there.
    pub fn endpoint(
        &self,
        secrets: &ClientSecrets,
        purpose: TokenUse,
        transport: &Transport,
    ) -> Result<TokenEndpoint, SecretError> {
        let (own_url, extra) = match purpose {
            TokenUse::Refresh => (self.refresh_url.as_ref(), &self.refresh_parameters),
            TokenUse::Obtain => (None, &self.token_parameters),
            TokenUse::DeviceCodes => (self.device_url.as_ref(), &self.authorize_parameters),
        };
        let url = own_url.or(self.token_url.as_ref()).cloned().ok_or_else(no_token_url)?;
        Ok(TokenEndpoint {
            client: self.client(secrets, &url, transport)?,
            url,
            body: self.body_format,
            scope: self.scope.clone(),
            separator: self.scope_separator,
            resources: self.resources.value.0.clone(),
            audience: self.audience.clone(),
            extra: extra.value.clone(),
            lifetime: self.lifetime(),
            location: self.token_pointer.value.clone(),
            keep: self.kept_names.value.clone(),
        })
    }

    pub fn lifetime(&self) -> Option<TimeDelta> {
        self.lifetime.map(|seconds| TimeDelta::seconds(seconds.get().into()))
    }
}

/// The form requires one, and callers check for it.
fn no_token_url() -> Error {
    Error::internal(anyhow::anyhow!("an OAuth client has no token URL"))
}
