//! What the template of the tab asks the form for.

use serde_json::json;

use super::{AuthorizationForm, Fields};
use crate::authorization::model::SecretField;
use crate::authorization::secret_field::SecretInput;
use crate::connectors::Method;
use crate::outbound::Origin;
use crate::web::{Choice, date, secret_warning};

/// What stands behind More options: it is open when one of these is filled in or wrong.
const MORE: [&str; 13] = [
    "refresh_url",
    "revocation_url",
    "authentication",
    "pkce",
    "iss_required",
    "resources",
    "audience",
    "authorize_parameters",
    "token_parameters",
    "refresh_parameters",
    "body_format",
    "scope_separator",
    "lifetime",
];

/// What stands behind Certificates, proxy and time-out.
const CONNECTION: [&str; 8] = [
    "ca_certificate",
    "client_certificate",
    "client_key",
    "proxy_url",
    "time_out",
    "concurrency",
    "expired_statuses",
    "expired_body",
];

impl AuthorizationForm {
    /// The methods to choose from.
    pub fn methods(&self) -> Vec<Method> {
        self.grants.choices(Some(self.before.method))
    }

    /// The origins of endpoints to which a secret that is entered now may be sent, too.
    pub fn waiting_origins(&self) -> Vec<Choice> {
        let choice = |origin: &Origin| {
            let origin = origin.to_string();
            Choice { ticked: self.ticked_origins.contains(&origin), value: origin.clone(), label: origin, note: "" }
        };
        self.waiting_origins.iter().map(choice).collect()
    }

    pub fn secret(&self, field: SecretField, hint: &'static str) -> SecretInput {
        let name = field.code();
        let stored = self.stored(field).map(|secret| (secret.set_at, secret.set_by));
        let input = SecretInput::new(name, field.label(), stored, self.chosen(name), &self.errors);
        let input = input.hint(hint);
        if field == SecretField::ClientKey { input.lines() } else { input }
    }

    pub fn token_input(&self) -> SecretInput {
        let stored = self.pasted_token().map(|token| (token.obtained_at, token.set_by.clone()));
        SecretInput::new("token", "Token", stored, self.chosen("token"), &self.errors)
            .hint("Stored encrypted. Paste one, or use Get Access Token to request one.")
    }

    /// “Set on 3 May 2026 by Ana Ruiz” for a viewer who may not change it.
    pub fn secret_words(&self, field: SecretField) -> String {
        self.stored(field)
            .map_or("Not set".into(), |secret| format!("Set on {} by {}", date(&secret.set_at), secret.set_by))
    }

    /// What to think about where a text seems to hold a secret.
    pub fn warning(&self, text: &str) -> String {
        secret_warning(text).unwrap_or_default()
    }

    /// A private key that was pasted among certificates does not come back, like every secret.
    pub fn without_key<'a>(&self, certificates: &'a str) -> &'a str {
        if certificates.contains("PRIVATE KEY-----") { "" } else { certificates }
    }

    /// Whether the page asks if secrets may be sent without checking certificates: only when that is being turned off.
    pub fn asks_verify_off(&self) -> bool {
        self.errors.get("verify_off").is_some() || self.fields.verify_off
    }

    /// Whether More options needs to be open: something in it is filled in, not as usual, or wrong.
    pub fn more_oauth_open(&self) -> bool {
        self.is_used(&MORE)
    }

    /// Whether the part with certificates, proxy and time-out needs to be open.
    pub fn connection_open(&self) -> bool {
        self.is_used(&CONNECTION)
    }

    fn is_used(&self, names: &[&str]) -> bool {
        let (typed, usual) = (json!(self.fields), json!(Fields::usual()));
        names.iter().any(|name| self.errors.has(name) || typed.get(name) != usual.get(name))
    }
}
