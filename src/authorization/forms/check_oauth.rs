//! What the fields of the OAuth 2.0 methods accept.

use std::fmt::Display;
use std::str::FromStr;

use super::AuthorizationForm;
use super::check_transport::check_number;
use crate::authorization::settings::{OAuthClient, Resources};
use crate::connectors::Grant;
use crate::db::{OrEmpty, Typed};
use crate::outbound::HttpUrl;
use crate::web::Errors;

/// The longest text of a field here, in characters; lists are several lines.
const LONGEST: usize = 2_000;
const LONGEST_LIST: usize = 20_000;
/// The longest lifetime that can be set: a year, in seconds.
const LONGEST_LIFETIME: i32 = 31_536_000;

/// Whether a grant uses a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Usage {
    Required,
    Optional,
    None,
}

impl Usage {
    fn required_if(is: bool) -> Usage {
        if is { Usage::Required } else { Usage::None }
    }

    fn optional_if(is: bool) -> Usage {
        if is { Usage::Optional } else { Usage::None }
    }
}

impl AuthorizationForm {
    /// The settings for this grant. What is wrong stands in the errors, and is missing in the settings.
    pub(super) fn check_oauth(&mut self, grant: Grant) -> OAuthClient {
        let (fields, errors) = (&self.fields, &mut self.errors);
        let asks_for_consent = grant.asks_for_consent();
        let has_token_url = Usage::required_if(grant != Grant::Implicit);
        let refreshes = Usage::optional_if(matches!(grant, Grant::AuthorizationCode | Grant::Password));
        let mut url = |name, label, typed, usage| check_url(errors, name, label, typed, usage);
        url("issuer", "Issuer", &fields.issuer, Usage::Optional);
        let consent = Usage::required_if(asks_for_consent);
        let authorize_url = url("authorize_url", "Authorize URL", &fields.authorize_url, consent);
        let token_url = url("token_url", "AccessToken URL", &fields.token_url, has_token_url);
        let refresh_url = url("refresh_url", "RefreshToken URL", &fields.refresh_url, refreshes);
        let revocation_url = url("revocation_url", "Revocation URL", &fields.revocation_url, Usage::Optional);
        if fields.client_id.is_empty() && grant != Grant::Password {
            errors.add("client_id", "Enter the Client ID");
        }
        if fields.oauth_user.is_empty() && grant == Grant::Password {
            errors.add("oauth_user", "Enter the user");
        }
        let authentication = choice(errors, "authentication", &fields.authentication, "Choose a client authentication");
        let separator = choice(errors, "scope_separator", &fields.scope_separator, "Choose how scopes are separated");
        let body_format = choice(errors, "body_format", &fields.body_format, "Choose a format");
        let resources = fields.resources.parse::<Typed<Resources>>().map_err(|problem| format!("Resource {problem}"));
        let resources = errors.keep("resources", resources).unwrap_or_default();
        let mut list = |name, label, typed, usage| check_list(errors, name, label, typed, usage);
        let (authorize, token) = ("Extra parameters for authorize", "Extra parameters for token");
        let consent = Usage::optional_if(asks_for_consent);
        let authorize_parameters = list("authorize_parameters", authorize, &fields.authorize_parameters, consent);
        let token_parameters = list("token_parameters", token, &fields.token_parameters, has_token_url);
        let refresh = "Extra parameters for refresh";
        let refresh_parameters = list("refresh_parameters", refresh, &fields.refresh_parameters, refreshes);
        let user = if grant == Grant::Password { fields.oauth_user.as_str() } else { "" };
        for (name, label, text) in [
            ("client_id", "Client ID", fields.client_id.as_str()),
            ("oauth_user", "User", user),
            ("scope", "Scope", &fields.scope),
            ("audience", "Audience", &fields.audience),
        ] {
            check_line(errors, name, label, text);
        }
        let message = "Lifetime must be a whole number of seconds, from 1 to 31536000 (a year)";
        let lifetime = check_number(errors, "lifetime", &fields.lifetime, LONGEST_LIFETIME, message);
        OAuthClient {
            issuer: fields.issuer.clone(),
            iss_required: fields.iss_required,
            authorize_url,
            token_url,
            refresh_url,
            revocation_url,
            client_id: fields.client_id.clone(),
            authentication,
            user_name: user.to_string(),
            scope: fields.scope.clone(),
            scope_separator: separator,
            resources,
            audience: fields.audience.clone(),
            pkce: fields.pkce,
            body_format,
            authorize_parameters,
            token_parameters,
            refresh_parameters,
            lifetime,
        }
        .only_of(grant)
    }
}

fn check_url(errors: &mut Errors, name: &'static str, label: &str, typed: &str, usage: Usage) -> OrEmpty<HttpUrl> {
    match usage {
        Usage::None => OrEmpty::default(),
        Usage::Optional if typed.is_empty() => OrEmpty::default(),
        Usage::Required if typed.is_empty() => {
            errors.add(name, format!("Enter the {label}"));
            OrEmpty::default()
        }
        Usage::Required | Usage::Optional => {
            let parsed = HttpUrl::parse(typed).map_err(|problem| format!("{label} {problem}"));
            OrEmpty(errors.keep(name, parsed))
        }
    }
}

fn choice<T: FromStr + Default>(errors: &mut Errors, name: &'static str, typed: &str, message: &'static str) -> T {
    errors.keep(name, typed.parse::<T>().map_err(|_| message)).unwrap_or_default()
}

fn check_list<T>(errors: &mut Errors, name: &'static str, label: &str, typed: &str, usage: Usage) -> Typed<T>
where
    T: FromStr<Err: Display> + Default,
{
    if usage == Usage::None {
        return Typed::default();
    }
    if typed.chars().count() > LONGEST_LIST {
        errors.add(name, format!("{label} must be 20,000 characters or fewer"));
        return Typed::default();
    }
    errors.keep(name, typed.parse::<Typed<T>>().map_err(|problem| format!("{label} {problem}"))).unwrap_or_default()
}

fn check_line(errors: &mut Errors, name: &'static str, label: &str, text: &str) {
    if text.chars().count() > LONGEST {
        errors.add(name, format!("{label} must be 2,000 characters or fewer"));
    } else if text.chars().any(char::is_control) {
        errors.add(name, format!("{label} must not contain line breaks or other control characters"));
    }
}
