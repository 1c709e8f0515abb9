//! The fields that the tab shows for the OAuth 2.0 methods.

use super::{AuthorizationForm, Fields};
use crate::authorization::model::SecretField;
use crate::authorization::secret_field::SecretInput;
use crate::authorization::settings::OAuthClient;
use crate::connectors::Grant;
use crate::oauth::{BodyFormat, ClientAuthentication, ScopeSeparator};
use crate::web::{Check, Option_, SelectField, TextArea, TextField, secret_warning};

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

impl AuthorizationForm {
    fn line(&self, name: &str, label: &str, value: &str) -> TextField {
        TextField::new(name, label, value).errors(&self.errors)
    }

    fn address(&self, name: &str, label: &str, value: &str) -> TextField {
        TextField::url(name, label, value).errors(&self.errors)
    }

    fn list(&self, name: &str, label: &str, value: &str) -> TextArea {
        TextArea::new(name, label, value).code(2).optional().warning(secret_warning(value)).errors(&self.errors)
    }

    pub fn issuer_field(&self) -> TextField {
        self.address("issuer", "Issuer", &self.fields.issuer)
            .optional()
            .hint("Where the authorization server describes itself, such as https://id.example.org. With it, Connectory can find the addresses for you.")
    }

    pub fn authorize_url_field(&self) -> TextField {
        self.address("authorize_url", "Authorize URL", &self.fields.authorize_url)
            .hint("Where you sign in at the server and agree.")
    }

    pub fn token_url_field(&self) -> TextField {
        self.address("token_url", "AccessToken URL", &self.fields.token_url)
            .hint("Where the server gives out access tokens. For Auth 2.0 Password it is also called URL Token.")
    }

    pub fn refresh_url_field(&self) -> TextField {
        self.address("refresh_url", "RefreshToken URL", &self.fields.refresh_url)
            .optional()
            .hint("Leave empty to use the AccessToken URL.")
    }

    pub fn revocation_url_field(&self) -> TextField {
        self.address("revocation_url", "Revocation URL", &self.fields.revocation_url)
            .optional()
            .hint("Where the server takes tokens back when you disconnect.")
    }

    pub fn client_id_field(&self) -> TextField {
        self.line("client_id", "Client ID", &self.fields.client_id)
            .hint("What the server calls Connectory.")
            .optional_for("oauth_password", self.grant() == Some(Grant::Password))
    }

    pub fn client_secret_input(&self) -> SecretInput {
        self.secret_input(SecretField::ClientSecret)
            .hint("Stored encrypted and never shown again. Public clients have none.")
    }

    pub fn oauth_user_field(&self) -> TextField {
        self.line("oauth_user", "User", &self.fields.oauth_user).width("w28")
    }

    pub fn oauth_password_input(&self) -> SecretInput {
        self.secret_input(SecretField::OAuthPassword).hint("Stored encrypted and never shown again.")
    }

    pub fn scope_field(&self) -> TextField {
        self.line("scope", "Scope", &self.fields.scope)
            .optional()
            .hint("What access is asked for, with a space between several.")
    }

    pub fn resources_field(&self) -> TextArea {
        self.list("resources", "Resource", &self.fields.resources)
            .hint("Addresses of the APIs that the token is for, one on each line.")
    }

    pub fn audience_field(&self) -> TextField {
        self.line("audience", "Audience", &self.fields.audience).optional()
    }

    pub fn authentication_field(&self) -> SelectField {
        let options = ClientAuthentication::ALL.map(|choice| Option_::new(choice.code(), choice.label())).into();
        SelectField::new("authentication", "Client authentication", options, &self.fields.authentication)
            .hint(
                "How Client ID and Client Secret are sent. If the server calls the client invalid, try the other one.",
            )
            .errors(&self.errors)
    }

    pub fn pkce_field(&self) -> Check {
        Check::new("pkce", "Use PKCE (S256)", self.fields.pkce)
            .hint("Leave on, unless the server refuses it: it makes a stolen code useless.")
    }

    pub fn iss_required_field(&self) -> Check {
        Check::new("iss_required", "Refuse answers that do not name the issuer", self.fields.iss_required)
            .hint("For servers that always name it (RFC 9207).")
    }

    pub fn authorize_parameters_field(&self) -> TextArea {
        self.list("authorize_parameters", "Extra parameters for authorize", &self.fields.authorize_parameters).hint(
            "name=value, one on each line, such as access_type=offline. Not for secrets: they are stored as they are.",
        )
    }

    pub fn token_parameters_field(&self) -> TextArea {
        self.list("token_parameters", "Extra parameters for token", &self.fields.token_parameters)
    }

    pub fn refresh_parameters_field(&self) -> TextArea {
        self.list("refresh_parameters", "Extra parameters for refresh", &self.fields.refresh_parameters)
    }

    pub fn body_format_field(&self) -> SelectField {
        let options = BodyFormat::ALL.map(|choice| Option_::new(choice.code(), choice.label())).into();
        SelectField::new("body_format", "Token requests are sent as", options, &self.fields.body_format)
            .errors(&self.errors)
    }

    pub fn scope_separator_field(&self) -> SelectField {
        let options = ScopeSeparator::ALL.map(|choice| Option_::new(choice.code(), choice.label())).into();
        SelectField::new("scope_separator", "Scopes are separated by", options, &self.fields.scope_separator)
            .errors(&self.errors)
    }

    pub fn lifetime_field(&self) -> TextField {
        self.line("lifetime", "Lifetime of tokens in seconds", &self.fields.lifetime)
            .optional()
            .width("w20")
            .hint("For servers that do not say when a token ends.")
    }

    /// Whether More options needs to be open.
    pub fn more_oauth_open(&self) -> bool {
        let usual = Fields::of(self.before.method, true, &self.before.settings, &OAuthClient::default());
        let typed = &self.fields;
        let differs = [
            (&typed.refresh_url, &usual.refresh_url),
            (&typed.revocation_url, &usual.revocation_url),
            (&typed.authentication, &usual.authentication),
            (&typed.resources, &usual.resources),
            (&typed.audience, &usual.audience),
            (&typed.authorize_parameters, &usual.authorize_parameters),
            (&typed.token_parameters, &usual.token_parameters),
            (&typed.refresh_parameters, &usual.refresh_parameters),
            (&typed.body_format, &usual.body_format),
            (&typed.scope_separator, &usual.scope_separator),
            (&typed.lifetime, &usual.lifetime),
        ];
        differs.iter().any(|(typed, usual)| typed != usual)
            || !typed.pkce
            || typed.iss_required
            || MORE.iter().any(|name| self.errors.get(name).is_some())
    }
}
