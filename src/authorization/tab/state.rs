//! What the tab says of a connector's state, and which of its buttons repairs it.
//!
//! Rule: at most one button of a state is the primary one; where nothing is wrong, none is.

use chrono::{DateTime, Utc};

use super::{Notice, Stored, TabPage};
use crate::authorization::credential::{BasicCharset, Placement};
use crate::authorization::forms::Fields;
use crate::authorization::login::LoginOptions;
use crate::authorization::options::AwsOptions;
use crate::authorization::refusal_links::{self, FieldLink};
use crate::authorization::settings::{OAuthClient, Settings, time_limit};
use crate::connectors::{Grant, Health, Method};
use crate::web::relative;

/// The fields of the section Connection that stand empty where nothing is set.
const CONNECTION_LABELS: [&str; 8] = [
    "CA certificate",
    "Client certificate",
    "Proxy",
    "User of the proxy",
    "Hosts without the proxy",
    "Time-out in seconds",
    "Concurrent calls",
    "Idle limit of streams in seconds",
];

impl TabPage {
    /// The fields that the shown refusal speaks of.
    pub(super) fn links(&self) -> &'static [FieldLink] {
        match &self.notice {
            Notice::Refused(refusal) if self.connector.method() == Method::Login => refusal_links::on_login(refusal),
            Notice::Refused(refusal) => refusal_links::on_tab(refusal),
            Notice::Found(_) | Notice::Tested(_) | Notice::None => &[],
        }
    }

    /// Whether it speaks of this field.
    pub(super) fn links_to(&self, id: &str) -> bool {
        refusal_links::has(self.links(), &[id])
    }
}

impl Stored {
    /// “in 52 minutes”, “3 days ago”.
    pub(in crate::authorization) fn how_far(&self, time: &DateTime<Utc>) -> String {
        relative(time, &self.now)
    }

    /// Whether a time has passed.
    pub(in crate::authorization) fn is_over(&self, time: &DateTime<Utc>) -> bool {
        *time <= self.now
    }

    /// Whether the connector's method is not left on here: nothing is asked with it.
    pub(in crate::authorization) fn is_switched_off(&self) -> bool {
        !self.is_allowed()
    }

    /// What the health means.
    pub(in crate::authorization) fn meaning(&self) -> &'static str {
        match self.connector.health() {
            Health::Healthy if self.evidence.taken_at.is_some() => "The API takes calls.",
            Health::Healthy => "The server has issued a token.",
            Health::NotTested => "No call and no test has shown yet whether it works.",
            Health::Refused if self.connector.method() == Method::NoAuth => {
                "The API refuses calls without a credential."
            }
            Health::Refused => "The API refuses the credential.",
            Health::Expiring if self.needs_person_by().is_some() => "The refresh token ends soon.",
            Health::Expiring => "The token ends soon.",
            Health::Failing if self.breaker.is_some() => {
                "The API does not answer as it should, so calls are refused for a while."
            }
            Health::Failing if self.renewal_failed() => {
                "The last renewal failed for a reason that may pass. It is tried again."
            }
            Health::Failing => "The API does not answer as it should. The next call may show that it does again.",
            Health::NeedsReauthorization if self.is_switched_off() => "The token is not renewed.",
            Health::NotAuthorized if self.is_switched_off() => "There is no access token.",
            Health::NeedsReauthorization if self.renewal_failed() => "The server refuses to renew the token.",
            Health::NeedsReauthorization => "The token has ended.",
            Health::NotAuthorized if self.can_authorize() || self.can_fetch() => "There is no access token yet.",
            Health::NotAuthorized => match self.connector.method() {
                Method::Basic | Method::Digest => "Not ready: the password is missing.",
                Method::AwsSignature => "Not ready: the secret access key is missing.",
                Method::ApiKey => "Not ready: the API key is missing.",
                _ => "Not ready: there is no access token.",
            },
            Health::Disabled => "Calls are refused.",
        }
    }

    /// What repairs it, for people who may authorize.
    pub(in crate::authorization) fn remedy(&self) -> &'static str {
        let issued = matches!(self.connector.method(), Method::Login | Method::OAuth(_));
        if self.is_switched_off() {
            return "";
        }
        match self.connector.health() {
            Health::Failing if self.api_fails() => "Press Test connection to see whether it works now.",
            Health::Healthy | Health::Failing => "",
            Health::NotTested if self.connector.base_url.is_none() => "Make a call with one of its endpoints.",
            Health::NotTested => "Press Test connection, or make a call.",
            Health::Refused => self.remedy_of_refusal(),
            Health::Expiring if self.can_authorize() => "Press Authorize again before it does.",
            Health::Expiring => "Get a new access token before it does.",
            Health::NeedsReauthorization if self.can_authorize() => "Press Authorize again.",
            Health::NeedsReauthorization if self.renewal_failed() => "",
            Health::NeedsReauthorization => "Get a new access token.",
            Health::NotAuthorized if self.can_authorize() => "Press Authorize to get a token.",
            Health::NotAuthorized if self.can_fetch() => "Press Get Access Token to get one.",
            Health::NotAuthorized if self.asks_for_consent() => {
                "Fill in the fields on this page and save them. Then press Authorize."
            }
            Health::NotAuthorized if issued => {
                "Fill in the fields on this page and save them. Then press Get Access Token."
            }
            Health::NotAuthorized => "Fill in the fields on this page.",
            Health::Disabled => "Enable the data connector on the Details tab.",
        }
    }

    fn remedy_of_refusal(&self) -> &'static str {
        match self.connector.method() {
            Method::NoAuth => "Choose the method that the API asks for on this page.",
            Method::Basic | Method::Digest => {
                "Check user and password on this page, and what the API lets this user do."
            }
            Method::AwsSignature => {
                "Check access key, region and service on this page, and what the API lets this key do."
            }
            Method::ApiKey => "Check the API key on this page, and what the API lets it do.",
            Method::Bearer => "Get a new access token, or check what the API lets this one do.",
            Method::Login => {
                "Check the login request, and what the API lets this user do. Then get a new access token."
            }
            Method::OAuth(_) if self.can_authorize() => "Press Authorize again, as a person who may use the API.",
            Method::OAuth(_) => "Check the scope, and what the API lets this client do. Then get a new access token.",
        }
    }

    /// Whether the API's answers are what is wrong, and not the token.
    fn api_fails(&self) -> bool {
        self.connector.health() == Health::Failing && (self.breaker.is_some() || !self.renewal_failed())
    }

    /// Whether a test is what helps. Where the page has a button that replaces the credential, that comes first.
    pub(in crate::authorization) fn test_helps(&self) -> bool {
        let has_button = self.connector.method().has_tokens();
        let is_allowed = self.connector.base_url.is_some() && !self.is_switched_off();
        is_allowed
            && match self.connector.health() {
                Health::NotTested => true,
                Health::Refused => !has_button,
                _ => self.api_fails(),
            }
    }

    /// Whether anything here is to be repaired with a token.
    pub(in crate::authorization) fn wants_token(&self) -> bool {
        !matches!(self.connector.health(), Health::Healthy | Health::NotTested | Health::Disabled) && !self.api_fails()
    }

    /// Whether requesting a token on the page for it is what repairs the connector.
    pub(in crate::authorization) fn request_repairs(&self) -> bool {
        self.wants_token() && !self.can_fetch()
    }

    /// Whether authorizing is what repairs the connector. What may pass by itself needs no person.
    pub(in crate::authorization) fn authorize_repairs(&self) -> bool {
        self.can_authorize() && self.wants_token() && self.connector.health() != Health::Failing
    }

    /// What takes the press of Authorize: the page before leaving, or a request for a code.
    pub(in crate::authorization) fn authorize_path(&self) -> &'static str {
        if self.connector.method() == Method::OAuth(Grant::Device) { "device" } else { "attempts" }
    }

    /// Whether fetching a token is what repairs the connector.
    pub(in crate::authorization) fn fetch_repairs(&self) -> bool {
        self.wants_token() && !self.authorize_repairs()
    }

    /// The settings of the grant and of the credential’s place that are not the usual ones, for people who may only look.
    pub(in crate::authorization) fn unusual_settings(&self) -> Vec<(&'static str, String)> {
        let (method, verify) = (self.connector.method(), self.connector.verify_certificates);
        let token = Placement::of_tokens();
        let mut options = self.settings.options.clone();
        if method == Method::AwsSignature {
            options.0.aws = AwsOptions::default();
        }
        if method == Method::Login {
            options.0.login = LoginOptions::default();
        }
        let usual = Settings {
            options,
            secrets_end_on: None,
            basic_charset: BasicCharset::default(),
            access_token_place: token.place,
            access_token_name: token.name,
            access_token_prefix: token.prefix,
            ..self.settings.settings.clone()
        };
        let usual = Fields::of(method, verify, &usual, &OAuthClient::default());
        let pairs = self.stored_fields().labelled(if_set).into_iter().zip(usual.labelled(if_set));
        pairs.filter(|(stored, usual)| stored != usual).map(|(stored, _)| stored).collect()
    }

    /// The settings of the section Connection that are made, for people who may only look.
    pub(in crate::authorization) fn connection_settings(&self) -> Vec<(&'static str, String)> {
        let pairs = self.stored_fields().labelled(if_set);
        let trusts = !self.settings.ca_certificate.is_empty();
        let proxied = self.settings.proxy_url.as_ref().is_some();
        let is_made = |(label, words): &(&str, String)| {
            CONNECTION_LABELS.contains(label) && !words.is_empty()
                || trusts && *label == "Trusted CA certificates"
                || proxied && *label == "Proxy used for"
        };
        pairs.into_iter().filter(is_made).collect()
    }

    /// “30 seconds”: how long fetching a token can take.
    pub(in crate::authorization) fn patience(&self) -> String {
        time_limit(self.settings.limits())
    }

    pub(in crate::authorization) fn renewal_failed(&self) -> bool {
        self.renewal.failures > 0
    }

    /// A token is being requested at this moment.
    pub(in crate::authorization) fn is_renewing(&self) -> bool {
        self.renewal.is_leased(self.now)
    }

    /// The token's end is no event where a new one is fetched by then. No request follows a final refusal.
    pub(in crate::authorization) fn renews_itself(&self) -> bool {
        let Some(token) = &self.token else { return false };
        let fetches = self.connector.method().is_renewable(self.settings.keep_fresh, token.has_refresh_token);
        fetches && !self.renewal.is_final && !self.is_switched_off()
    }

    /// When the refresh token ends, if a person has to authorize again then.
    pub(in crate::authorization) fn needs_person_by(&self) -> Option<&DateTime<Utc>> {
        let token = self.token.as_ref().filter(|_| !self.connector.method().signs_in_by_itself())?;
        token.refresh_expires_at.as_ref()
    }

    /// What the button is called that fetches a new token without a person's consent.
    pub(in crate::authorization) fn fetch_label(&self) -> &'static str {
        match (&self.token, self.renewal_failed()) {
            (None, _) => "Get Access Token",
            (Some(_), true) => "Try again now",
            (Some(_), false) if self.connector.method().signs_in_by_itself() => "Get Access Token",
            (Some(_), false) => "Renew token now",
        }
    }
}

/// What is shown of a certificate.
fn if_set(text: &str) -> String {
    if text.is_empty() { String::new() } else { "Set".into() }
}
