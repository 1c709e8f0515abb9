//! What holds for every request of the connector, and what its change means for stored secrets.
//!
//! Rule: a stored secret goes where it was entered for. Whoever leads it elsewhere, or lets others listen on the way,
//! must know it; and tokens that were issued before are forgotten.

use super::AuthorizationForm;
use crate::authorization::model::SecretField;
use crate::authorization::oauth_client::OAuthClient;
use crate::authorization::secret_field::SecretChange;
use crate::connectors::Method;
use crate::oauth::ExpiredSignals;
use crate::outbound::{HttpUrl, Identity, Transport, TransportPart, adds_certificate};
use crate::vault::Secret;
use crate::web::FormData;

/// The longest text of authorities' certificates, in characters: a bundle with room to spare.
const LONGEST_PEM: usize = 100_000;
/// The longest text of a client certificate with its chain, in bytes.
const LONGEST_CHAIN: usize = 64 * 1024;
/// The longest time-out, in seconds.
const LONGEST_TIME_OUT: i32 = 300;
/// The most calls at once.
const MOST_CALLS: i32 = 1000;

impl AuthorizationForm {
    /// The transport settings as typed, for asking a server that gets no secret; `None` leaves the messages in the
    /// form.
    pub fn typed_transport(&mut self, data: &FormData, stored_key: Option<Secret>) -> Option<Transport> {
        let key = self.read_secret(data, SecretField::ClientKey);
        self.check_transport(&[(SecretField::ClientKey, key)], stored_key)
    }

    pub(super) fn check_transport(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        stored_key: Option<Secret>,
    ) -> Option<Transport> {
        if self.ca_certificate.chars().count() > LONGEST_PEM {
            self.errors.add("ca_certificate", "CA certificate must be 100,000 characters or fewer");
        }
        if self.client_certificate.len() > LONGEST_CHAIN {
            self.errors.add("client_certificate", "Client certificate must not be longer than 64 KiB (65536 bytes)");
        }
        let identity = self.check_identity(secrets, stored_key);
        let transport = Transport {
            verify: self.verify,
            ca_pem: Some(self.ca_certificate.clone()).filter(|text| !text.is_empty()),
            identity,
            proxy: self.check_proxy(),
        };
        if let Err(found) = transport.check() {
            let (name, label) = match found.part {
                TransportPart::Ca => ("ca_certificate", "CA certificate"),
                TransportPart::ClientCertificate => ("client_certificate", "Client certificate"),
                TransportPart::ClientKey => ("client_key", "Client key"),
            };
            self.errors.add(name, format!("{label} {}", found.problem));
        }
        (!self.errors.any()).then_some(transport)
    }

    fn check_identity(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        stored_key: Option<Secret>,
    ) -> Option<Identity> {
        let key =
            secrets.iter().find(|(field, _)| *field == SecretField::ClientKey).and_then(|(_, change)| match change {
                SecretChange::Keep => stored_key,
                SecretChange::Replace(key) => Some(key.clone()),
                SecretChange::Remove => None,
            });
        let certificate = Some(self.client_certificate.clone()).filter(|text| !text.is_empty());
        match (certificate, key) {
            (Some(_), None) => {
                self.errors.add("client_key", "Enter the key of the client certificate");
                None
            }
            (None, Some(_)) => {
                self.errors.add("client_certificate", "Enter the certificate of the client key, or remove the key");
                None
            }
            (certificate, key) => certificate.zip(key).map(|(chain_pem, key_pem)| Identity { chain_pem, key_pem }),
        }
    }

    fn check_proxy(&mut self) -> Option<HttpUrl> {
        if self.proxy_url.is_empty() {
            return None;
        }
        let parsed = HttpUrl::parse(&self.proxy_url).map_err(|problem| format!("Proxy {problem}"));
        let proxy = self.errors.keep("proxy_url", parsed)?;
        self.proxy_url = proxy.as_str().to_string();
        Some(proxy)
    }

    pub fn check_time_out(&mut self) -> Option<i32> {
        if self.time_out.is_empty() {
            return None;
        }
        let seconds = self.time_out.parse().ok();
        let seconds = seconds.filter(|seconds| (1..=LONGEST_TIME_OUT).contains(seconds));
        self.errors.keep("time_out", seconds.ok_or("Time-out must be a whole number of seconds, from 1 to 300"))
    }

    pub(super) fn check_concurrency(&mut self) -> Option<i32> {
        if self.concurrency.is_empty() {
            return None;
        }
        let calls = self.concurrency.parse().ok();
        let calls = calls.filter(|calls| (1..=MOST_CALLS).contains(calls));
        self.errors.keep("concurrency", calls.ok_or("Calls at once must be a whole number, from 1 to 1000"))
    }

    pub(super) fn check_signals(&mut self) {
        if self.expired_statuses.is_empty() {
            self.expired_statuses = "401".into();
        }
        if let Err(problem) = ExpiredSignals::parse(&self.expired_statuses, "") {
            self.errors.add("expired_statuses", format!("Statuses {problem}"));
        }
        if let Err(problem) = ExpiredSignals::parse("401", &self.expired_body) {
            self.errors.add("expired_body", format!("Field of the answer {problem}"));
        }
    }

    /// Asks again for every kept secret that would go elsewhere or could be overheard.
    pub(super) fn check_exposure(
        &mut self,
        secrets: &[(SecretField, SecretChange)],
        token: &SecretChange,
        oauth: Option<&OAuthClient>,
    ) {
        if self.unchecked_now() && !self.verify_off_confirmed {
            self.errors.add("verify_off", "Tick the box if secrets are to be sent without checking who receives them");
        }
        for (field, change) in secrets {
            let kept = matches!(change, SecretChange::Keep) && self.has(*field);
            if kept && !field.renews_token() {
                self.ask_again(*field, oauth);
            }
        }
        let kept_token = matches!(token, SecretChange::Keep) && self.token.is_some();
        if let Some(why) = self.exposure().filter(|_| kept_token && oauth.is_none()) {
            self.add_again("token", "Token", why);
        }
    }

    fn ask_again(&mut self, field: SecretField, oauth: Option<&OAuthClient>) {
        let moved = oauth.filter(|_| field.goes_to_token_server()).and_then(|client| self.moved(client));
        if let Some(why) = self.exposure().or(moved) {
            self.add_again(field.code(), field.label(), why);
        }
    }

    fn add_again(&mut self, name: &'static str, label: &str, why: &str) {
        if self.errors.get(name).is_none() {
            let message = format!("{label} must be entered again or removed, because {why}");
            self.errors.add(name, message);
        }
    }

    /// What becomes of tokens that the server has issued: they belong to the client, the host and the way that they
    /// were issued to.
    pub(super) fn issued_tokens(&self, method: Method, client: &OAuthClient) -> SecretChange {
        let same = method == self.before.method
            && client.client_id == self.before.oauth.client_id
            && self.moved(client).is_none()
            && self.exposure().is_none();
        if same { SecretChange::Keep } else { SecretChange::Remove }
    }

    /// Why the settings lead to a host that those before did not lead to. Secrets and people are two things: the host
    /// where people agree has not had the secret.
    fn moved(&self, client: &OAuthClient) -> Option<&'static str> {
        let before = &self.before.oauth;
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
        self.before.verify && !self.verify
    }

    /// Somebody would vouch for the server who could not before: whoever has the key of an authority can pass for every
    /// server. Without a named authority those of the machine do, which are many.
    fn other_authority(&self) -> Option<&'static str> {
        let (ca, before) = (&self.ca_certificate, &self.before.ca_certificate);
        if !self.before.verify || self.errors.get("ca_certificate").is_some() {
            return None;
        }
        if ca.is_empty() {
            return (!before.is_empty()).then_some("the machine’s CA certificates would vouch for the server again");
        }
        adds_certificate(before, ca).then_some("another CA certificate would vouch for the server")
    }

    /// Why others could read on the way what they could not read before.
    fn exposure(&self) -> Option<&'static str> {
        let host = |proxy: &str| HttpUrl::parse(proxy).ok().map(|url| url.origin());
        let proxy = host(&self.proxy_url);
        let other_proxy = proxy.is_some() && proxy != host(&self.before.proxy_url);
        match (self.unchecked_now(), other_proxy) {
            (true, _) => Some("certificates are no longer checked"),
            (_, true) => Some("it would go through another proxy"),
            _ => self.other_authority(),
        }
    }
}
