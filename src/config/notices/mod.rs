//! The settings of notices: through which channels they are sent.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lettre::message::{Mailbox, Mailboxes};
use url::Url;

use super::is_this_machine;
use super::reader::Reader;
use crate::vault::Secret;

/// How long a Standard Webhooks secret is, in bytes.
const SECRET_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// What begins such a secret in its text form.
const SECRET_PREFIX: &str = "whsec_";

/// Which notices are sent, and how.
pub struct NoticeSettings {
    pub email: Option<EmailSettings>,
    pub webhook: Option<WebhookSettings>,
    /// Minutes after a notice in which the same connector causes no other of its kind.
    pub quiet_minutes: u16,
    /// Days for which events are kept after their end.
    pub days: u16,
}

/// A mail server, and who writes to whom.
pub struct EmailSettings {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    /// Certificate authorities (PEM) besides the machine's.
    pub ca_pem: Option<String>,
    /// User name and password.
    pub sign_in: Option<(String, Secret)>,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailTls {
    /// Required before anything else is said (RFC 3207).
    StartTls,
    /// From the first byte on (RFC 8314 section 3.3).
    Implicit,
    None,
}

/// A receiver of webhooks.
pub struct WebhookSettings {
    pub url: String,
    /// The keys that sign, decoded; more than one while they are being changed.
    pub keys: Vec<Vec<u8>>,
}

impl Reader {
    pub(super) fn notices(&mut self) -> NoticeSettings {
        NoticeSettings {
            email: self.email(),
            webhook: self.webhook(),
            quiet_minutes: self.number("CONNECTORY_NOTICES_QUIET_MINUTES", 60, 0..=60 * 24 * 7),
            days: self.number("CONNECTORY_NOTICES_DAYS", 90, 1..=3660),
        }
    }

    fn email(&mut self) -> Option<EmailSettings> {
        let Some(host) = self.take("CONNECTORY_SMTP_HOST") else {
            self.refuse_without(
                "CONNECTORY_SMTP_HOST",
                &[
                    "CONNECTORY_SMTP_PORT",
                    "CONNECTORY_SMTP_TLS",
                    "CONNECTORY_SMTP_CA_FILE",
                    "CONNECTORY_SMTP_USER",
                    "CONNECTORY_SMTP_PASSWORD",
                    "CONNECTORY_SMTP_PASSWORD_FILE",
                    "CONNECTORY_NOTICES_FROM",
                    "CONNECTORY_NOTICES_TO",
                ],
            );
            return None;
        };
        let choices = [("starttls", MailTls::StartTls), ("implicit", MailTls::Implicit), ("none", MailTls::None)];
        let tls = self.choice("CONNECTORY_SMTP_TLS", &choices, "starttls", "starttls, implicit or none");
        let port = match tls {
            MailTls::StartTls => 587,
            MailTls::Implicit => 465,
            MailTls::None => 25,
        };
        let port = self.number("CONNECTORY_SMTP_PORT", port, 1..=u16::MAX);
        let sign_in = self.mail_sign_in();
        if sign_in.is_some() && tls == MailTls::None && !is_this_machine(&host) {
            self.problem("CONNECTORY_SMTP_TLS", "starttls or implicit where a password is sent to another machine");
        }
        let (ca_pem, from, to) = (self.ca_pem(), self.sender(), self.recipients());
        Some(EmailSettings { host, port, tls, ca_pem, sign_in, from: from?, to })
    }

    fn mail_sign_in(&mut self) -> Option<(String, Secret)> {
        let user = self.take("CONNECTORY_SMTP_USER");
        let password = self.secret_or_file("CONNECTORY_SMTP_PASSWORD");
        match (user, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            _ => {
                let problem = "set both CONNECTORY_SMTP_USER and CONNECTORY_SMTP_PASSWORD (or …_FILE), or neither";
                self.problems.push(problem.into());
                None
            }
        }
    }

    fn ca_pem(&mut self) -> Option<String> {
        let path = self.take("CONNECTORY_SMTP_CA_FILE")?;
        let text = self.file("CONNECTORY_SMTP_CA_FILE", &path)?;
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            self.problem("CONNECTORY_SMTP_CA_FILE", "a file with a PEM certificate");
        }
        Some(text)
    }

    fn sender(&mut self) -> Option<Mailbox> {
        let sender = self.take("CONNECTORY_NOTICES_FROM").and_then(|text| text.parse().ok());
        if sender.is_none() {
            self.problem("CONNECTORY_NOTICES_FROM", "an e-mail address such as connectory@example.org");
        }
        sender
    }

    fn recipients(&mut self) -> Vec<Mailbox> {
        let parsed = self.take("CONNECTORY_NOTICES_TO").and_then(|text| text.parse::<Mailboxes>().ok());
        let mut all: Vec<Mailbox> = Vec::new();
        for mailbox in parsed.into_iter().flatten() {
            if !all.iter().any(|other| other.email == mailbox.email) {
                all.push(mailbox);
            }
        }
        if all.is_empty() {
            self.problem(
                "CONNECTORY_NOTICES_TO",
                "e-mail addresses with commas between them, such as ana@example.org, ben@example.org",
            );
        }
        all
    }

    fn webhook(&mut self) -> Option<WebhookSettings> {
        const URL: &str = "CONNECTORY_NOTICES_WEBHOOK_URL";
        const SECRETS: &str = "CONNECTORY_NOTICES_WEBHOOK_SECRETS";
        const SECRETS_FILE: &str = "CONNECTORY_NOTICES_WEBHOOK_SECRETS_FILE";
        let Some(url) = self.secret(URL) else {
            self.refuse_without(URL, &[SECRETS, SECRETS_FILE]);
            return None;
        };
        if !is_web_address(url.expose()) {
            self.problem(URL, "an http or https address without user name and password");
        }
        let text = self.secret_or_file(SECRETS);
        let text = text.as_ref().map_or("", Secret::expose);
        let secrets = text.split([',', '\n']).map(str::trim);
        let keys: Option<Vec<Vec<u8>>> = secrets.filter(|secret| !secret.is_empty()).map(signing_key).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Some(WebhookSettings { url: url.expose().to_string(), keys }),
            _ => {
                self.problem(
                    SECRETS,
                    "whsec_ and the base64 of 24 to 64 random bytes; several with commas between them",
                );
                None
            }
        }
    }

    /// Settings that do nothing because the one they belong to is missing.
    fn refuse_without(&mut self, missing: &str, names: &[&str]) {
        let set = names.iter().filter(|name| self.is_given(name));
        let problems: Vec<String> = set.map(|name| format!("{name} needs {missing} to be set too")).collect();
        self.problems.extend(problems);
    }
}

/// The bytes of `whsec_…` (Standard Webhooks, “Signature scheme”).
fn signing_key(secret: &str) -> Option<Vec<u8>> {
    let encoded = secret.strip_prefix(SECRET_PREFIX)?;
    let key = BASE64_STANDARD.decode(encoded).ok()?;
    SECRET_LENGTHS.contains(&key.len()).then_some(key)
}

/// An address of the web in which no user name or password stands.
fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    })
}

#[cfg(test)]
mod tests;
