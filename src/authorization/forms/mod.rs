//! The form of the Authorization tab.

mod check;
mod check_transport;
mod fields;
mod oauth;
mod oauth_fields;
mod transport_fields;

use super::model::{ApiKeyPlace, Authorization, SecretField, StoredSecret, StoredToken};
use super::oauth_client::OAuthClient;
use super::origins::{ApprovedOrigins, OriginReview};
use super::secret_field::{SecretChange, SecretChoice};
use crate::connectors::{Connector, Grant, LegacyGrants, Method};
use crate::web::{Errors, FormData};
use oauth::OAuthForm;

/// What the tab's form holds, beside what is stored.
pub(super) struct AuthorizationForm {
    method: String,
    user_name: String,
    api_key_place: String,
    api_key_name: String,
    api_key_prefix: String,
    verify: bool,
    verify_off_confirmed: bool,
    ca_certificate: String,
    client_certificate: String,
    proxy_url: String,
    time_out: String,
    concurrency: String,
    expired_statuses: String,
    expired_body: String,
    pub oauth: OAuthForm,
    secrets: Vec<StoredSecret>,
    token: Option<StoredToken>,
    /// What was chosen for stored secrets, by the names of their fields.
    choices: Vec<(&'static str, SecretChoice)>,
    before: Before,
    grants: LegacyGrants,
    /// Origins of endpoints that nobody has approved yet.
    waiting_origins: ApprovedOrigins,
    ticked_origins: Vec<String>,
    pub errors: Errors,
}

/// What decides where stored secrets go until now.
struct Before {
    method: Method,
    verify: bool,
    ca_certificate: String,
    proxy_url: String,
    oauth: OAuthClient,
}

/// The settings that the form has made, and what is to become of the secrets.
pub(super) struct CheckedAuthorization {
    pub method: Method,
    pub user_name: String,
    pub api_key_place: ApiKeyPlace,
    pub api_key_name: String,
    pub api_key_prefix: String,
    pub verify: bool,
    pub ca_certificate: String,
    pub client_certificate: String,
    pub proxy_url: String,
    pub time_out: Option<i32>,
    pub concurrency: Option<i32>,
    pub expired_statuses: String,
    pub expired_body: String,
    /// The settings of the grant, for an OAuth method.
    pub oauth: Option<OAuthClient>,
    pub secrets: Vec<(SecretField, SecretChange)>,
    pub token: SecretChange,
    /// Origins of endpoints to which what is entered may be sent, too.
    pub ticked_origins: ApprovedOrigins,
}

impl CheckedAuthorization {
    /// The stored secrets that do not stay, by the names of their fields, and `token` if the token does not.
    pub fn replaced(&self) -> Vec<&'static str> {
        let gone = |change: &SecretChange| !matches!(change, SecretChange::Keep);
        let secrets = self.secrets.iter().filter(|(_, change)| gone(change));
        let token = gone(&self.token).then_some("token");
        secrets.map(|(field, _)| field.code()).chain(token).collect()
    }
}

impl AuthorizationForm {
    pub fn of(
        connector: &Connector,
        stored: &Authorization,
        oauth: &OAuthClient,
        secrets: Vec<StoredSecret>,
        token: Option<StoredToken>,
    ) -> AuthorizationForm {
        AuthorizationForm {
            method: connector.method().code().into(),
            user_name: stored.user_name.clone(),
            api_key_place: stored.api_key_place.clone(),
            api_key_name: stored.api_key_name.clone(),
            api_key_prefix: stored.api_key_prefix.clone(),
            verify: connector.verify_certificates,
            verify_off_confirmed: false,
            ca_certificate: stored.ca_certificate.clone(),
            client_certificate: stored.client_certificate.clone(),
            proxy_url: stored.proxy_url.clone(),
            time_out: stored.time_out.map(|seconds| seconds.to_string()).unwrap_or_default(),
            concurrency: stored.concurrency.map(|calls| calls.to_string()).unwrap_or_default(),
            expired_statuses: stored.expired_statuses.clone(),
            expired_body: stored.expired_body.clone(),
            oauth: OAuthForm::of(oauth),
            secrets,
            token,
            choices: Vec::new(),
            before: Before {
                method: connector.method(),
                verify: connector.verify_certificates,
                ca_certificate: stored.ca_certificate.clone(),
                proxy_url: stored.proxy_url.clone(),
                oauth: oauth.clone(),
            },
            grants: LegacyGrants::default(),
            waiting_origins: ApprovedOrigins::default(),
            ticked_origins: Vec::new(),
            errors: Errors::default(),
        }
    }

    /// The form with the methods that are left on here.
    pub fn offering(mut self, grants: LegacyGrants) -> AuthorizationForm {
        self.grants = grants;
        self
    }

    /// The form of a connector without secrets, in which these origins of endpoints can be ticked.
    pub fn listing(mut self, origins: &OriginReview) -> AuthorizationForm {
        if !origins.has_secrets {
            self.waiting_origins = origins.waiting.clone();
        }
        self
    }

    /// Whether the method is left on here.
    pub fn allows(&self, method: Method) -> bool {
        self.grants.allow(method)
    }

    /// Takes over what was typed. A field that was not sent (another method's, hidden by the script) stays as stored.
    pub fn read(&mut self, data: &FormData) {
        let take = |field: &mut String, name: &str| {
            if data.get(name).is_some() {
                *field = data.trimmed(name);
            }
        };
        take(&mut self.method, "auth_method");
        take(&mut self.user_name, "user_name");
        take(&mut self.api_key_place, "api_key_place");
        take(&mut self.api_key_name, "api_key_name");
        take(&mut self.api_key_prefix, "api_key_prefix");
        take(&mut self.ca_certificate, "ca_certificate");
        take(&mut self.client_certificate, "client_certificate");
        take(&mut self.proxy_url, "proxy_url");
        take(&mut self.time_out, "time_out");
        take(&mut self.concurrency, "concurrency");
        take(&mut self.expired_statuses, "expired_statuses");
        take(&mut self.expired_body, "expired_body");
        self.oauth.read(data);
        if self.method() != Method::NoAuth {
            self.verify = data.ticked("verify");
        }
        self.ticked_origins = data.all("approve_origin");
        self.verify_off_confirmed = data.ticked("verify_off");
        let fields = SecretField::ALL.map(SecretField::code);
        let names = fields.into_iter().chain(["token"]);
        self.choices = names.map(|name| (name, SecretChoice::read(data, name))).collect();
    }

    /// What was chosen for the stored secret of a field.
    fn chosen(&self, name: &str) -> SecretChoice {
        let chosen = self.choices.iter().find(|(field, _)| *field == name);
        chosen.map_or(SecretChoice::Keep, |(_, choice)| *choice)
    }

    /// Whether there is a secret that the form can replace.
    pub fn has_secrets(&self) -> bool {
        !self.secrets.is_empty() || self.pasted_token().is_some()
    }

    /// Whether saving would take a stored secret away, with another one in its place or with none: where one can be
    /// removed, another one can be entered afterwards.
    pub fn takes_secrets(&self, checked: &CheckedAuthorization) -> bool {
        let taken = |change: &SecretChange| !matches!(change, SecretChange::Keep);
        let from_field = |(field, change): &(SecretField, SecretChange)| taken(change) && self.has(*field);
        checked.secrets.iter().any(from_field) || (taken(&checked.token) && self.pasted_token().is_some())
    }

    /// The chosen method; an unknown one counts as none.
    pub fn method(&self) -> Method {
        Method::parse(&self.method).unwrap_or(Method::NoAuth)
    }

    /// The grant of the chosen method, if it is an OAuth method.
    pub fn grant(&self) -> Option<Grant> {
        match self.method() {
            Method::OAuth(grant) => Some(grant),
            _ => None,
        }
    }

    fn stored(&self, field: SecretField) -> Option<StoredSecret> {
        self.secrets.iter().find(|secret| secret.field == field.code()).cloned()
    }

    /// The stored token of the Bearer method; one that was issued to another method goes with that method.
    fn pasted_token(&self) -> Option<&StoredToken> {
        let is_bearer = self.before.method == Method::Bearer;
        self.token.as_ref().filter(|_| is_bearer)
    }

    /// Whether these are the stored secrets that the form was made from.
    pub fn knows(&self, stored: &[StoredSecret]) -> bool {
        let same = |secret: &StoredSecret| {
            let known = self.secrets.iter().find(|known| known.field == secret.field);
            known.is_some_and(|known| known.set_at == secret.set_at)
        };
        stored.len() == self.secrets.len() && stored.iter().all(same)
    }

    /// Whether a secret is stored in this field.
    pub fn has(&self, field: SecretField) -> bool {
        self.stored(field).is_some()
    }
}
