//! What the fields of the OAuth 2.0 methods accept.

use std::fmt::Display;
use std::str::FromStr;

use super::Check;
use crate::authorization::settings::OAuthClient;
use crate::connectors::Grant;
use crate::db::{OrEmpty, Positive};
use crate::outbound::HttpUrl;
use crate::web::in_sentence;

/// The longest text of a field here, in characters; lists are several lines.
const LONGEST: usize = 2_000;
const LONGEST_LIST: usize = 20_000;
/// The longest lifetime that can be set: a year, in seconds.
const LONGEST_LIFETIME: i32 = 31_536_000;

impl Check<'_> {
    /// The settings for this grant. What is wrong stands in the errors, and is missing in the settings.
    pub(super) fn oauth_client(&mut self, grant: Grant) -> OAuthClient {
        let fields = self.stored.form.fields.clone().only_of(grant);
        let is_password = grant == Grant::Password;
        self.url("issuer", "Issuer", &fields.issuer, false);
        let list = ["authorize", "token", "refresh"].map(|request| format!("Extra parameters for {request}"));
        OAuthClient {
            authorize_url: self.url("authorize_url", "Authorize URL", &fields.authorize_url, grant.sends_back()),
            token_url: self.url("token_url", "AccessToken URL", &fields.token_url, grant != Grant::Implicit),
            device_url: self.url("device_url", "Device authorization URL", &fields.device_url, grant == Grant::Device),
            refresh_url: self.url("refresh_url", "RefreshToken URL", &fields.refresh_url, false),
            revocation_url: self.url("revocation_url", "Revocation URL", &fields.revocation_url, false),
            client_id: self.line("client_id", "Client ID", &fields.client_id, !is_password),
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
            issuer: fields.issuer,
            iss_required: fields.iss_required,
            pkce: fields.pkce,
        }
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

    fn line(&mut self, name: &str, label: &str, typed: &str, is_needed: bool) -> String {
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

    fn choice<T: FromStr + Default>(&mut self, name: &str, typed: &str, message: &str) -> T {
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
