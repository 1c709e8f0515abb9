//! What the template of the tab asks the form for.

use super::{AuthorizationForm, Fields};
use crate::authorization::model::{SecretField, StoredSecret};
use crate::authorization::secret_field::SecretInput;
use crate::authorization::settings::OAuthClient;
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
        let input = SecretInput::new(name, field.label(), self.stored(field), self.chosen(name), &self.errors);
        let input = input.hint(hint);
        if field == SecretField::ClientKey { input.lines() } else { input }
    }

    pub fn token_input(&self) -> SecretInput {
        let stored = self.pasted_token().map(|token| StoredSecret {
            field: "token".into(),
            set_at: token.obtained_at,
            set_by: token.set_by.clone(),
        });
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

    /// Whether More options needs to be open.
    pub fn more_oauth_open(&self) -> bool {
        let usual = Fields::of(self.before.method, true, &self.before.settings, &OAuthClient::default());
        let texts = |fields: &Fields| {
            [
                fields.refresh_url.clone(),
                fields.revocation_url.clone(),
                fields.authentication.clone(),
                fields.resources.clone(),
                fields.audience.clone(),
                fields.authorize_parameters.clone(),
                fields.token_parameters.clone(),
                fields.refresh_parameters.clone(),
                fields.body_format.clone(),
                fields.scope_separator.clone(),
                fields.lifetime.clone(),
            ]
        };
        let boxes = !self.fields.pkce || self.fields.iss_required;
        boxes || texts(&self.fields) != texts(&usual) || self.is_wrong(&MORE)
    }

    /// Whether the part with certificates, proxy and time-out needs to be open.
    pub fn connection_open(&self) -> bool {
        let fields = &self.fields;
        let filled = [
            &fields.ca_certificate,
            &fields.client_certificate,
            &fields.proxy_url,
            &fields.time_out,
            &fields.concurrency,
            &fields.expired_body,
        ];
        let is_filled = filled.iter().any(|text| !text.is_empty()) || fields.expired_statuses != "401";
        is_filled || self.is_wrong(&CONNECTION)
    }

    fn is_wrong(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.errors.get(name).is_some())
    }
}
