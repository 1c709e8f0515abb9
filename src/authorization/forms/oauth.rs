//! The fields of the OAuth 2.0 methods: what was typed, and the settings that it makes.

use crate::authorization::oauth_client::OAuthClient;
use crate::connectors::Grant;
use crate::oauth::{BodyFormat, ClientAuthentication, Parameters, ScopeSeparator, parse_resources};
use crate::outbound::HttpUrl;
use crate::web::{Errors, FormData};

/// The longest text of a field here, in characters; lists are several lines.
const LONGEST: usize = 2_000;
const LONGEST_LIST: usize = 20_000;
/// The longest lifetime that can be set: a year, in seconds.
const LONGEST_LIFETIME: i32 = 31_536_000;

/// The settings as typed.
#[derive(Clone)]
pub(in crate::authorization) struct OAuthForm {
    /// Texts stand here as typed until [`OAuthForm::check`].
    pub typed: OAuthClient,
    pub lifetime: String,
}

impl OAuthForm {
    pub fn of(stored: &OAuthClient) -> OAuthForm {
        OAuthForm {
            lifetime: stored.lifetime.map(|seconds| seconds.to_string()).unwrap_or_default(),
            typed: stored.clone(),
        }
    }

    /// Takes over what was typed. A field that was not sent, because the script hides it, stays as it is.
    pub fn read(&mut self, data: &FormData) {
        let typed = &mut self.typed;
        let fields = [
            ("issuer", &mut typed.issuer),
            ("authorize_url", &mut typed.authorize_url),
            ("token_url", &mut typed.token_url),
            ("refresh_url", &mut typed.refresh_url),
            ("revocation_url", &mut typed.revocation_url),
            ("client_id", &mut typed.client_id),
            ("authentication", &mut typed.authentication),
            ("oauth_user", &mut typed.user_name),
            ("scope", &mut typed.scope),
            ("scope_separator", &mut typed.scope_separator),
            ("resources", &mut typed.resources),
            ("audience", &mut typed.audience),
            ("body_format", &mut typed.body_format),
            ("authorize_parameters", &mut typed.authorize_parameters),
            ("token_parameters", &mut typed.token_parameters),
            ("refresh_parameters", &mut typed.refresh_parameters),
            ("lifetime", &mut self.lifetime),
        ];
        for (name, field) in fields {
            if data.get(name).is_some() {
                *field = data.trimmed(name);
            }
        }
        // A box that is not ticked is not sent; a hidden field beside it says that it was there.
        if data.get("code_shown").is_some() {
            typed.pkce = data.ticked("pkce");
            typed.iss_required = data.ticked("iss_required");
        }
    }

    /// The settings for this grant; messages are left in `errors`.
    pub fn check(&self, grant: Grant, errors: &mut Errors) -> OAuthClient {
        let mut client = self.typed.clone().only_of(grant);
        check_urls(&mut client, grant, errors);
        check_client(&client, grant, errors);
        check_choices(&client, errors);
        check_lists(&client, errors);
        for (name, label, text) in [
            ("client_id", "Client ID", &client.client_id),
            ("oauth_user", "User", &client.user_name),
            ("scope", "Scope", &client.scope),
            ("audience", "Audience", &client.audience),
        ] {
            check_line(name, label, text, errors);
        }
        client.lifetime = self.check_lifetime(errors);
        client
    }

    fn check_lifetime(&self, errors: &mut Errors) -> Option<i32> {
        if self.lifetime.is_empty() {
            return None;
        }
        let seconds = self.lifetime.parse().ok();
        let seconds = seconds.filter(|seconds| (1..=LONGEST_LIFETIME).contains(seconds));
        errors
            .keep("lifetime", seconds.ok_or("Lifetime must be a whole number of seconds, from 1 to 31536000 (a year)"))
    }
}

/// The addresses that the grant needs, and those that it may have.
fn check_urls(client: &mut OAuthClient, grant: Grant, errors: &mut Errors) {
    let authorize = matches!(grant, Grant::AuthorizationCode | Grant::Implicit);
    let token = grant != Grant::Implicit;
    for (name, label, url, needed) in [
        ("issuer", "Issuer", &mut client.issuer, false),
        ("authorize_url", "Authorize URL", &mut client.authorize_url, authorize),
        ("token_url", "AccessToken URL", &mut client.token_url, token),
        ("refresh_url", "RefreshToken URL", &mut client.refresh_url, false),
        ("revocation_url", "Revocation URL", &mut client.revocation_url, false),
    ] {
        if url.is_empty() {
            if needed {
                errors.add(name, format!("Enter the {label}"));
            }
            continue;
        }
        let parsed = HttpUrl::parse(url).map_err(|problem| format!("{label} {problem}"));
        // The issuer is compared letter by letter with what the server says (RFC 8414 section 3.3).
        if let Some(parsed) = errors.keep(name, parsed)
            && name != "issuer"
        {
            *url = parsed.as_str().to_string();
        }
    }
}

fn check_client(client: &OAuthClient, grant: Grant, errors: &mut Errors) {
    if client.client_id.is_empty() && grant != Grant::Password {
        errors.add("client_id", "Enter the Client ID");
    }
    if client.user_name.is_empty() && grant == Grant::Password {
        errors.add("oauth_user", "Enter the user");
    }
}

fn check_choices(client: &OAuthClient, errors: &mut Errors) {
    if client.authentication.parse::<ClientAuthentication>().is_err() {
        errors.add("authentication", "Choose a client authentication");
    }
    if client.scope_separator.parse::<ScopeSeparator>().is_err() {
        errors.add("scope_separator", "Choose how scopes are separated");
    }
    if client.body_format.parse::<BodyFormat>().is_err() {
        errors.add("body_format", "Choose a format");
    }
}

fn check_lists(client: &OAuthClient, errors: &mut Errors) {
    if let Err(problem) = parse_resources(&client.resources) {
        errors.add("resources", format!("Resource {problem}"));
    }
    for (name, label, text) in [
        ("authorize_parameters", "Extra parameters for authorize", &client.authorize_parameters),
        ("token_parameters", "Extra parameters for token", &client.token_parameters),
        ("refresh_parameters", "Extra parameters for refresh", &client.refresh_parameters),
    ] {
        if text.chars().count() > LONGEST_LIST {
            errors.add(name, format!("{label} must be 20,000 characters or fewer"));
        } else if let Err(problem) = text.parse::<Parameters>() {
            errors.add(name, format!("{label} {problem}"));
        }
    }
}

fn check_line(name: &'static str, label: &str, text: &str, errors: &mut Errors) {
    if text.chars().count() > LONGEST {
        errors.add(name, format!("{label} must be 2,000 characters or fewer"));
    } else if text.chars().any(char::is_control) {
        errors.add(name, format!("{label} must not contain line breaks or other control characters"));
    }
}
