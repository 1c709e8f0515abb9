//! What holds for every request of the connector, and what its change means for stored secrets.
//!
//! Rule: a stored secret goes where it was entered for. A person who sends it elsewhere, or lets others read it on the
//! way, must know it; and tokens that were issued before are forgotten.

use super::{Check, change_of};
use crate::authorization::model::CaTrust;
use crate::authorization::secret_field::SecretChange;
use crate::authorization::settings::{OAuthClient, Settings};
use crate::connectors::{Method, SecretField};
use crate::db::Positive;
use crate::outbound::{HttpUrl, Transport, TransportPart, adds_certificate};
use crate::vault::Secret;

/// The longest text of authorities' certificates, in characters: a bundle with room to spare.
const LONGEST_PEM: usize = 100_000;
/// The longest text of a client certificate with its chain, in bytes.
const LONGEST_CHAIN: usize = 64 * 1024;
/// The longest time-out, in seconds.
const LONGEST_TIME_OUT: i32 = 3_600;
/// The longest that a stream may bring nothing, in seconds.
const LONGEST_STREAM_IDLE: i32 = 3_600;
/// The most concurrent calls.
const MOST_CALLS: i32 = 1000;

impl Check<'_> {
    /// The transport settings as typed, for asking a server that gets no secret.
    pub fn typed_transport(&mut self, stored_key: Option<Secret>) -> Option<Transport> {
        let key = self.secret(SecretField::ClientKey);
        let mut settings = self.stored.settings.settings.clone();
        self.transport(&[(SecretField::ClientKey, key)], stored_key, &mut settings)
    }

    pub(super) fn transport(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        stored_key: Option<Secret>,
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
        let key = change_of(secrets, SecretField::ClientKey).apply(stored_key);
        if key.is_none() && !settings.client_certificate.is_empty() {
            self.errors.add("client_key", "Enter the key of the client certificate");
        } else if key.is_some() && settings.client_certificate.is_empty() {
            self.errors.add("client_certificate", "Enter the certificate of the client key, or remove the key");
        }
        settings.proxy_url = self.url("proxy_url", "Proxy", &fields.proxy_url, false);
        match settings.transport(fields.verify, key).normalized() {
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
                self.errors.add(name, format!("{label} {}", found.problem));
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

    fn other_proxy(&self) -> bool {
        let proxy = HttpUrl::parse(&self.stored.form.proxy_url).ok().map(|url| url.origin());
        let before = self.stored.settings.proxy_url.as_ref().map(HttpUrl::origin);
        proxy.is_some() && proxy != before
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
