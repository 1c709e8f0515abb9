//! What the tab's form accepts, and the messages with which it refuses.

use chrono::{NaiveDate, TimeDelta};

use super::{Check, CheckedAuthorization, change_of};
use crate::authorization::credential::{BasicCharset, CredentialPlace, Placement};
use crate::authorization::options::{AwsOptions, Options};
use crate::authorization::secret_field::SecretChange;
use crate::authorization::settings::{ConnectionSecrets, OAuthClient, Settings};
use crate::connectors::{Grant, Method, SecretField};
use crate::db::Json;
use crate::oauth::ClientAuthentication;
use crate::outbound::Transport;
use crate::vault::Secret;
use crate::web::{Zone, in_sentence};

/// How far ahead a date may be.
const FURTHEST: TimeDelta = TimeDelta::days(36_525);

/// The longest text of a line here, in characters.
const LONGEST_LINE: usize = 255;

impl Check<'_> {
    /// The checked settings. The stored keys, that of the client certificate and the one that signs, are there to see
    /// whether they fit what is typed.
    pub fn authorization(
        &mut self,
        stored: ConnectionSecrets,
        signing_key: Option<Secret>,
    ) -> Option<CheckedAuthorization> {
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
            Method::Digest => self.check_digest(),
            Method::AwsSignature => self.check_aws(),
            Method::ApiKey => self.check_api_key(),
            Method::Bearer | Method::Login | Method::OAuth(_) => self.check_token_placement(),
            Method::NoAuth => {}
        }
        let login = (method == Method::Login).then(|| self.login());
        let token = match &login {
            Some(login) => self.token_of_login(login),
            None => self.token(method, oauth.as_ref()),
        };
        let mut secrets = self.secrets(method, &token);
        self.check_needed(method, oauth.as_ref(), &secrets);
        if let Some(client) = oauth.as_ref().filter(|_| self.signs_by_key(method)) {
            self.check_signing_key(client, &mut secrets, signing_key);
        }
        let mut settings = self.method_settings(method);
        if let Some(login) = login {
            self.check_login_password(&login, &secrets);
            settings.options.0.login = login;
        }
        if let Some(transport) = self.transport(&secrets, stored, &mut settings) {
            store_key(&mut secrets, transport);
        }
        self.check_calls(method, &mut settings);
        settings.secrets_end_on = self.secrets_end(method);
        self.check_exposure(&secrets, &token, oauth.as_ref());
        if self.errors.any() {
            return None;
        }
        let ticked = self.stored.form.data.all("approve_origin");
        let origins = self.stored.waiting_origins().filter(|origin| ticked.contains(&origin.to_string()));
        let ticked_origins = origins.cloned().collect();
        Some(CheckedAuthorization { method, verify: fields.verify, settings, oauth, secrets, token, ticked_origins })
    }

    /// The last day of the typed secrets; a stored one may have passed.
    fn secrets_end(&mut self, method: Method) -> Option<NaiveDate> {
        let (typed, now) = (self.stored.form.secrets_end_on.as_str(), self.stored.now);
        if typed.is_empty() || method == Method::NoAuth {
            return None;
        }
        let today = Zone::of_reader().clock(&now).date_naive();
        let day = match NaiveDate::parse_from_str(typed, "%Y-%m-%d") {
            Err(_) => Err("Enter the date as year, month and day, such as 2027-03-31"),
            Ok(day) if Some(day) == self.stored.settings.secrets_end_on => Ok(day),
            Ok(day) if day <= today => Err("Enter a date after today"),
            Ok(day) if day > today + FURTHEST => Err("Enter a date within the next hundred years"),
            Ok(day) => Ok(day),
        };
        self.errors.keep("secrets_end_on", day)
    }

    /// The stored settings with the typed fields of the chosen method. Those of other methods are not checked, so they
    /// stay as they are.
    fn method_settings(&self, method: Method) -> Settings {
        let (fields, before) = (&self.stored.form.fields, self.stored.settings.settings.clone());
        match method {
            Method::Basic => Settings {
                user_name: fields.user_name.clone(),
                basic_charset: BasicCharset::parse(&fields.basic_charset).unwrap_or(before.basic_charset),
                ..before
            },
            Method::ApiKey => Settings {
                api_key_place: CredentialPlace::parse(&fields.api_key_place).unwrap_or(before.api_key_place),
                api_key_name: fields.api_key_name.clone(),
                api_key_prefix: fields.api_key_prefix.clone(),
                ..before
            },
            Method::Digest => Settings { user_name: fields.user_name.clone(), ..before },
            Method::AwsSignature => {
                let [key_id, region, service] = [&fields.aws_key_id, &fields.aws_region, &fields.aws_service];
                let aws = AwsOptions { key_id: key_id.clone(), region: region.clone(), service: service.clone() };
                Settings { options: Json(Options { aws, ..before.options.0.clone() }), ..before }
            }
            Method::Bearer | Method::Login | Method::OAuth(_) => Settings {
                access_token_place: CredentialPlace::parse(&fields.token_place).unwrap_or(before.access_token_place),
                access_token_name: fields.token_name.clone(),
                access_token_prefix: fields.token_prefix.clone(),
                ..before
            },
            Method::NoAuth => before,
        }
    }

    fn check_basic(&mut self) {
        let charset = BasicCharset::parse(&self.stored.form.basic_charset);
        if charset.is_none() {
            self.errors.add("basic_charset", "Choose a character set");
        }
        let charset = charset.unwrap_or_default();
        let problem = match self.stored.form.user_name.as_str() {
            "" if self.has_no_password() => "Enter the user. It may be empty only where there is a password",
            user if user.contains(':') => "User must not contain a colon (:), which Basic Auth cannot send",
            user if user.chars().any(char::is_control) => "User must not contain control characters",
            user if user.chars().count() > LONGEST_LINE => "User must be 255 characters or fewer",
            user if charset.encode(user).is_none() => "User has a character that ISO-8859-1 does not have",
            _ => return,
        };
        self.errors.add("user_name", problem);
    }

    /// RFC 7616 section 3.4: a user name with a colon would be another one with another password.
    fn check_digest(&mut self) {
        let problem = match self.stored.form.user_name.as_str() {
            "" => "Enter the user",
            user if user.contains(':') => "User must not contain a colon (:), which HTTP Digest cannot send",
            user if user.chars().any(char::is_control) => "User must not contain control characters",
            user if user.chars().count() > LONGEST_LINE => "User must be 255 characters or fewer",
            _ => return,
        };
        self.errors.add("user_name", problem);
    }

    /// Key, region and service stand in a signature between slashes, without encoding.
    fn check_aws(&mut self) {
        let fields = &self.stored.form.fields;
        for (field, text, label, example) in [
            ("aws_key_id", &fields.aws_key_id, "Access key ID", "AKIAIOSFODNN7EXAMPLE"),
            ("aws_region", &fields.aws_region, "Region", "eu-central-1"),
            ("aws_service", &fields.aws_service, "Service", "s3"),
        ] {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            if text.is_empty() {
                self.errors.add(field, format!("Enter the {}", in_sentence(label)));
            } else if !text.chars().all(fits) || text.len() > LONGEST_LINE {
                let message = format!("{label} can have up to 255 letters, numbers and hyphens, such as {example}");
                self.errors.add(field, message);
            }
        }
    }

    fn has_no_password(&self) -> bool {
        let typed = self.stored.form.data.text(SecretField::Password.code());
        typed.is_empty() && !self.stored.sealed.has(SecretField::Password)
    }

    /// A password that is not entered is an empty one, as APIs want it whose user is the key. One that is kept cannot be
    /// looked at, so it is asked for again where it is to be sent in other characters.
    fn password(&mut self, change: SecretChange) -> SecretChange {
        let (field, name) = (SecretField::Password, SecretField::Password.code());
        let is_basic = self.stored.form.method() == Method::Basic;
        let charset = BasicCharset::parse(&self.stored.form.basic_charset).unwrap_or_default();
        let is_other = charset != self.stored.settings.basic_charset;
        match &change {
            SecretChange::Keep if !self.stored.sealed.has(field) => {
                return SecretChange::Replace(Secret::new(String::new()));
            }
            SecretChange::Keep if is_other && is_basic => {
                self.errors
                    .add(name, "Password must be entered again, because it is to be sent in another character set");
            }
            SecretChange::Replace(password) if is_basic && charset.encode(password.expose()).is_none() => {
                self.errors.add(name, "Password has a character that ISO-8859-1 does not have");
            }
            _ => {}
        }
        change
    }

    fn check_api_key(&mut self) {
        let fields = &self.stored.form.fields;
        let typed = [&fields.api_key_place, &fields.api_key_name, &fields.api_key_prefix];
        let names = ["api_key_place", "api_key_name", "api_key_prefix"];
        self.check_placement(names, typed.map(String::as_str), "Choose where the key is sent");
    }

    fn check_token_placement(&mut self) {
        let fields = &self.stored.form.fields;
        let typed = [&fields.token_place, &fields.token_name, &fields.token_prefix];
        let names = ["token_place", "token_name", "token_prefix"];
        self.check_placement(names, typed.map(String::as_str), "Choose where the token is sent");
    }

    /// Checks the fields of a placement: its place, its name, its prefix.
    fn check_placement(&mut self, names: [&'static str; 3], typed: [&str; 3], choose: &str) {
        let ([place_field, name_field, prefix_field], [place, name, prefix]) = (names, typed);
        let place = CredentialPlace::parse(place);
        match place {
            None => self.errors.add(place_field, choose),
            Some(place) => {
                if let Some(problem) = Placement::name_problem(place, name) {
                    self.errors.add(name_field, problem);
                }
            }
        }
        let visible = |letter: char| letter.is_ascii_graphic() || letter == ' ';
        if !prefix.chars().all(visible) || prefix.chars().count() > LONGEST_LINE {
            self.errors.add(prefix_field, "Prefix can have up to 255 letters, numbers and signs, such as Token");
        }
    }

    /// The secrets without which the grant cannot work.
    fn check_needed(&mut self, method: Method, oauth: Option<&OAuthClient>, secrets: &[(SecretField, SecretChange)]) {
        let Some(client) = oauth else { return };
        let proves = match client.authentication {
            ClientAuthentication::None | ClientAuthentication::PrivateKeyJwt => false,
            ClientAuthentication::ClientSecretJwt => method != Method::OAuth(Grant::Implicit),
            _ => method == Method::OAuth(Grant::ClientCredentials),
        };
        let signs_in = method == Method::OAuth(Grant::Password);
        let choose = match client.authentication {
            ClientAuthentication::ClientSecretJwt => "Enter the Client Secret, which signs",
            _ => "Enter the Client Secret, or choose the client authentication None",
        };
        for (is_needed, field, message) in
            [(proves, SecretField::ClientSecret, choose), (signs_in, SecretField::OAuthPassword, "Enter the password")]
        {
            let is_missing = match change_of(secrets, field) {
                SecretChange::Keep => !self.stored.sealed.has(field),
                SecretChange::Replace(_) => false,
                SecretChange::Remove => !self.has_next(field, secrets),
            };
            if is_needed && is_missing && !self.errors.has(field.code()) {
                self.errors.add(field.code(), message);
            }
        }
    }

    /// Whether there will be a next secret that takes the place of a removed one.
    fn has_next(&self, field: SecretField, secrets: &[(SecretField, SecretChange)]) -> bool {
        field.next().is_some_and(|next| match change_of(secrets, next) {
            SecretChange::Keep => self.stored.sealed.has(next),
            SecretChange::Replace(_) => true,
            SecretChange::Remove => false,
        })
    }

    fn secrets(&mut self, method: Method, token: &SecretChange) -> Vec<(SecretField, SecretChange)> {
        let change = |field: SecretField| {
            let change = match field {
                // Another method has no use for it, and an unused secret is only a risk.
                _ if !field.belongs_to(method) => SecretChange::Remove,
                SecretField::ProxyPassword if self.stored.form.proxy_url.is_empty() => SecretChange::Remove,
                SecretField::SigningKey if !self.signs_by_key(method) => match self.stored.sealed.has(field) {
                    true => SecretChange::Remove,
                    false => SecretChange::Keep,
                },
                // The sign-in of the token request stays and goes with the token that it renews.
                _ if field.renews_token() => match token {
                    SecretChange::Keep => SecretChange::Keep,
                    SecretChange::Replace(_) | SecretChange::Remove => SecretChange::Remove,
                },
                _ => self.secret(field),
            };
            (field, change)
        };
        let secrets: Vec<_> = SecretField::ALL.map(change).into();
        self.check_next(&secrets);
        secrets
    }

    /// A next secret stands beside a present one.
    fn check_next(&mut self, secrets: &[(SecretField, SecretChange)]) {
        for (field, change) in secrets {
            let Some(next) = field.next() else { continue };
            let is_there = matches!(change, SecretChange::Replace(_)) || self.stored.sealed.has(*field);
            if !is_there && matches!(change_of(secrets, next), SecretChange::Replace(_)) {
                let label = field.label();
                self.errors.add(next.code(), format!("Enter it as the {label}, because there is none yet"));
            }
        }
    }

    /// Whether the form wants a private key that signs.
    fn signs_by_key(&self, method: Method) -> bool {
        matches!(method, Method::OAuth(grant) if self.stored.form.fields.signs_by_key(grant))
    }

    pub(super) fn secret(&mut self, field: SecretField) -> SecretChange {
        let (data, is_stored) = (&self.stored.form.data, self.stored.sealed.has(field));
        let mut change = SecretChange::read(data, field.code(), field.label(), is_stored, &mut self.errors);
        let is_issued = matches!(
            field,
            SecretField::ApiKey
                | SecretField::ClientSecret
                | SecretField::AwsSecretKey
                | SecretField::NextApiKey
                | SecretField::NextClientSecret
        );
        if is_issued {
            change = change.trimmed();
        }
        if field == SecretField::Password {
            change = self.password(change);
        }
        if let SecretChange::Replace(secret) = &change {
            self.check_secret(field, secret);
        }
        change
    }

    fn check_secret(&mut self, field: SecretField, secret: &Secret) {
        let text = secret.expose();
        let is_key = matches!(field, SecretField::ApiKey | SecretField::NextApiKey);
        if is_key && !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            let label = field.label();
            self.errors.add(
                field.code(),
                format!("{label} can have letters, numbers and signs only. Copy it once more, without line breaks."),
            );
        } else if !field.is_key() && text.chars().any(char::is_control) {
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
