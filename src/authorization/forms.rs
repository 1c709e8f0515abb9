//! The form of the Authorization tab.

use super::model::{ApiKeyPlace, Authorization, SecretField, StoredSecret, StoredToken};
use super::secret_field::{SecretChange, SecretInput};
use crate::connectors::{Connector, Method};
use crate::outbound::{Identity, Transport, TransportPart};
use crate::vault::Secret;
use crate::web::{Check, Errors, FormData, Option_, SelectField, TextArea, TextField, date};

/// The longest text of a line here, in characters.
const LONGEST_LINE: usize = 255;
/// The longest certificate text, in characters: a chain with room to spare.
const LONGEST_PEM: usize = 100_000;
/// The longest token that can be pasted, in characters.
const LONGEST_TOKEN: usize = 16_384;

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
    secrets: Vec<StoredSecret>,
    token: Option<StoredToken>,
    pub errors: Errors,
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
    pub secrets: Vec<(SecretField, SecretChange)>,
    pub token: SecretChange,
}

impl AuthorizationForm {
    pub fn of(
        connector: &Connector,
        stored: &Authorization,
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
            secrets,
            token,
            errors: Errors::default(),
        }
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
        if self.method() != Method::NoAuth {
            self.verify = data.ticked("verify");
        }
        self.verify_off_confirmed = data.ticked("verify_off");
    }

    /// The chosen method; an unknown one counts as none.
    pub fn method(&self) -> Method {
        Method::choose(&self.method).unwrap_or(Method::NoAuth)
    }

    fn stored(&self, field: SecretField) -> Option<StoredSecret> {
        self.secrets
            .iter()
            .find(|secret| secret.field == field.code())
            .cloned()
    }

    /// Whether a secret is stored in this field.
    pub fn has(&self, field: SecretField) -> bool {
        self.stored(field).is_some()
    }

    /// The checked settings; `None` leaves the messages in the form. `was_verified`: certificates were checked so far.
    /// `stored_key` opens the stored client key, to see whether it fits the certificate.
    pub fn check(
        &mut self,
        data: &FormData,
        was_verified: bool,
        stored_key: Option<Secret>,
    ) -> Option<CheckedAuthorization> {
        let method = self.errors.keep(
            "auth_method",
            Method::choose(&self.method).ok_or("Choose a method"),
        )?;
        match method {
            Method::Basic => self.check_basic(),
            Method::ApiKey => self.check_api_key(),
            Method::NoAuth | Method::Bearer | Method::OAuth(_) => {}
        }
        let secrets = self.read_secrets(data, method);
        let token = self.read_token(data, method);
        if method != Method::NoAuth {
            self.check_transport(&secrets, stored_key);
            self.check_verify(&secrets, &token, was_verified);
        }
        if self.errors.any() {
            return None;
        }
        Some(CheckedAuthorization {
            method,
            user_name: self.user_name.clone(),
            api_key_place: ApiKeyPlace::parse(&self.api_key_place).unwrap_or(ApiKeyPlace::Header),
            api_key_name: self.api_key_name.clone(),
            api_key_prefix: self.api_key_prefix.clone(),
            verify: self.verify,
            ca_certificate: self.ca_certificate.clone(),
            client_certificate: self.client_certificate.clone(),
            secrets,
            token,
        })
    }

    fn check_basic(&mut self) {
        let problem = match self.user_name.as_str() {
            "" => "Enter the user",
            user if user.contains(':') => {
                "User must not contain a colon (:), which Basic Auth cannot send"
            }
            user if user.chars().any(char::is_control) => {
                "User must not contain control characters"
            }
            user if user.chars().count() > LONGEST_LINE => "User must be 255 characters or fewer",
            _ => return,
        };
        self.errors.add("user_name", problem);
    }

    fn check_api_key(&mut self) {
        let place = ApiKeyPlace::parse(&self.api_key_place);
        if place.is_none() {
            self.errors
                .add("api_key_place", "Choose where the key is sent");
        }
        let token_character =
            |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        let name = self.api_key_name.as_str();
        if name.is_empty() {
            self.errors
                .add("api_key_name", "Enter the name of the header or parameter");
        } else if name.chars().count() > LONGEST_LINE {
            self.errors
                .add("api_key_name", "Name must be 255 characters or fewer");
        } else if place == Some(ApiKeyPlace::Header) && !name.chars().all(token_character) {
            self.errors.add(
                "api_key_name",
                "A header name can have letters, numbers and hyphens, such as X-API-Key",
            );
        } else if name.chars().any(char::is_control) {
            self.errors
                .add("api_key_name", "Name must not contain control characters");
        }
        let visible = |letter: char| letter.is_ascii_graphic() || letter == ' ';
        if !self.api_key_prefix.chars().all(visible)
            || self.api_key_prefix.chars().count() > LONGEST_LINE
        {
            self.errors.add(
                "api_key_prefix",
                "Prefix can have up to 255 letters, numbers and signs, such as Token",
            );
        }
    }

    fn read_secrets(
        &mut self,
        data: &FormData,
        method: Method,
    ) -> Vec<(SecretField, SecretChange)> {
        let mut changes = Vec::new();
        for field in SecretField::ALL {
            let change = if field.belongs_to(method) {
                SecretChange::read(
                    data,
                    field.code(),
                    field.label(),
                    self.stored(field).is_some(),
                    &mut self.errors,
                )
            } else {
                // Another method has no use for it, and a secret nobody uses is only a risk.
                SecretChange::Remove
            };
            if let SecretChange::Replace(secret) = &change {
                self.check_secret(field, secret);
            }
            changes.push((field, change));
        }
        changes
    }

    fn check_secret(&mut self, field: SecretField, secret: &Secret) {
        let text = secret.expose();
        if field == SecretField::ApiKey
            && !text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            self.errors.add("api_key", "API key can have letters, numbers and signs only. Copy it once more, without line breaks.");
        } else if field != SecretField::ClientKey && text.chars().any(char::is_control) {
            self.errors.add(
                field.code(),
                format!(
                    "{} must not contain line breaks or other control characters",
                    field.label()
                ),
            );
        }
    }

    fn read_token(&mut self, data: &FormData, method: Method) -> SecretChange {
        if method != Method::Bearer {
            return SecretChange::Remove;
        }
        let change = SecretChange::read(
            data,
            "token",
            "Token",
            self.token.is_some(),
            &mut self.errors,
        );
        let SecretChange::Replace(typed) = change else {
            return change;
        };
        // Only what a header can carry (RFC 6750 section 2.1); people paste with spaces around it.
        let text = typed.expose().trim();
        if text.is_empty()
            || text.len() > LONGEST_TOKEN
            || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            self.errors.add("token", "A token has letters, numbers and signs, without spaces or line breaks. Copy it once more.");
        }
        SecretChange::Replace(Secret::new(text.to_string()))
    }

    fn check_transport(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        stored_key: Option<Secret>,
    ) {
        for (name, label, text) in [
            ("ca_certificate", "CA certificate", &self.ca_certificate),
            (
                "client_certificate",
                "Client certificate",
                &self.client_certificate,
            ),
        ] {
            if text.chars().count() > LONGEST_PEM {
                self.errors
                    .add(name, format!("{label} must be 100,000 characters or fewer"));
            }
        }
        let key = secrets
            .iter()
            .find(|(field, _)| *field == SecretField::ClientKey)
            .and_then(|(_, change)| match change {
                SecretChange::Keep => stored_key,
                SecretChange::Replace(key) => Some(key.clone()),
                SecretChange::Remove => None,
            });
        let certificate = Some(self.client_certificate.clone()).filter(|text| !text.is_empty());
        let identity = match (certificate, key) {
            (Some(_), None) => {
                return self
                    .errors
                    .add("client_key", "Enter the key of the client certificate");
            }
            (None, Some(_)) => {
                return self.errors.add(
                    "client_certificate",
                    "Enter the certificate of the client key, or remove the key",
                );
            }
            (certificate, key) => certificate
                .zip(key)
                .map(|(chain_pem, key_pem)| Identity { chain_pem, key_pem }),
        };
        let transport = Transport {
            verify: self.verify,
            ca_pem: Some(self.ca_certificate.clone()).filter(|text| !text.is_empty()),
            identity,
        };
        if let Err(found) = transport.check() {
            let (name, label) = match found.part {
                TransportPart::Ca => ("ca_certificate", "CA certificate"),
                TransportPart::ClientCertificate => ("client_certificate", "Client certificate"),
                TransportPart::ClientKey => ("client_key", "Client key"),
            };
            self.errors.add(name, format!("{label} {}", found.problem));
        }
    }

    /// Turning certificate checks off lets anybody on the way read the secrets: it must be meant, and whoever does it
    /// must know the secrets, or they could be harvested that way.
    fn check_verify(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        token: &SecretChange,
        was_verified: bool,
    ) {
        if self.verify || !was_verified {
            return;
        }
        if !self.verify_off_confirmed {
            self.errors.add(
                "verify_off",
                "Tick the box if secrets are to be sent without checking who receives them",
            );
        }
        let kept = |field: &SecretField, change: &SecretChange| {
            matches!(change, SecretChange::Keep) && self.stored(*field).is_some()
        };
        let mut again: Vec<(&'static str, &'static str)> = secrets
            .iter()
            .filter(|(field, change)| kept(field, change))
            .map(|(field, _)| (field.code(), field.label()))
            .collect();
        if matches!(token, SecretChange::Keep) && self.token.is_some() {
            again.push(("token", "Token"));
        }
        for (name, label) in again {
            let known_here = !matches!(name, "token_password" | "token_client_secret");
            let message = if known_here {
                format!(
                    "{label} must be entered again or removed, because certificates are no longer checked"
                )
            } else {
                format!(
                    "{label} must be removed (remove the token), because certificates are no longer checked"
                )
            };
            self.errors
                .add(if known_here { name } else { "token" }, message);
        }
    }

    pub fn method_field(&self) -> SelectField {
        let options = Method::offered()
            .map(|method| Option_::new(method.code(), method.label()))
            .collect();
        SelectField::new("auth_method", "Method", options, &self.method)
            .hint("The fields after it change with the method. Saving another method removes the stored secrets of the one before.")
            .switches("Showing fields for {}")
            .errors(&self.errors)
    }

    pub fn user_field(&self) -> TextField {
        TextField::new("user_name", "User", &self.user_name)
            .width("w28")
            .errors(&self.errors)
    }

    pub fn password_input(&self) -> SecretInput {
        self.secret_input(SecretField::Password)
            .hint("Stored encrypted and never shown again.")
    }

    pub fn token_input(&self) -> SecretInput {
        let stored = self.token.as_ref().map(|token| StoredSecret {
            field: "token".into(),
            set_at: token.obtained_at,
            set_by: token.set_by.clone(),
        });
        SecretInput::new("token", "Token", stored, &self.errors)
            .hint("Stored encrypted. Paste one, or use Get Access Token to request one.")
    }

    pub fn api_key_place_field(&self) -> SelectField {
        let options = ApiKeyPlace::ALL
            .map(|place| Option_::new(place.code(), place.label()))
            .into();
        SelectField::new("api_key_place", "Sent as", options, &self.api_key_place)
            .errors(&self.errors)
    }

    pub fn api_key_name_field(&self) -> TextField {
        TextField::new(
            "api_key_name",
            "Name of the header or parameter",
            &self.api_key_name,
        )
        .hint("Such as X-API-Key.")
        .width("w28")
        .errors(&self.errors)
    }

    pub fn api_key_prefix_field(&self) -> TextField {
        TextField::new("api_key_prefix", "Prefix", &self.api_key_prefix)
            .optional()
            .hint("Put before the key with a space, such as Token.")
            .width("w20")
            .errors(&self.errors)
    }

    pub fn api_key_input(&self) -> SecretInput {
        self.secret_input(SecretField::ApiKey)
            .hint("Stored encrypted and never shown again.")
    }

    pub fn verify_field(&self) -> Check {
        Check::new("verify", "Enable SSL certificate verification", self.verify)
            .hint("Leave on. Without it anyone on the network path can pose as the data source. Turning it off is recorded.")
    }

    /// Asked for only when certificate checks are being turned off.
    pub fn verify_off_field(&self) -> Option<Check> {
        let asked = self.errors.get("verify_off").is_some() || self.verify_off_confirmed;
        asked.then(|| {
            Check::new(
                "verify_off",
                "Send secrets without checking certificates",
                self.verify_off_confirmed,
            )
            .errors(&self.errors)
        })
    }

    pub fn ca_field(&self) -> TextArea {
        TextArea::new("ca_certificate", "CA certificate", &self.ca_certificate)
            .code(4)
            .optional()
            .hint("PEM. For a server whose certificate your own authority has issued: then only this authority is trusted.")
            .errors(&self.errors)
    }

    pub fn client_certificate_field(&self) -> TextArea {
        TextArea::new(
            "client_certificate",
            "Client certificate",
            &self.client_certificate,
        )
        .code(4)
        .optional()
        .hint("PEM. For servers that ask for one (mutual TLS).")
        .errors(&self.errors)
    }

    pub fn client_key_input(&self) -> SecretInput {
        self.secret_input(SecretField::ClientKey)
            .hint("PEM, without a passphrase. Stored encrypted and never shown again.")
            .lines()
    }

    fn secret_input(&self, field: SecretField) -> SecretInput {
        SecretInput::new(
            field.code(),
            field.label(),
            self.stored(field),
            &self.errors,
        )
    }

    /// Whether the part with certificates needs to be open: it holds something, or an error.
    pub fn certificates_open(&self) -> bool {
        let filled = !self.ca_certificate.is_empty() || !self.client_certificate.is_empty();
        filled
            || ["ca_certificate", "client_certificate", "client_key"]
                .iter()
                .any(|name| self.errors.get(name).is_some())
    }

    /// “Set on 3 May 2026 by Ana Ruiz” for a viewer who may not change it.
    pub fn secret_words(&self, field: SecretField) -> String {
        self.stored(field).map_or("Not set".into(), |secret| {
            format!("Set on {} by {}", date(&secret.set_at), secret.set_by)
        })
    }

    /// The fields in words, for the page with both versions.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Method", self.method().label().to_string()),
            ("User", self.user_name.clone()),
            (
                "Sent as",
                ApiKeyPlace::parse(&self.api_key_place)
                    .map_or("", ApiKeyPlace::label)
                    .to_string(),
            ),
            ("Name of the header or parameter", self.api_key_name.clone()),
            ("Prefix", self.api_key_prefix.clone()),
            (
                "SSL certificate verification",
                if self.verify { "On" } else { "Off" }.to_string(),
            ),
            ("CA certificate", self.ca_certificate.clone()),
            ("Client certificate", self.client_certificate.clone()),
        ]
    }
}
