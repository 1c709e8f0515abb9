//! What the tab's form accepts, and the messages with which it refuses.

use super::{Check, CheckedAuthorization, change_of};
use crate::authorization::model::ApiKeyPlace;
use crate::authorization::secret_field::SecretChange;
use crate::authorization::settings::{OAuthClient, Settings};
use crate::connectors::{Grant, Method, SecretField};
use crate::outbound::{CONNECTION_HEADERS, Transport};
use crate::vault::Secret;

/// The longest text of a line here, in characters.
const LONGEST_LINE: usize = 255;

impl Check<'_> {
    /// The checked settings. `stored_key` is the stored client key, to see whether it fits the certificate.
    pub fn authorization(&mut self, stored_key: Option<Secret>) -> Option<CheckedAuthorization> {
        let fields = &self.stored.form.fields;
        let method = match Method::parse(&fields.auth_method) {
            None => Err("Choose a method".to_string()),
            Some(method) if !self.stored.grants.allow(method) => {
                Err(format!("{} is switched off here. Choose another method.", method.label()))
            }
            Some(method) => Ok(method),
        };
        let method = self.errors.keep("auth_method", method)?;
        let oauth = match method {
            Method::OAuth(grant) => Some(self.oauth_client(grant)),
            _ => None,
        };
        match method {
            Method::Basic => self.check_basic(),
            Method::ApiKey => self.check_api_key(),
            Method::NoAuth | Method::Bearer | Method::OAuth(_) => {}
        }
        let token = self.token(method, oauth.as_ref());
        let mut secrets = self.secrets(method, &token);
        self.check_needed(method, oauth.as_ref(), &secrets);
        let mut settings = self.method_settings(method);
        if let Some(transport) = self.transport(&secrets, stored_key, &mut settings) {
            store_key(&mut secrets, transport);
        }
        self.check_calls(method, &mut settings);
        self.check_exposure(&secrets, &token, oauth.as_ref());
        if self.errors.any() {
            return None;
        }
        let ticked = self.stored.form.data.all("approve_origin");
        let origins = self.stored.waiting_origins().filter(|origin| ticked.contains(&origin.to_string()));
        let ticked_origins = origins.cloned().collect();
        Some(CheckedAuthorization { method, verify: fields.verify, settings, oauth, secrets, token, ticked_origins })
    }

    /// The stored settings with the typed fields of the chosen method. Those of other methods are not checked, so they
    /// stay as they are.
    fn method_settings(&self, method: Method) -> Settings {
        let (fields, before) = (&self.stored.form.fields, self.stored.settings.settings.clone());
        match method {
            Method::Basic => Settings { user_name: fields.user_name.clone(), ..before },
            Method::ApiKey => Settings {
                api_key_place: ApiKeyPlace::parse(&fields.api_key_place).unwrap_or(before.api_key_place),
                api_key_name: fields.api_key_name.clone(),
                api_key_prefix: fields.api_key_prefix.clone(),
                ..before
            },
            Method::NoAuth | Method::Bearer | Method::OAuth(_) => before,
        }
    }

    fn check_basic(&mut self) {
        let problem = match self.stored.form.user_name.as_str() {
            "" => "Enter the user",
            user if user.contains(':') => "User must not contain a colon (:), which Basic Auth cannot send",
            user if user.chars().any(char::is_control) => "User must not contain control characters",
            user if user.chars().count() > LONGEST_LINE => "User must be 255 characters or fewer",
            _ => return,
        };
        self.errors.add("user_name", problem);
    }

    fn check_api_key(&mut self) {
        let fields = &self.stored.form.fields;
        let place = ApiKeyPlace::parse(&fields.api_key_place);
        if place.is_none() {
            self.errors.add("api_key_place", "Choose where the key is sent");
        }
        let token_character = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        let name = fields.api_key_name.as_str();
        if name.is_empty() {
            self.errors.add("api_key_name", "Enter the name of the header or parameter");
        } else if name.chars().count() > LONGEST_LINE {
            self.errors.add("api_key_name", "Name must be 255 characters or fewer");
        } else if place == Some(ApiKeyPlace::Header) && !name.chars().all(token_character) {
            self.errors.add("api_key_name", "A header name can have letters, numbers and hyphens, such as X-API-Key");
        } else if place == Some(ApiKeyPlace::Header) && is_connection_header(name) {
            self.errors
                .add("api_key_name", format!("{name} is set by Connectory itself. Enter the name of another header"));
        } else if name.chars().any(char::is_control) {
            self.errors.add("api_key_name", "Name must not contain control characters");
        }
        let visible = |letter: char| letter.is_ascii_graphic() || letter == ' ';
        let prefix = &fields.api_key_prefix;
        if !prefix.chars().all(visible) || prefix.chars().count() > LONGEST_LINE {
            self.errors.add("api_key_prefix", "Prefix can have up to 255 letters, numbers and signs, such as Token");
        }
    }

    /// The secrets without which the grant cannot work.
    fn check_needed(&mut self, method: Method, oauth: Option<&OAuthClient>, secrets: &[(SecretField, SecretChange)]) {
        let Some(client) = oauth else { return };
        let proves = method == Method::OAuth(Grant::ClientCredentials) && !client.has_no_proof();
        let signs_in = method == Method::OAuth(Grant::Password);
        let choose = "Enter the Client Secret, or choose the client authentication None";
        for (is_needed, field, message) in
            [(proves, SecretField::ClientSecret, choose), (signs_in, SecretField::OAuthPassword, "Enter the password")]
        {
            let is_missing = match change_of(secrets, field) {
                SecretChange::Keep => !self.stored.sealed.has(field),
                SecretChange::Replace(_) => false,
                SecretChange::Remove => true,
            };
            if is_needed && is_missing && !self.errors.has(field.code()) {
                self.errors.add(field.code(), message);
            }
        }
    }

    fn secrets(&mut self, method: Method, token: &SecretChange) -> Vec<(SecretField, SecretChange)> {
        let change = |field: SecretField| {
            let change = match field {
                // Another method has no use for it, and an unused secret is only a risk.
                _ if !field.belongs_to(method) => SecretChange::Remove,
                // The sign-in of the token request stays and goes with the token that it renews.
                _ if field.renews_token() => match token {
                    SecretChange::Keep => SecretChange::Keep,
                    SecretChange::Replace(_) | SecretChange::Remove => SecretChange::Remove,
                },
                _ => self.secret(field),
            };
            (field, change)
        };
        SecretField::ALL.map(change).into()
    }

    pub(super) fn secret(&mut self, field: SecretField) -> SecretChange {
        let (data, is_stored) = (&self.stored.form.data, self.stored.sealed.has(field));
        let mut change = SecretChange::read(data, field.code(), field.label(), is_stored, &mut self.errors);
        if matches!(field, SecretField::ApiKey | SecretField::ClientSecret) {
            change = change.trimmed();
        }
        if let SecretChange::Replace(secret) = &change {
            self.check_secret(field, secret);
        }
        change
    }

    fn check_secret(&mut self, field: SecretField, secret: &Secret) {
        let text = secret.expose();
        if field == SecretField::ApiKey && !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            self.errors.add(
                "api_key",
                "API key can have letters, numbers and signs only. Copy it once more, without line breaks.",
            );
        } else if field != SecretField::ClientKey && text.chars().any(char::is_control) {
            self.errors.add(
                field.code(),
                format!("{} must not contain line breaks or other control characters", field.label()),
            );
        }
    }

    fn token(&mut self, method: Method, oauth: Option<&OAuthClient>) -> SecretChange {
        if let Some(client) = oauth {
            return self.issued_tokens(method, client);
        }
        if method != Method::Bearer {
            return SecretChange::Remove;
        }
        let is_stored = self.stored.pasted_token().is_some();
        let change = SecretChange::read(&self.stored.form.data, "token", "Token", is_stored, &mut self.errors);
        let typed = match change {
            SecretChange::Replace(typed) => typed,
            // A token of the method before, which was not pasted here.
            SecretChange::Keep if !is_stored => return SecretChange::Remove,
            change => return change,
        };
        // Only what a header can carry (RFC 6750 section 2.1); people paste with spaces around it.
        let text = typed.expose().trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.errors.add(
                "token",
                "A token has letters, numbers and signs, without spaces or line breaks. Copy it once more.",
            );
        }
        SecretChange::Replace(Secret::new(text.to_string()))
    }
}

/// A client key that was entered, in the form in which it is stored.
fn store_key(secrets: &mut [(SecretField, SecretChange)], transport: Transport) {
    for (field, change) in secrets {
        if let (SecretField::ClientKey, SecretChange::Replace(key), Some(identity)) =
            (field, change, &transport.identity)
        {
            *key = identity.key_pem.clone();
        }
    }
}

fn is_connection_header(name: &str) -> bool {
    CONNECTION_HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header))
}
