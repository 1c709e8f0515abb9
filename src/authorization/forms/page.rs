//! What the template of the tab asks the form for.

use serde_json::json;

use super::{CheckedAuthorization, Fields};
use crate::authorization::login::{PASSWORD, USER};
use crate::authorization::model::{FurtherPlace, SecretName, StoredToken};
use crate::authorization::secret_field::{SecretChange, SecretInput};
use crate::authorization::tab::Stored;
use crate::connectors::{Method, SecretField};
use crate::outbound::{Origin, may_hold_key};
use crate::web::{Choice, date, secret_warning};

/// What stands behind Client: it is open when one of these is filled in or wrong.
const CLIENT: [&str; 7] = [
    "authentication",
    "next_client_secret",
    "pkce",
    "iss_required",
    "redirect",
    "client_id_name",
    "client_secret_name",
];

/// What stands behind Certificate, audience and lifetime.
const ASSERTION: [&str; 4] =
    ["assertion_certificate", "assertion_audience", "assertion_own_audience", "assertion_lifetime"];

/// What stands behind Parameters.
const PARAMETERS: [&str; 7] = [
    "resources",
    "audience",
    "authorize_parameters",
    "token_parameters",
    "refresh_parameters",
    "body_format",
    "scope_separator",
];

/// What stands behind Tokens.
const TOKENS: [&str; 7] =
    ["refresh_url", "refresh_scope", "revocation_url", "lifetime", "token_to_send", "token_pointer", "kept_names"];

/// What stands behind Headers and lifetime.
const LOGIN: [&str; 2] = ["login_headers", "login_minutes"];

/// What stands behind Where the token is sent.
const PLACEMENT: [&str; 3] = ["token_place", "token_name", "token_prefix"];

/// What stands behind Certificates and time-out.
const CONNECTION: [&str; 9] = [
    "ca_certificate",
    "ca_trust",
    "client_certificate",
    "client_key",
    "time_out",
    "concurrency",
    "stream_idle",
    "expired_statuses",
    "expired_body",
];

/// What stands behind Proxy.
const PROXY: [&str; 5] = ["proxy_url", "proxy_user", "proxy_password", "proxy_use", "proxy_exceptions"];

impl Stored {
    /// The methods to choose from.
    pub fn methods(&self) -> Vec<Method> {
        self.grants.choices(Some(self.connector.method()))
    }

    /// The stored token of the Bearer method; one that was issued to another method goes with that method.
    pub fn pasted_token(&self) -> Option<&StoredToken> {
        self.token.as_ref().filter(|_| self.connector.method() == Method::Bearer)
    }

    /// Whether there is a secret that the form can replace.
    pub fn has_secrets(&self) -> bool {
        self.sealed.has_secrets() || self.pasted_token().is_some()
    }

    /// Whether saving would take a stored secret away, with another one in its place or with none: where one can be
    /// removed, another one can be entered afterwards.
    pub fn takes_secrets(&self, checked: &CheckedAuthorization) -> bool {
        let from_field = |(field, change): &(SecretField, SecretChange)| !change.keeps() && self.sealed.has(*field);
        checked.secrets.iter().any(from_field) || (!checked.token.keeps() && self.pasted_token().is_some())
    }

    /// The origins of endpoints that can be ticked in the form of a connector without secrets.
    pub fn waiting_origins(&self) -> impl Iterator<Item = &Origin> {
        self.origins.waiting.iter().filter(|_| !self.origins.has_secrets)
    }

    /// The boxes of these origins.
    pub fn origin_choices(&self) -> Vec<Choice> {
        let ticked = self.form.data.all("approve_origin");
        let origins = self.waiting_origins().map(Origin::to_string);
        let choice = |origin: String| Choice {
            ticked: ticked.contains(&origin),
            label: origin.clone(),
            value: origin,
            note: "",
        };
        origins.map(choice).collect()
    }

    /// Whether the group with the end of the secrets needs to be open.
    pub fn secrets_end_open(&self) -> bool {
        !self.form.secrets_end_on.is_empty() || self.form.errors.has("secrets_end_on")
    }

    pub fn secret_input(&self, field: SecretField, hint: &'static str) -> SecretInput {
        let stored = self.sealed.stored_secret(field).map(|secret| (secret.set_at, secret.set_by.clone()));
        let input = SecretInput::new(field.code(), field.label(), stored, &self.form).hint(hint);
        if field.is_key() { input.lines() } else { input }
    }

    /// Whether the group with a next secret needs to be open.
    pub fn next_open(&self, field: SecretField) -> bool {
        self.sealed.has(field) || self.form.errors.has(field.code())
    }

    pub fn token_input(&self) -> SecretInput {
        let stored = self.pasted_token().map(|token| (token.obtained_at, token.set_by.clone()));
        SecretInput::new("token", "Token", stored, &self.form)
            .hint("Stored encrypted. Paste one, or use Get Access Token to request one.")
    }

    /// “Set on 3 May 2026 by Ana Ruiz” for a viewer who may not change it.
    pub fn secret_words(&self, field: SecretField) -> String {
        let stored = self.sealed.stored_secret(field);
        stored.map_or("Not set".into(), |secret| format!("Set on {} by {}", date(&secret.set_at), secret.set_by))
    }

    /// What to think about where a text seems to hold a secret.
    pub fn warning(&self, text: &str) -> String {
        secret_warning(text).unwrap_or_default()
    }

    /// A private key that was pasted among certificates does not come back, like every secret.
    pub fn without_key<'a>(&self, certificates: &'a str) -> &'a str {
        if may_hold_key(certificates) { "" } else { certificates }
    }

    /// Whether the page asks if secrets may be sent without checking certificates: only when that is being turned off.
    pub fn asks_verify_off(&self) -> bool {
        self.form.errors.has("verify_off") || self.form.verify_off
    }

    /// Whether the group Client needs to be open: something in it is filled in, not as usual, or wrong.
    pub fn client_open(&self) -> bool {
        self.is_used(&CLIENT) || self.sealed.has(SecretField::NextClientSecret)
    }

    /// Whether the group Certificate, audience and lifetime needs to be open.
    pub fn assertion_open(&self) -> bool {
        self.is_used(&ASSERTION)
    }

    /// Whether the group Parameters needs to be open.
    pub fn parameters_open(&self) -> bool {
        self.is_used(&PARAMETERS)
    }

    /// Whether the group Tokens needs to be open.
    pub fn tokens_open(&self) -> bool {
        self.is_used(&TOKENS)
    }

    /// Whether the group Headers and lifetime needs to be open.
    pub fn login_open(&self) -> bool {
        self.is_used(&LOGIN)
    }

    /// The variables of the stored login request that have no value.
    pub fn missing_variables(&self) -> Vec<&str> {
        if self.connector.method() != Method::Login {
            return Vec::new();
        }
        let has = |name: &str| {
            let secret = SecretName::Further(FurtherPlace::LoginVariable, name.into());
            [USER, PASSWORD].contains(&name) || self.sealed.has_name(&secret)
        };
        self.settings.options.0.login.variables().into_iter().filter(|name| !has(name)).collect()
    }

    /// Whether the character set needs to be open.
    pub fn basic_open(&self) -> bool {
        self.is_used(&["basic_charset"])
    }

    /// Whether the part with the token's place needs to be open.
    pub fn placement_open(&self) -> bool {
        self.is_used(&PLACEMENT)
    }

    /// Whether the part with certificates and time-out needs to be open.
    pub fn connection_open(&self) -> bool {
        self.is_used(&CONNECTION)
    }

    /// Whether the part with the proxy needs to be open.
    pub fn proxy_open(&self) -> bool {
        self.is_used(&PROXY)
    }

    fn is_used(&self, names: &[&str]) -> bool {
        let (typed, usual) = (json!(self.form.fields), json!(Fields::usual()));
        names.iter().any(|name| self.form.errors.has(name) || typed.get(name) != usual.get(name))
    }
}
