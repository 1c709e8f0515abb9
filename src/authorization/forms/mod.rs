//! The form of the Authorization tab.

mod check;
mod check_oauth;
mod check_transport;
mod page;

use serde::{Deserialize, Serialize};

use super::model::{SecretField, StoredSecret, StoredToken};
use super::origins::{ApprovedOrigins, OriginReview};
use super::queries::SealedValues;
use super::secret_field::{SecretChange, SecretChoice};
use super::settings::{OAuthClient, Settings, url_text};
use crate::connectors::{Connector, Grant, LegacyGrants, Method};
use crate::oauth::{BodyFormat, ClientAuthentication, ScopeSeparator};
use crate::web::{Error, Errors, FormData};

/// The fields as they were typed, named as the inputs are.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Fields {
    pub auth_method: String,
    pub user_name: String,
    pub api_key_place: String,
    pub api_key_name: String,
    pub api_key_prefix: String,
    pub issuer: String,
    pub authorize_url: String,
    pub token_url: String,
    pub refresh_url: String,
    pub revocation_url: String,
    pub client_id: String,
    pub authentication: String,
    pub oauth_user: String,
    pub scope: String,
    pub scope_separator: String,
    /// One on each line, as the parameters below.
    pub resources: String,
    pub audience: String,
    pub pkce: bool,
    pub iss_required: bool,
    pub body_format: String,
    pub authorize_parameters: String,
    pub token_parameters: String,
    pub refresh_parameters: String,
    pub lifetime: String,
    pub verify: bool,
    pub verify_off: bool,
    pub ca_certificate: String,
    pub client_certificate: String,
    pub proxy_url: String,
    pub time_out: String,
    pub concurrency: String,
    pub expired_statuses: String,
    pub expired_body: String,
}

impl Fields {
    /// The fields of which nothing was set.
    fn usual() -> Fields {
        Fields {
            authentication: ClientAuthentication::default().code().into(),
            scope_separator: ScopeSeparator::default().code().into(),
            body_format: BodyFormat::default().code().into(),
            pkce: true,
            verify: true,
            expired_statuses: "401".into(),
            ..Fields::default()
        }
    }

    pub fn of(method: Method, verify: bool, settings: &Settings, client: &OAuthClient) -> Fields {
        let number = |number: Option<crate::db::Positive>| number.map(|number| number.to_string()).unwrap_or_default();
        Fields {
            auth_method: method.code().into(),
            user_name: settings.user_name.clone(),
            api_key_place: settings.api_key_place.code().into(),
            api_key_name: settings.api_key_name.clone(),
            api_key_prefix: settings.api_key_prefix.clone(),
            issuer: client.issuer.clone(),
            authorize_url: url_text(&client.authorize_url).into(),
            token_url: url_text(&client.token_url).into(),
            refresh_url: url_text(&client.refresh_url).into(),
            revocation_url: url_text(&client.revocation_url).into(),
            client_id: client.client_id.clone(),
            authentication: client.authentication.code().into(),
            oauth_user: client.user_name.clone(),
            scope: client.scope.clone(),
            scope_separator: client.scope_separator.code().into(),
            resources: client.resources.text().into(),
            audience: client.audience.clone(),
            pkce: client.pkce,
            iss_required: client.iss_required,
            body_format: client.body_format.code().into(),
            authorize_parameters: client.authorize_parameters.text().into(),
            token_parameters: client.token_parameters.text().into(),
            refresh_parameters: client.refresh_parameters.text().into(),
            lifetime: number(client.lifetime),
            verify,
            verify_off: false,
            ca_certificate: settings.ca_certificate.clone(),
            client_certificate: settings.client_certificate.clone(),
            proxy_url: url_text(&settings.proxy_url).into(),
            time_out: number(settings.time_out),
            concurrency: number(settings.concurrency),
            expired_statuses: settings.expired_statuses.text().into(),
            expired_body: settings.expired_body.text().into(),
        }
    }

    /// Takes over what was typed. A field that was not sent (another method's, hidden by the script) stays as stored.
    fn read(&mut self, data: &FormData) -> Result<(), Error> {
        let mut fields = serde_json::to_value(&*self).map_err(Error::internal)?;
        for (name, value) in fields.as_object_mut().into_iter().flatten() {
            if value.is_string() && data.get(name).is_some() {
                *value = data.trimmed(name).into();
            }
        }
        *self = serde_json::from_value(fields).map_err(Error::internal)?;
        if Method::parse(&self.auth_method) != Some(Method::NoAuth) {
            self.verify = data.ticked("verify");
        }
        self.verify_off = data.ticked("verify_off");
        // A box that is not ticked is not sent; a hidden field beside it says that it was there.
        if data.get("code_shown").is_some() {
            self.pkce = data.ticked("pkce");
            self.iss_required = data.ticked("iss_required");
        }
        Ok(())
    }

    /// The fields in words, for the audit log and the page with both versions. `certificate` says what is shown of one.
    pub fn words(&self, certificate: fn(&str) -> String) -> Vec<(&'static str, String)> {
        let yes = |on: bool| if on { "Yes" } else { "No" };
        [
            ("Method", label(&self.auth_method, Method::label)),
            ("User", &self.user_name),
            ("API key sent as", &self.api_key_place),
            ("API key name", &self.api_key_name),
            ("API key prefix", &self.api_key_prefix),
            ("SSL certificate verification", if self.verify { "On" } else { "Off" }),
            ("CA certificate", &certificate(&self.ca_certificate)),
            ("Client certificate", &certificate(&self.client_certificate)),
            ("Proxy", &self.proxy_url),
            ("Time-out in seconds", &self.time_out),
            ("Concurrent calls", &self.concurrency),
            ("Statuses that mean the token has ended", &self.expired_statuses),
            ("Field of the response that means it too", &self.expired_body),
            ("Issuer", &self.issuer),
            ("Answers must name the issuer", yes(self.iss_required)),
            ("Authorize URL", &self.authorize_url),
            ("AccessToken URL", &self.token_url),
            ("RefreshToken URL", &self.refresh_url),
            ("Revocation URL", &self.revocation_url),
            ("Client ID", &self.client_id),
            ("Client authentication", label(&self.authentication, ClientAuthentication::label)),
            ("User of the password grant", &self.oauth_user),
            ("Scope", &self.scope),
            ("Scopes are separated by", label(&self.scope_separator, ScopeSeparator::label)),
            ("Resource", &self.resources),
            ("Audience", &self.audience),
            ("PKCE", yes(self.pkce)),
            ("Token requests are sent as", label(&self.body_format, BodyFormat::label)),
            ("Extra parameters for authorize", &self.authorize_parameters),
            ("Extra parameters for token", &self.token_parameters),
            ("Extra parameters for refresh", &self.refresh_parameters),
            ("Lifetime of tokens in seconds", &self.lifetime),
        ]
        .map(|(label, words)| (label, words.to_string()))
        .into()
    }
}

/// What the form holds, beside what is stored.
pub(super) struct AuthorizationForm {
    pub fields: Fields,
    secrets: Vec<StoredSecret>,
    token: Option<StoredToken>,
    /// What was chosen for stored secrets, by the names of their fields.
    choices: Vec<(&'static str, SecretChoice)>,
    before: Before,
    grants: LegacyGrants,
    /// Origins of endpoints that are not approved yet.
    waiting_origins: ApprovedOrigins,
    ticked_origins: Vec<String>,
    pub errors: Errors,
}

/// What decides until now where stored secrets go.
struct Before {
    method: Method,
    verify: bool,
    settings: Settings,
    client: OAuthClient,
}

/// The settings that the form has made, and what is to become of the secrets.
pub(super) struct CheckedAuthorization {
    pub method: Method,
    pub verify: bool,
    pub settings: Settings,
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
        let secrets = self.secrets.iter().filter(|(_, change)| !change.keeps());
        let token = (!self.token.keeps()).then_some("token");
        secrets.map(|(field, _)| field.code()).chain(token).collect()
    }

    /// What is to become of the secret of a field.
    pub fn change(&self, field: SecretField) -> &SecretChange {
        change_of(&self.secrets, field)
    }
}

impl AuthorizationForm {
    pub fn of(
        connector: &Connector,
        settings: &Settings,
        client: &OAuthClient,
        sealed: &SealedValues,
        token: Option<StoredToken>,
    ) -> AuthorizationForm {
        let (method, verify) = (connector.method(), connector.verify_certificates);
        AuthorizationForm {
            fields: Fields::of(method, verify, settings, client),
            secrets: sealed.stored_secrets(),
            token,
            choices: Vec::new(),
            before: Before { method, verify, settings: settings.clone(), client: client.clone() },
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

    /// Takes over what was typed.
    pub fn read(&mut self, data: &FormData) -> Result<(), Error> {
        self.fields.read(data)?;
        self.ticked_origins = data.all("approve_origin");
        let names = SecretField::ALL.map(SecretField::code).into_iter().chain(["token"]);
        self.choices = names.map(|name| (name, SecretChoice::read(data, name))).collect();
        Ok(())
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
        let from_field = |(field, change): &(SecretField, SecretChange)| !change.keeps() && self.has(*field);
        checked.secrets.iter().any(from_field) || (!checked.token.keeps() && self.pasted_token().is_some())
    }

    /// The chosen method. The page shows no method's fields for an unknown one, which is refused when it is checked.
    pub fn method(&self) -> Method {
        Method::parse(&self.fields.auth_method).unwrap_or(Method::NoAuth)
    }

    /// The grant of the chosen method, if it is an OAuth method.
    pub fn grant(&self) -> Option<Grant> {
        match self.method() {
            Method::OAuth(grant) => Some(grant),
            _ => None,
        }
    }

    fn stored(&self, field: SecretField) -> Option<StoredSecret> {
        self.secrets.iter().find(|secret| secret.field == field).cloned()
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

/// What is to become of the secret of a field; one that is not mentioned has no use.
fn change_of(secrets: &[(SecretField, SecretChange)], field: SecretField) -> &SecretChange {
    secrets.iter().find(|(of, _)| *of == field).map_or(&SecretChange::Remove, |(_, change)| change)
}

/// The words that the form shows for a choice.
fn label<T: std::str::FromStr>(code: &str, label: fn(T) -> &'static str) -> &str {
    code.parse().map_or(code, label)
}
