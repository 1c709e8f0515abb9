//! What the fields of the OAuth 2.0 methods accept.

use std::fmt::Display;
use std::str::FromStr;

use super::{Check, Fields};
use crate::authorization::settings::OAuthClient;
use crate::connectors::Grant;
use crate::db::{Json, OrEmpty, Positive, Typed};
use crate::oauth::{ClientAuthentication, TokenLocation, TokenToSend};
use crate::outbound::HttpUrl;
use crate::web::in_sentence;

/// The longest text of a field here, in characters; lists are several lines.
const LONGEST: usize = 2_000;
const LONGEST_LIST: usize = 20_000;
/// The longest name of a parameter, and the longest fragment, in bytes.
const LONGEST_NAME: usize = 255;
/// The longest lifetime that can be set: a year, in seconds.
const LONGEST_LIFETIME: i32 = 31_536_000;

impl Check<'_> {
    /// The settings for this grant. What is wrong stands in the errors, and is missing in the settings.
    pub(super) fn oauth_client(&mut self, grant: Grant) -> OAuthClient {
        let fields = self.stored.form.fields.clone().only_of(grant);
        if fields.authentication == ClientAuthentication::BasicAsTyped.code() && fields.client_id.contains(':') {
            let message = "Client ID must not contain a colon (:) with this client authentication";
            self.errors.add("client_id", message);
        }
        let is_password = grant == Grant::Password;
        // A grant type of the server's own may know a client by a secret parameter alone.
        let is_public = fields.authentication == ClientAuthentication::None.code();
        let may_lack_client_id =
            is_password || grant == Grant::JwtBearer || (is_public && grant == Grant::ClientCredentials);
        let signs = ClientAuthentication::parse(&fields.authentication).is_some_and(ClientAuthentication::is_assertion);
        let signs = signs && grant != Grant::Implicit;
        self.url("issuer", "Issuer", &fields.issuer, false);
        let (authorize_url, authorize_fragment) = self.split_fragment(&fields.authorize_url);
        let list = ["authorize", "token", "refresh"].map(|request| format!("Extra parameters for {request}"));
        OAuthClient {
            authorize_url: self.url("authorize_url", "Authorize URL", &authorize_url, grant.sends_back()),
            authorize_fragment,
            token_url: self.url("token_url", "AccessToken URL", &fields.token_url, grant != Grant::Implicit),
            device_url: self.url("device_url", "Device authorization URL", &fields.device_url, grant == Grant::Device),
            refresh_url: self.url("refresh_url", "RefreshToken URL", &fields.refresh_url, false),
            revocation_url: self.url("revocation_url", "Revocation URL", &fields.revocation_url, false),
            client_id: self.line("client_id", "Client ID", &fields.client_id, !may_lack_client_id || signs),
            user_name: self.line("oauth_user", "User", &fields.oauth_user, is_password),
            authentication: self.choice("authentication", &fields.authentication, "Choose a client authentication"),
            scope_separator: self.choice("scope_separator", &fields.scope_separator, "Choose how scopes are separated"),
            body_format: self.choice("body_format", &fields.body_format, "Choose a format"),
            resources: self.parsed("resources", "Resource", &fields.resources),
            scope: self.line("scope", "Scope", &fields.scope, false),
            audience: self.line("audience", "Audience", &fields.audience, false),
            authorize_parameters: self.list("authorize_parameters", &list[0], &fields.authorize_parameters),
            token_parameters: self.list("token_parameters", &list[1], &fields.token_parameters),
            refresh_parameters: self.list("refresh_parameters", &list[2], &fields.refresh_parameters),
            lifetime: self.number(
                "lifetime",
                &fields.lifetime,
                LONGEST_LIFETIME,
                "Lifetime must be a whole number of seconds, from 1 to 31536000 (a year)",
            ),
            redirect: self.choice("redirect", &fields.redirect, "Choose a redirect URL"),
            token_pointer: self.token_location(&fields),
            refresh_scope: self.choice("refresh_scope", &fields.refresh_scope, "Choose the scope on refresh"),
            client_id_name: self.parameter_name("client_id_name", "client ID", &fields.client_id_name),
            client_secret_name: self.parameter_name("client_secret_name", "client secret", &fields.client_secret_name),
            kept_names: self.parsed("kept_names", "Values to keep", &fields.kept_names),
            assertion: Json(self.assertion(&fields, grant)),
            issuer: fields.issuer,
            iss_required: fields.iss_required,
            pkce: fields.pkce,
        }
    }

    /// The Authorize URL may have a fragment, which browsers keep and requests do not have.
    fn split_fragment(&mut self, typed: &str) -> (String, String) {
        let (url, fragment) = typed.split_once('#').unwrap_or((typed, ""));
        let fits =
            fragment.len() <= LONGEST_NAME && fragment.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !fits {
            let message =
                "Authorize URL must have up to 255 letters, numbers and signs after #, as in #wechat_redirect";
            self.errors.add("authorize_url", message);
        }
        (url.to_string(), fragment.to_string())
    }

    /// Where the token is that calls carry. The ID token has one place.
    fn token_location(&mut self, fields: &Fields) -> Typed<TokenLocation> {
        let typed = fields.token_pointer.as_str();
        let location = self.parsed("token_pointer", "JSON Pointer", typed);
        let to_send: TokenToSend = self.choice("token_to_send", &fields.token_to_send, "Choose the token to send");
        if to_send == TokenToSend::Access {
            return location;
        }
        if !typed.is_empty() && !location.value.is_id_token() {
            self.errors.add("token_pointer", "Leave this empty with the ID token, or choose the access token");
        }
        self.parsed("token_to_send", "Token to send", TokenLocation::of_id_token())
    }

    fn parameter_name(&mut self, name: &str, parameter: &str, typed: &str) -> String {
        if typed.len() > LONGEST_NAME || !typed.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=#%+".contains(&byte))
        {
            let message = format!("Name of the {parameter} parameter must be up to 255 letters, numbers and signs");
            self.errors.add(name, message);
        }
        typed.to_string()
    }

    /// An address; one that is needed must not be empty.
    pub fn url(&mut self, name: &str, label: &str, typed: &str, is_needed: bool) -> OrEmpty<HttpUrl> {
        let url = match typed {
            "" if is_needed => Err(format!("Enter the {label}")),
            "" => return OrEmpty(None),
            typed => HttpUrl::parse(typed).map_err(|problem| format!("{label} {problem}")),
        };
        OrEmpty(self.errors.keep(name, url))
    }

    pub(super) fn line(&mut self, name: &str, label: &str, typed: &str, is_needed: bool) -> String {
        if typed.is_empty() && is_needed {
            let label = if label == "User" { in_sentence(label) } else { label.into() };
            self.errors.add(name, format!("Enter the {label}"));
        } else if typed.chars().count() > LONGEST {
            self.errors.add(name, format!("{label} must be 2,000 characters or fewer"));
        } else if typed.chars().any(char::is_control) {
            self.errors.add(name, format!("{label} must not contain line breaks or other control characters"));
        }
        typed.to_string()
    }

    pub(super) fn choice<T: FromStr + Default>(&mut self, name: &str, typed: &str, message: &str) -> T {
        self.errors.keep(name, typed.parse().map_err(|_| message)).unwrap_or_default()
    }

    fn list<T: FromStr<Err: Display> + Default>(&mut self, name: &str, label: &str, typed: &str) -> T {
        if typed.chars().count() > LONGEST_LIST {
            self.errors.add(name, format!("{label} must be 20,000 characters or fewer"));
            return T::default();
        }
        self.parsed(name, label, typed)
    }

    /// A text with a syntax of its own.
    pub(super) fn parsed<T: FromStr<Err: Display> + Default>(&mut self, name: &str, label: &str, typed: &str) -> T {
        self.errors.keep(name, typed.parse().map_err(|problem| format!("{label} {problem}"))).unwrap_or_default()
    }

    /// The number of a field that may be empty.
    pub(super) fn number(&mut self, name: &str, typed: &str, most: i32, message: &str) -> Option<Positive> {
        let typed = Some(typed).filter(|typed| !typed.is_empty())?;
        self.errors.keep(name, Positive::parse(typed, 1..=most).ok_or(message))
    }
}
