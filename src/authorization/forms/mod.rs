//! The form of the Authorization tab.

mod assertion;
mod check;
mod check_oauth;
mod check_transport;
mod login;
mod page;

use serde::{Deserialize, Serialize};

use self::assertion::AssertionFields;
pub(super) use self::check_transport::LONGEST_CHAIN;
use self::login::LoginFields;
pub(super) use self::login::METHODS as LOGIN_METHODS;
use super::credential::{BasicCharset, CredentialPlace, Placement};
use super::model::{CaTrust, RedirectUrl};
use super::options::ProxyUse;
use super::origins::ApprovedOrigins;
use super::secret_field::SecretChange;
use super::settings::{OAuthClient, Settings, url_text};
use super::tab::Stored;
use crate::connectors::{Grant, Method, SecretField};
use crate::oauth::{BodyFormat, ClientAuthentication, RefreshScope, ScopeSeparator, TokenToSend};
use crate::outbound::ProxyUrl;
use crate::vault::{Secret, Vault};
use crate::web::form::Form;
use crate::web::{Error, Errors, FormData};

/// The fields as they were typed, named as the inputs are.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Fields {
    pub auth_method: String,
    pub user_name: String,
    pub basic_charset: String,
    pub api_key_place: String,
    pub api_key_name: String,
    pub api_key_prefix: String,
    pub aws_key_id: String,
    pub aws_region: String,
    pub aws_service: String,
    pub token_place: String,
    pub token_name: String,
    pub token_prefix: String,
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
    pub token_to_send: String,
    pub redirect: String,
    pub device_url: String,
    pub token_pointer: String,
    pub refresh_scope: String,
    pub client_id_name: String,
    pub client_secret_name: String,
    pub kept_names: String,
    #[serde(flatten)]
    pub assertion: AssertionFields,
    #[serde(flatten)]
    pub login: LoginFields,
    pub verify: bool,
    pub verify_off: bool,
    pub ca_certificate: String,
    pub ca_trust: String,
    pub client_certificate: String,
    pub proxy_url: String,
    pub proxy_user: String,
    pub proxy_use: String,
    pub proxy_exceptions: String,
    pub time_out: String,
    pub concurrency: String,
    pub stream_idle: String,
    pub expired_statuses: String,
    pub expired_body: String,
    pub secrets_end_on: String,
}

impl Fields {
    /// The fields where nothing was set.
    pub fn usual() -> Fields {
        let token = Placement::of_tokens();
        Fields {
            basic_charset: BasicCharset::default().code().into(),
            token_place: token.place.code().into(),
            token_name: token.name,
            token_prefix: token.prefix,
            authentication: ClientAuthentication::default().code().into(),
            scope_separator: ScopeSeparator::default().code().into(),
            body_format: BodyFormat::default().code().into(),
            redirect: RedirectUrl::default().code().into(),
            token_to_send: TokenToSend::default().code().into(),
            refresh_scope: RefreshScope::default().code().into(),
            assertion: AssertionFields::usual(),
            login: LoginFields::usual(),
            pkce: true,
            verify: true,
            expired_statuses: "401".into(),
            ca_trust: CaTrust::Besides.code().into(),
            proxy_use: ProxyUse::default().code().into(),
            ..Fields::default()
        }
    }

    /// What is stored, as the form shows it.
    pub fn of(method: Method, verify: bool, settings: &Settings, client: &OAuthClient) -> Fields {
        let sends_id_token = client.token_pointer.value.is_id_token();
        let number = |number: Option<crate::db::Positive>| number.map(|number| number.to_string()).unwrap_or_default();
        Fields {
            auth_method: method.code().into(),
            user_name: settings.user_name.clone(),
            basic_charset: settings.basic_charset.code().into(),
            api_key_place: settings.api_key_place.code().into(),
            api_key_name: settings.api_key_name.clone(),
            api_key_prefix: settings.api_key_prefix.clone(),
            aws_key_id: settings.options.0.aws.key_id.clone(),
            aws_region: settings.options.0.aws.region.clone(),
            aws_service: settings.options.0.aws.service.clone(),
            token_place: settings.access_token_place.code().into(),
            token_name: settings.access_token_name.clone(),
            token_prefix: settings.access_token_prefix.clone(),
            issuer: client.issuer.clone(),
            authorize_url: with_fragment(url_text(&client.authorize_url), &client.authorize_fragment),
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
            redirect: client.redirect.code().into(),
            device_url: url_text(&client.device_url).into(),
            token_to_send: if sends_id_token { TokenToSend::Id } else { TokenToSend::Access }.code().into(),
            token_pointer: if sends_id_token { "" } else { client.token_pointer.text() }.into(),
            refresh_scope: client.refresh_scope.code().into(),
            client_id_name: client.client_id_name.clone(),
            client_secret_name: client.client_secret_name.clone(),
            kept_names: client.kept_names.text().into(),
            assertion: AssertionFields::of(&client.assertion.0),
            login: LoginFields::of(&settings.options.0.login),
            verify,
            verify_off: false,
            ca_certificate: settings.ca_certificate.clone(),
            ca_trust: settings.ca_trust.code().into(),
            client_certificate: settings.client_certificate.clone(),
            proxy_url: settings.proxy_url.as_ref().map_or("", ProxyUrl::as_str).into(),
            proxy_user: settings.options.0.proxy.user.clone(),
            proxy_use: settings.options.0.proxy.used_for.code().into(),
            proxy_exceptions: settings.options.0.proxy.exceptions.text().into(),
            time_out: number(settings.time_out),
            concurrency: number(settings.concurrency),
            stream_idle: number(settings.stream_idle),
            expired_statuses: settings.expired_statuses.text().into(),
            expired_body: settings.expired_body.text().into(),
            secrets_end_on: settings.secrets_end_on.map(|day| day.to_string()).unwrap_or_default(),
        }
    }

    /// The form as it was submitted. A field that was not sent (another method's, hidden by the script) stays as stored.
    pub fn submitted(&self, data: FormData) -> Result<Form<Fields>, Error> {
        let mut fields = serde_json::to_value(self).map_err(Error::internal)?;
        for (name, value) in fields.as_object_mut().into_iter().flatten() {
            if value.is_string() && data.get(name).is_some() {
                *value = data.trimmed(name).into();
            }
        }
        let mut fields: Fields = serde_json::from_value(fields).map_err(Error::internal)?;
        if fields.expired_statuses.is_empty() {
            fields.expired_statuses = Fields::usual().expired_statuses;
        }
        fields.verify = data.ticked("verify");
        fields.verify_off = data.ticked("verify_off");
        // A box that is not ticked is not sent; a hidden field beside it says that it was there.
        if data.get("code_shown").is_some() {
            fields.pkce = data.ticked("pkce");
            fields.iss_required = data.ticked("iss_required");
        }
        Ok(Form { fields, errors: Errors::default(), data })
    }

    /// The chosen method. The page shows no method's fields for an unknown one, which is refused when it is checked.
    pub fn method(&self) -> Method {
        Method::parse(&self.auth_method).unwrap_or(Method::NoAuth)
    }

    /// The chosen redirect URL; the usual one for an unknown choice, which is refused when it is checked.
    pub fn redirect(&self) -> RedirectUrl {
        RedirectUrl::parse(&self.redirect).unwrap_or_default()
    }

    /// The fields that this grant has; those of others are left empty (RFC 6749 section 4).
    pub fn only_of(mut self, grant: Grant) -> Fields {
        if grant != Grant::Device {
            self.device_url.clear();
        }
        if !grant.asks_for_consent() {
            self.authorize_parameters.clear();
        }
        if !grant.sends_back() {
            self.authorize_url.clear();
            self.redirect = Fields::usual().redirect;
            self.iss_required = false;
        }
        if !matches!(grant, Grant::AuthorizationCode | Grant::Password | Grant::Device) {
            self.refresh_url.clear();
            self.refresh_parameters.clear();
            self.refresh_scope = Fields::usual().refresh_scope;
        }
        if grant == Grant::Implicit {
            self.token_url.clear();
            self.token_parameters.clear();
            self.token_pointer.clear();
            self.token_to_send = Fields::usual().token_to_send;
            self.client_secret_name.clear();
            self.kept_names.clear();
        }
        if grant != Grant::Password {
            self.oauth_user.clear();
        }
        let (by_key, by_secret) = (self.signs_by_key(grant), self.signs_by_secret(grant));
        self.assertion = self.assertion.only_used(grant, by_key, by_secret);
        self
    }

    /// The fields with their labels, for the audit log and the page with both versions. `certificate` says what is shown of one.
    pub fn labelled(&self, certificate: fn(&str) -> String) -> Vec<(&'static str, String)> {
        let yes = |on: bool| if on { "Yes" } else { "No" };
        [
            ("Method", label(&self.auth_method, Method::label)),
            ("User", &self.user_name),
            ("Character set of user and password", label(&self.basic_charset, BasicCharset::label)),
            ("API key sent as", label(&self.api_key_place, CredentialPlace::label)),
            ("API key name", &self.api_key_name),
            ("API key prefix", &self.api_key_prefix),
            ("Access key ID", &self.aws_key_id),
            ("Region", &self.aws_region),
            ("Service", &self.aws_service),
            ("Token sent as", label(&self.token_place, CredentialPlace::label)),
            ("Token name", &self.token_name),
            ("Token prefix", &self.token_prefix),
            ("SSL certificate verification", if self.verify { "On" } else { "Off" }),
            ("CA certificate", &certificate(&self.ca_certificate)),
            ("Trusted CA certificates", label(&self.ca_trust, CaTrust::label)),
            ("Client certificate", &certificate(&self.client_certificate)),
            ("Proxy", &self.proxy_url),
            ("User of the proxy", &self.proxy_user),
            ("Proxy used for", label(&self.proxy_use, ProxyUse::label)),
            ("Hosts without the proxy", &self.proxy_exceptions),
            ("Time-out in seconds", &self.time_out),
            ("Concurrent calls", &self.concurrency),
            ("Idle limit of streams in seconds", &self.stream_idle),
            ("Statuses that mean the token has ended", &self.expired_statuses),
            ("Field or text of the response that means it too", &self.expired_body),
            ("Secrets expire on", &self.secrets_end_on),
            ("Issuer", &self.issuer),
            ("Answers must name the issuer", yes(self.iss_required)),
            ("Authorize URL", &self.authorize_url),
            ("Device authorization URL", &self.device_url),
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
            ("Token to send", label(&self.token_to_send, TokenToSend::label)),
            ("Redirect URL", label(&self.redirect, RedirectUrl::label)),
            ("Where the token is in the response", &self.token_pointer),
            ("Scope on refresh", label(&self.refresh_scope, RefreshScope::label)),
            ("Name of the client ID parameter", &self.client_id_name),
            ("Name of the client secret parameter", &self.client_secret_name),
            ("Values to keep with the token", &self.kept_names),
        ]
        .map(|(label, text)| (label, text.to_string()))
        .into_iter()
        .chain(self.assertion.labelled(certificate))
        .chain(self.login.labelled())
        .collect()
    }
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

/// What is to become of the secret of a field; one that is not mentioned has no use.
fn change_of(secrets: &[(SecretField, SecretChange)], field: SecretField) -> &SecretChange {
    secrets.iter().find(|(of, _)| *of == field).map_or(&SecretChange::Remove, |(_, change)| change)
}

/// An address with what it ends with.
fn with_fragment(url: &str, fragment: &str) -> String {
    if fragment.is_empty() { url.into() } else { format!("{url}#{fragment}") }
}

/// The label that the form shows for a choice.
fn label<T: std::str::FromStr>(code: &str, label: fn(T) -> &'static str) -> &str {
    code.parse().map_or(code, label)
}

/// A form that is being checked against what is stored.
pub(super) struct Check<'a> {
    stored: &'a Stored,
    errors: Errors,
}

impl Stored {
    /// The checked settings; `None` leaves the messages in the form.
    pub fn check(&mut self, vault: &Vault) -> Result<Option<CheckedAuthorization>, Error> {
        let typed = Secret::new(self.form.data.text(SecretField::SigningKey.code()));
        self.form.fields.take_from_key_file(typed.expose());
        let (stored, key) = (self.sealed.connection_secrets(vault)?, self.sealed.checked_key(vault)?);
        Ok(self.check_by(|check| check.authorization(stored, key)))
    }

    /// What a check gives; its messages are the form's.
    pub fn check_by<T>(&mut self, check: impl FnOnce(&mut Check<'_>) -> T) -> T {
        let mut checker = Check { stored: self, errors: Errors::default() };
        let checked = check(&mut checker);
        self.form.errors = checker.errors;
        checked
    }
}
