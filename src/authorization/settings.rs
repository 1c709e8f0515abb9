//! The stored settings of the tab, nothing secret: typed columns, so that what cannot be read is an error where the row
//! is loaded. How requests travel is the same for token requests and calls.

use std::ops::Deref;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

use super::credential::{BasicCharset, Credential, CredentialPlace, Placement};
use super::login::LoginOptions;
use super::model::CaTrust;
pub(super) use super::oauth_client::{OAuthClient, TokenUse};
use super::options::{AwsOptions, Options, ProxyUse};
use super::origins::ApprovedSecret;
use super::queries::SealedValues;
use super::secret_field::SecretChange;
use super::signing::{AwsSigner, DigestSigner, RequestSigner};
use crate::connectors::{Grant, Method, SecretField};
use crate::db::schema::authorizations;
use crate::db::{Json, OrEmpty, Positive, Typed};
use crate::oauth::{
    ExpiredBody, ExpiredSignals, ExpiredStatuses, ExtraSecrets, RequestStyle, TokenLocation, TokenRequest,
};
use crate::outbound::{HttpUrl, Identity, Limits, Proxy, ProxyUrl, Transport};
use crate::vault::{Secret, Vault};
use crate::web::{Error, plural};

/// What the tab's form saves in `authorizations`.
#[derive(Queryable, Selectable, AsChangeset, Clone)]
#[diesel(table_name = authorizations, treat_none_as_null = true)]
pub(super) struct Settings {
    pub user_name: String,
    pub basic_charset: BasicCharset,
    pub api_key_place: CredentialPlace,
    pub api_key_name: String,
    /// Put before the key with a space; may be empty.
    pub api_key_prefix: String,
    pub access_token_place: CredentialPlace,
    pub access_token_name: String,
    pub access_token_prefix: String,
    /// PEM; empty for the machine's authorities.
    pub ca_certificate: String,
    pub ca_trust: CaTrust,
    /// PEM, with its chain; empty for none.
    pub client_certificate: String,
    pub proxy_url: OrEmpty<ProxyUrl>,
    /// Seconds that a request may take; `None` for the program's own limits.
    pub time_out: Option<Positive>,
    /// Concurrent calls; `None` for the program's own limit.
    pub concurrency: Option<Positive>,
    /// Seconds for which a response of unknown length may bring nothing; `None` for the program's own limit.
    pub stream_idle: Option<Positive>,
    pub expired_statuses: Typed<ExpiredStatuses>,
    pub expired_body: Typed<ExpiredBody>,
    pub options: Json<Options>,
    /// The last day of the typed secrets, as a person has entered it.
    pub secrets_end_on: Option<NaiveDate>,
}

/// The secrets that connections use.
#[derive(Default)]
pub(super) struct ConnectionSecrets {
    pub client_key: Option<Secret>,
    pub proxy_password: Option<ApprovedSecret>,
}

impl ConnectionSecrets {
    /// The same after what a form changes.
    pub fn changed<'a>(self, change: impl Fn(SecretField) -> &'a SecretChange) -> ConnectionSecrets {
        ConnectionSecrets {
            client_key: change(SecretField::ClientKey).apply(self.client_key),
            proxy_password: match change(SecretField::ProxyPassword) {
                SecretChange::Keep => self.proxy_password,
                SecretChange::Replace(typed) => Some(ApprovedSecret::typed(typed.clone())),
                SecretChange::Remove => None,
            },
        }
    }
}

/// The last token request of a connector with a bearer token, which renews the token if it is kept fresh.
#[derive(Queryable, Selectable, AsChangeset, Clone)]
#[diesel(table_name = authorizations)]
pub(super) struct TokenRequestSettings {
    pub token_url: OrEmpty<HttpUrl>,
    pub token_user: String,
    pub token_client_id: String,
    pub token_scope: String,
    pub token_request_style: RequestStyle,
    pub token_pointer: Typed<TokenLocation>,
    /// The names of user and password in the body; empty for those of OAuth 2.0.
    pub token_user_field: String,
    pub token_password_field: String,
}

/// The row of `authorizations`.
#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = authorizations)]
pub(super) struct StoredSettings {
    #[diesel(embed)]
    pub settings: Settings,
    #[diesel(embed)]
    pub token_request: TokenRequestSettings,
    pub keep_fresh: bool,
    pub client_certificate_ends_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl Deref for StoredSettings {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

/// How a connector is authorized, without its secrets.
#[derive(Clone, Copy)]
pub(super) enum Authorization<'a> {
    NoAuth,
    /// By a secret that is the same for every call.
    Fixed,
    /// With the request that renews the token, if it is kept fresh.
    Bearer(Option<&'a TokenRequestSettings>),
    /// By the token or the session that this request brings.
    Login(&'a LoginOptions),
    OAuth(Grant, &'a OAuthClient),
}

impl<'a> Authorization<'a> {
    pub fn of(method: Method, stored: &'a StoredSettings, client: &'a OAuthClient) -> Authorization<'a> {
        match method {
            Method::NoAuth => Authorization::NoAuth,
            Method::Basic | Method::ApiKey | Method::Digest | Method::AwsSignature => Authorization::Fixed,
            Method::Bearer => Authorization::Bearer(stored.keep_fresh.then_some(&stored.token_request)),
            Method::Login => Authorization::Login(&stored.options.0.login),
            Method::OAuth(grant) => Authorization::OAuth(grant, client),
        }
    }

    /// Whether a token can be requested without a person's consent.
    pub fn can_fetch(self, has_refresh_token: bool) -> bool {
        match self {
            Authorization::Bearer(renewal) => renewal.is_some(),
            Authorization::Login(login) => login.is_set(),
            Authorization::OAuth(Grant::ClientCredentials | Grant::Password | Grant::JwtBearer, client) => {
                client.token_url.as_ref().is_some()
            }
            Authorization::OAuth(Grant::AuthorizationCode | Grant::Implicit | Grant::Device, _) => has_refresh_token,
            Authorization::NoAuth | Authorization::Fixed => false,
        }
    }

    /// Whether a person can be sent to the server to agree.
    pub fn asks_for_consent(self) -> bool {
        match self {
            Authorization::OAuth(Grant::Device, client) => client.device_url.as_ref().is_some(),
            Authorization::OAuth(grant, client) => grant.sends_back() && client.authorize_url.as_ref().is_some(),
            _ => false,
        }
    }

    /// Where tokens are requested, if the method requests any.
    pub fn token_url(self) -> Option<&'a HttpUrl> {
        match self {
            Authorization::OAuth(_, client) => client.token_url.as_ref(),
            Authorization::Bearer(renewal) => renewal?.token_url.as_ref(),
            Authorization::NoAuth | Authorization::Fixed | Authorization::Login(_) => None,
        }
    }
}

impl Settings {
    /// The credential of a method whose secret is the same for every call; `None` of any other method, and of a user or
    /// password that the character set does not have.
    pub fn credential(&self, method: Method, secret: Secret) -> Option<Credential> {
        match method {
            Method::Basic => Credential::basic(&self.user_name, secret, self.basic_charset),
            Method::ApiKey => Some(Credential::ApiKey { key: secret, placement: self.api_key_placement() }),
            Method::Digest => {
                let signer = DigestSigner::new(&self.user_name, secret);
                Some(Credential::Signer(RequestSigner::Digest(signer)))
            }
            Method::AwsSignature => {
                let AwsOptions { key_id, region, service } = &self.options.0.aws;
                let signer = AwsSigner::new(key_id, secret, region, service);
                Some(Credential::Signer(RequestSigner::Aws(signer)))
            }
            Method::NoAuth | Method::Bearer | Method::Login | Method::OAuth(_) => None,
        }
    }

    /// Where the method's credential stands in calls, if it has one.
    pub fn placement_of(&self, method: Method) -> Option<Placement> {
        match method {
            Method::NoAuth => None,
            Method::Basic | Method::Digest | Method::AwsSignature => Some(Placement::of_tokens()),
            Method::ApiKey => Some(self.api_key_placement()),
            Method::Bearer | Method::Login | Method::OAuth(_) => Some(self.token_placement()),
        }
    }

    fn api_key_placement(&self) -> Placement {
        let (name, prefix) = (self.api_key_name.clone(), self.api_key_prefix.clone());
        Placement { place: self.api_key_place, name, prefix }
    }

    /// Where the token of a method with tokens stands in calls.
    pub fn token_placement(&self) -> Placement {
        let (name, prefix) = (self.access_token_name.clone(), self.access_token_prefix.clone());
        Placement { place: self.access_token_place, name, prefix }
    }

    /// The limits of token requests and tests.
    pub fn limits(&self) -> Limits {
        let seconds = self.time_out.map(|seconds| Duration::from_secs(seconds.get().into()));
        seconds.map_or_else(Limits::patient, Limits::within)
    }

    /// Which answers of the API say that the token has ended.
    pub fn signals(&self) -> ExpiredSignals {
        ExpiredSignals::new(self.expired_statuses.value.clone(), self.expired_body.value.clone())
    }

    /// The settings as requests take them that use the proxy. `verify` is whether certificates are checked.
    pub fn transport(&self, verify: bool, secrets: ConnectionSecrets) -> Transport {
        let some = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        let identity = some(&self.client_certificate).zip(secrets.client_key);
        Transport {
            verify,
            ca_pem: some(&self.ca_certificate),
            trusts_machine: self.ca_trust == CaTrust::Besides,
            identity: identity.map(|(chain_pem, key_pem)| Identity { chain_pem, key_pem }),
            proxy: self.proxy(secrets.proxy_password),
            is_own: false,
        }
    }

    fn proxy(&self, password: Option<ApprovedSecret>) -> Option<Proxy> {
        let (url, options) = (self.proxy_url.0.clone()?, &self.options.0.proxy);
        let password = password.and_then(|password| password.for_proxy(&url.origin()));
        let sign_in = (!options.user.is_empty()).then(|| (options.user.clone(), password.unwrap_or_default()));
        Some(Proxy { url, sign_in, exceptions: options.exceptions.value.0.clone() })
    }

    /// The same for calls.
    pub fn for_calls(&self, transport: Transport) -> Transport {
        let proxy = transport.proxy.filter(|_| self.options.0.proxy.used_for != ProxyUse::Tokens);
        Transport { proxy, ..transport }
    }

    /// The same for token requests.
    pub fn for_tokens(&self, transport: Transport) -> Transport {
        let proxy = transport.proxy.filter(|_| self.options.0.proxy.used_for != ProxyUse::Calls);
        Transport { proxy, ..transport }
    }

    /// Takes the certificates of requests that travel like this.
    pub fn store_certificates(&mut self, transport: &Transport) {
        self.ca_certificate = transport.ca_pem.clone().unwrap_or_default();
        // A certificate without its key is an error of the form.
        if let Some(identity) = &transport.identity {
            self.client_certificate.clone_from(&identity.chain_pem);
        }
    }

    /// How token requests travel with the stored secrets.
    pub fn stored_transport(&self, vault: &Vault, verify: bool, sealed: &SealedValues) -> Result<Transport, Error> {
        Ok(self.for_tokens(self.transport(verify, sealed.connection_secrets(vault)?)))
    }
}

impl TokenRequestSettings {
    /// The request with these secrets; `None` without an address.
    pub fn request(
        &self,
        password: Option<Secret>,
        client_secret: Option<Secret>,
        extra: ExtraSecrets,
    ) -> Option<TokenRequest> {
        Some(TokenRequest {
            url: self.token_url.0.clone()?,
            style: self.token_request_style,
            user: self.token_user.clone(),
            password: password.filter(|secret| !secret.is_empty()),
            client_id: self.token_client_id.clone(),
            client_secret: client_secret.filter(|secret| !secret.is_empty()),
            scope: self.token_scope.clone(),
            location: self.token_pointer.value.clone(),
            user_field: self.token_user_field.clone(),
            password_field: self.token_password_field.clone(),
            extra,
        })
    }
}

/// “30 seconds”: how long such a request can take.
pub(super) fn time_limit(limits: Limits) -> String {
    let seconds = i64::try_from(limits.total.as_secs()).unwrap_or(i64::MAX);
    plural(seconds, "second", "seconds")
}

/// The text of an address that may be missing.
pub(super) fn url_text(url: &OrEmpty<HttpUrl>) -> &str {
    url.as_ref().map_or("", HttpUrl::as_str)
}
