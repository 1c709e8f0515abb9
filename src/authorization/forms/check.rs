//! What the tab's form accepts, and in which words it refuses.

use super::{AuthorizationForm, CheckedAuthorization};
use crate::authorization::model::{ApiKeyPlace, SecretField};
use crate::authorization::secret_field::SecretChange;
use crate::connectors::Method;
use crate::outbound::{Identity, Transport, TransportPart};
use crate::vault::Secret;
use crate::web::FormData;

/// The longest text of a line here, in characters.
const LONGEST_LINE: usize = 255;
/// The longest certificate text, in characters: a chain with room to spare.
const LONGEST_PEM: usize = 100_000;
/// The longest token that can be pasted, in characters.
const LONGEST_TOKEN: usize = 16_384;

impl AuthorizationForm {
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
        let token = self.read_token(data, method);
        let secrets = self.read_secrets(data, method, &token);
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
        token: &SecretChange,
    ) -> Vec<(SecretField, SecretChange)> {
        let mut changes = Vec::new();
        for field in SecretField::ALL {
            let change = match field {
                // Another method has no use for it, and a secret nobody uses is only a risk.
                _ if !field.belongs_to(method) => SecretChange::Remove,
                // The sign-in of the token request stays and goes with the token that it renews.
                _ if field.renews_token() && matches!(token, SecretChange::Keep) => {
                    SecretChange::Keep
                }
                _ if field.renews_token() => SecretChange::Remove,
                _ => self.read_secret(data, field),
            };
            changes.push((field, change));
        }
        changes
    }

    fn read_secret(&mut self, data: &FormData, field: SecretField) -> SecretChange {
        let is_stored = self.has(field);
        let change = SecretChange::read(
            data,
            field.code(),
            field.label(),
            is_stored,
            &mut self.errors,
        );
        if let SecretChange::Replace(secret) = &change {
            self.check_secret(field, secret);
        }
        change
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
                self.errors
                    .add("client_key", "Enter the key of the client certificate");
                None
            }
            (None, Some(_)) => {
                self.errors.add(
                    "client_certificate",
                    "Enter the certificate of the client key, or remove the key",
                );
                None
            }
            (certificate, key) => certificate
                .zip(key)
                .map(|(chain_pem, key_pem)| Identity { chain_pem, key_pem }),
        };
        let transport = Transport {
            verify: self.verify,
            ca_pem: Some(self.ca_certificate.clone()).filter(|text| !text.is_empty()),
            identity,
            ..Transport::default()
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
        let kept = |field: SecretField, change: &SecretChange| {
            matches!(change, SecretChange::Keep) && self.has(field) && !field.renews_token()
        };
        let token = matches!(token, SecretChange::Keep) && self.token.is_some();
        let again: Vec<(&'static str, &'static str)> = secrets
            .iter()
            .filter(|(field, change)| kept(*field, change))
            .map(|(field, _)| (field.code(), field.label()))
            .chain(token.then_some(("token", "Token")))
            .collect();
        for (name, label) in again {
            if self.errors.get(name).is_some() {
                continue;
            }
            let message = format!(
                "{label} must be entered again or removed, because certificates are no longer checked"
            );
            self.errors.add(name, message);
        }
    }
}
