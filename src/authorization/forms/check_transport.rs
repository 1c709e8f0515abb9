//! What holds for every request of the connector, and what its change means for stored secrets.
//!
//! Rule: a stored secret goes where it was entered for. A person who sends it elsewhere, or lets others read it on the
//! way, must know it; and tokens that were issued before are forgotten.

use super::{Check, change_of};
use crate::authorization::login::LoginOptions;
use crate::authorization::model::CaTrust;
use crate::authorization::options::{ProxyOptions, ProxyUse};
use crate::authorization::secret_field::SecretChange;
use crate::authorization::settings::{ConnectionSecrets, OAuthClient, Settings};
use crate::connectors::{Method, SecretField};
use crate::db::{OrEmpty, Positive};
use crate::outbound::{Origin, PemProblem, ProxyUrl, Transport, TransportPart, UrlProblem, adds_certificate};

/// The longest text of authorities' certificates, in characters: a bundle with room to spare.
const LONGEST_PEM: usize = 100_000;
/// The longest text of a client certificate with its chain, in bytes.
pub(in crate::authorization) const LONGEST_CHAIN: usize = 64 * 1024;
/// The longest user name at a proxy, in bytes (RFC 1929 section 2).
const LONGEST_USER: usize = 255;
/// The longest list of hosts without the proxy, in characters.
const LONGEST_EXCEPTIONS: usize = 4_000;
/// The longest time-out, in seconds.
const LONGEST_TIME_OUT: i32 = 3_600;
/// The longest that a stream may bring nothing, in seconds.
const LONGEST_STREAM_IDLE: i32 = 3_600;
/// The most concurrent calls.
const MOST_CALLS: i32 = 1000;

impl Check<'_> {
    /// The transport settings as typed, for asking a server that gets no secret.
    pub fn typed_transport(&mut self, stored: ConnectionSecrets) -> Option<Transport> {
        let secrets = [SecretField::ClientKey, SecretField::ProxyPassword].map(|field| (field, self.secret(field)));
        let mut settings = self.stored.settings.settings.clone();
        let transport = self.transport(&secrets, stored, &mut settings)?;
        Some(settings.for_tokens(transport))
    }

    /// The proxy, its sign-in, and what it is used for.
    fn proxy(&mut self, has_password: bool, settings: &mut Settings) {
        let fields = &self.stored.form.fields;
        settings.proxy_url = match fields.proxy_url.as_str() {
            "" => OrEmpty(None),
            typed => OrEmpty(self.errors.keep("proxy_url", ProxyUrl::parse(typed).map_err(proxy_problem))),
        };
        let problem = match fields.proxy_user.as_str() {
            "" if has_password => Some("Enter the user of the proxy, or remove its password"),
            "" => None,
            _ if fields.proxy_url.is_empty() => Some("Enter the address of the proxy, or remove its user"),
            user if user.contains(':') => {
                Some("User of the proxy must not contain a colon (:), which it cannot be sent with")
            }
            user if user.chars().any(char::is_control) => Some("User of the proxy must not contain control characters"),
            user if user.len() > LONGEST_USER => Some("User of the proxy must be 255 characters or fewer"),
            _ => None,
        };
        if let Some(problem) = problem {
            self.errors.add("proxy_user", problem);
        }
        let used_for = ProxyUse::parse(&fields.proxy_use).ok_or("Choose what the proxy is used for");
        let used_for = self.errors.keep("proxy_use", used_for).unwrap_or_default();
        if fields.proxy_exceptions.chars().count() > LONGEST_EXCEPTIONS {
            self.errors.add("proxy_exceptions", "Hosts without the proxy must be 4,000 characters or fewer");
        }
        let exceptions = self.parsed("proxy_exceptions", "Hosts without the proxy", &fields.proxy_exceptions);
        settings.options.0.proxy = ProxyOptions { user: fields.proxy_user.clone(), used_for, exceptions };
    }

    pub(super) fn transport(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        stored: ConnectionSecrets,
        settings: &mut Settings,
    ) -> Option<Transport> {
        let fields = &self.stored.form.fields;
        settings.ca_certificate = fields.ca_certificate.clone();
        settings.client_certificate = fields.client_certificate.clone();
        let trust = CaTrust::parse(&fields.ca_trust).ok_or("Choose which certificates are trusted");
        settings.ca_trust = self.errors.keep("ca_trust", trust).unwrap_or(settings.ca_trust);
        if settings.ca_certificate.chars().count() > LONGEST_PEM {
            self.errors.add("ca_certificate", "CA certificate must be 100,000 characters or fewer");
        }
        if settings.client_certificate.len() > LONGEST_CHAIN {
            self.errors.add("client_certificate", "Client certificate must not be longer than 64 KiB (65536 bytes)");
        }
        // A certificate has its key, and none stands without the other.
        let secrets = stored.changed(|field| change_of(secrets, field));
        let has_key = secrets.client_key.is_some();
        if !has_key && !settings.client_certificate.is_empty() {
            self.errors.add("client_key", "Enter the key of the client certificate");
        } else if has_key && settings.client_certificate.is_empty() {
            self.errors.add("client_certificate", "Enter the certificate of the client key, or remove the key");
        }
        self.proxy(secrets.proxy_password.is_some(), settings);
        match settings.transport(fields.verify, secrets).normalized() {
            Ok(transport) => {
                settings.store_certificates(&transport);
                (!self.errors.any()).then_some(transport)
            }
            Err(found) => {
                let (name, label) = match found.part {
                    TransportPart::Ca => ("ca_certificate", "CA certificate"),
                    TransportPart::ClientCertificate => ("client_certificate", "Client certificate"),
                    TransportPart::ClientKey => ("client_key", "Client key"),
                };
                let message = match (found.part, found.problem) {
                    (TransportPart::ClientKey, PemProblem::EncryptedKey) => {
                        "Client key is encrypted. Choose “Use a file or a key with a pass phrase” below".into()
                    }
                    (_, problem) => format!("{label} {problem}"),
                };
                self.errors.add(name, message);
                None
            }
        }
    }

    pub fn time_out(&mut self) -> Option<Positive> {
        let message = "Time-out must be a whole number of seconds, from 1 to 3600";
        self.number("time_out", &self.stored.form.time_out, LONGEST_TIME_OUT, message)
    }

    /// The settings of calls: how long they may take, how many there may be, and what says that a token has ended.
    pub(super) fn check_calls(&mut self, method: Method, settings: &mut Settings) {
        let fields = &self.stored.form.fields;
        settings.time_out = self.time_out();
        let message = "Concurrent calls must be a whole number, from 1 to 1000";
        settings.concurrency = self.number("concurrency", &fields.concurrency, MOST_CALLS, message);
        let message = "Idle limit of streams must be a whole number of seconds, from 1 to 3600";
        settings.stream_idle = self.number("stream_idle", &fields.stream_idle, LONGEST_STREAM_IDLE, message);
        // Without a token there is none that could end, and the form shows no field for it.
        if method == Method::NoAuth {
            return;
        }
        settings.expired_statuses = self.parsed("expired_statuses", "Statuses", &fields.expired_statuses);
        settings.expired_body = self.parsed("expired_body", "Field of the response", &fields.expired_body);
    }

    /// Asks again for every kept secret that would go elsewhere or could be overheard.
    pub(super) fn check_exposure(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        token: &SecretChange,
        oauth: Option<&OAuthClient>,
    ) {
        if self.unchecked_now() && !self.stored.form.verify_off {
            self.errors.add("verify_off", "Tick the box if secrets are to be sent without checking who receives them");
        }
        for (field, change) in secrets {
            let kept = change.keeps() && self.stored.sealed.has(*field);
            if kept && !field.renews_token() {
                self.ask_again(*field, oauth);
            }
        }
        self.check_further();
        let kept_token = token.keeps() && self.stored.token.is_some();
        if let Some(why) = self.exposure().filter(|_| kept_token && oauth.is_none()) {
            self.add_again("token", "Token", why);
        }
    }

    /// Further secrets are not entered in this form.
    fn check_further(&mut self) {
        let Some(why) = self.exposure().filter(|_| !self.stored.sealed.further().is_empty()) else { return };
        let field = match why {
            _ if self.unchecked_now() => "verify",
            _ if self.other_proxy() => "proxy_url",
            _ => "ca_certificate",
        };
        let message =
            format!("Remove the secret headers and parameters first, and enter them again afterwards, because {why}");
        self.errors.add(field, message);
    }

    fn ask_again(&mut self, field: SecretField, oauth: Option<&OAuthClient>) {
        let moved = oauth.filter(|_| field.goes_to_token_server()).and_then(|client| self.moved(client));
        let moved = moved.or_else(|| self.login_moved().filter(|_| field == SecretField::LoginPassword));
        if let Some(why) = self.exposure().or(moved) {
            self.add_again(field.code(), field.label(), why);
        }
    }

    fn add_again(&mut self, name: &'static str, label: &str, why: &str) {
        if !self.errors.has(name) {
            self.errors.add(name, format!("{label} must be entered again or removed, because {why}"));
        }
    }

    /// What becomes of tokens that the server has issued: they belong to the client, the host and the way that they
    /// were issued to.
    pub(super) fn issued_tokens(&self, method: Method, client: &OAuthClient) -> SecretChange {
        let same = method == self.stored.connector.method()
            && client.client_id == self.stored.oauth.client_id
            && self.moved(client).is_none()
            && self.exposure().is_none();
        if same { SecretChange::Keep } else { SecretChange::Remove }
    }

    /// What becomes of a token or session that a login has brought: it belongs to that request.
    pub(super) fn token_of_login(&self, login: &LoginOptions) -> SecretChange {
        let before = &self.stored.settings.options.0.login;
        let same = self.stored.connector.method() == Method::Login && login == before && self.exposure().is_none();
        if same { SecretChange::Keep } else { SecretChange::Remove }
    }

    fn login_moved(&self) -> Option<&'static str> {
        let before = Origin::of_template(self.stored.settings.options.0.login.url.text());
        let now = Origin::of_template(&self.stored.form.login.login_url);
        (now.is_some() && now != before).then_some("it would go to another host")
    }

    /// Why requests would go to a host to which those before did not go. Secrets and people are two things: the host
    /// where people agree has not had the secret.
    fn moved(&self, client: &OAuthClient) -> Option<&'static str> {
        let before = &self.stored.oauth;
        let known = before.secret_origins();
        if client.secret_origins().iter().any(|now| !known.contains(now)) {
            return Some("it would go to another host");
        }
        let people = client.authorize_origin();
        (people.is_some() && people != before.authorize_origin())
            .then_some("people would be sent to another host to agree")
    }

    /// Certificate checks are being turned off.
    fn unchecked_now(&self) -> bool {
        self.stored.connector.verify_certificates && !self.stored.form.verify
    }

    /// Another authority would vouch for the server: the owner of an authority's key can pass for every
    /// server. Without a named authority those of the machine do, which are many.
    fn other_authority(&self) -> Option<&'static str> {
        let (fields, settings) = (&self.stored.form.fields, &self.stored.settings);
        let (ca, before) = (&fields.ca_certificate, &settings.ca_certificate);
        if !self.stored.connector.verify_certificates || self.errors.has("ca_certificate") {
            return None;
        }
        let machine_now = ca.is_empty() || fields.ca_trust != CaTrust::Only.code();
        let machine_before = before.is_empty() || settings.ca_trust == CaTrust::Besides;
        if machine_now && !machine_before {
            return Some("the machine’s CA certificates would vouch for the server again");
        }
        adds_certificate(before, ca).then_some("another CA certificate would vouch for the server")
    }

    /// Whether the proxy is another one, or passes more on than before.
    fn other_proxy(&self) -> bool {
        let (fields, before) = (&self.stored.form.fields, &self.stored.settings);
        let Ok(proxy) = ProxyUrl::parse(&fields.proxy_url) else { return false };
        let is_same = before.proxy_url.as_ref().is_some_and(|before| before.origin() == proxy.origin());
        !is_same || before.options.0.proxy.is_widened_by(&fields.proxy_use, &fields.proxy_exceptions)
    }

    /// Why others could read on the way what they could not read before.
    fn exposure(&self) -> Option<&'static str> {
        match (self.unchecked_now(), self.other_proxy()) {
            (true, _) => Some("certificates are no longer checked"),
            (_, true) => Some("it would go through another proxy"),
            _ => self.other_authority(),
        }
    }
}

/// What is wrong with the address of a proxy.
fn proxy_problem(problem: UrlProblem) -> String {
    match problem {
        UrlProblem::Scheme => "Proxy must start with http://, https:// or socks5://".into(),
        UrlProblem::UserInformation => {
            "Proxy must not contain a user name or password: enter them in the fields for them".into()
        }
        problem => format!("Proxy {problem}"),
    }
}
