//! The fields of what holds for every request of the connector.

use super::AuthorizationForm;
use crate::authorization::model::SecretField;
use crate::authorization::secret_field::SecretInput;
use crate::web::{Check, TextArea, TextField};

impl AuthorizationForm {
    pub fn proxy_field(&self) -> TextField {
        TextField::url("proxy_url", "Proxy", &self.fields.proxy_url)
            .optional()
            .hint("Such as http://proxy.example.org:3128. Calls and token requests go through it.")
            .errors(&self.errors)
    }

    pub fn time_out_field(&self) -> TextField {
        TextField::new("time_out", "Time-out in seconds", &self.fields.time_out)
            .optional()
            .width("w20")
            .hint("Leave empty for 10 seconds while you wait for a token, and 30 for everything else.")
            .errors(&self.errors)
    }

    pub fn concurrency_field(&self) -> TextField {
        TextField::new("concurrency", "Concurrent calls", &self.fields.concurrency)
            .optional()
            .width("w20")
            .hint("Leave empty for 64. Further calls wait for up to ten seconds.")
            .errors(&self.errors)
    }

    pub fn expired_statuses_field(&self) -> TextField {
        TextField::new("expired_statuses", "Statuses that mean the token has ended", &self.fields.expired_statuses)
            .width("w20")
            .hint("401, unless this API says it in another way. Several with commas.")
            .errors(&self.errors)
    }

    pub fn expired_body_field(&self) -> TextField {
        TextField::new("expired_body", "Field of the response that means it too", &self.fields.expired_body)
            .optional()
            .hint("For APIs that answer 200 all the same, such as /error/code = token_expired.")
            .errors(&self.errors)
    }

    pub fn verify_field(&self) -> Check {
        Check::new("verify", "Enable SSL certificate verification", self.fields.verify).hint(
            "Leave on. Without it anyone on the network path can pose as the data source. Turning it off is recorded.",
        )
    }

    /// Asked for only when certificate checks are being turned off.
    pub fn verify_off_field(&self) -> Option<Check> {
        let asked = self.errors.get("verify_off").is_some() || self.fields.verify_off;
        asked.then(|| {
            Check::new("verify_off", "Send secrets without checking certificates", self.fields.verify_off)
                .errors(&self.errors)
        })
    }

    pub fn ca_field(&self) -> TextArea {
        TextArea::new(
            "ca_certificate",
            "CA certificate",
            without_key(&self.fields.ca_certificate),
        )
            .code(4)
            .optional()
            .hint("PEM. For a server whose certificate your own authority has issued: then only this authority is trusted.")
            .errors(&self.errors)
    }

    pub fn client_certificate_field(&self) -> TextArea {
        TextArea::new("client_certificate", "Client certificate", without_key(&self.fields.client_certificate))
            .code(4)
            .optional()
            .hint("PEM. For servers that ask for one (mutual TLS).")
            .errors(&self.errors)
    }

    pub fn client_key_input(&self) -> SecretInput {
        self.secret_input(SecretField::ClientKey)
            .hint("PEM, without a passphrase. Stored encrypted and never shown again.")
            .lines()
    }

    /// Whether the part with certificates, proxy and time-out needs to be open: it holds something, or an error.
    pub fn connection_open(&self) -> bool {
        let filled = [
            &self.fields.ca_certificate,
            &self.fields.client_certificate,
            &self.fields.proxy_url,
            &self.fields.time_out,
            &self.fields.concurrency,
            &self.fields.expired_body,
        ];
        let names = [
            "ca_certificate",
            "client_certificate",
            "client_key",
            "proxy_url",
            "time_out",
            "concurrency",
            "expired_statuses",
            "expired_body",
        ];
        filled.iter().any(|text| !text.is_empty())
            || self.fields.expired_statuses != "401"
            || names.iter().any(|name| self.errors.get(name).is_some())
    }
}

/// A private key that was pasted among certificates does not come back, like every secret.
fn without_key(certificates: &str) -> &str {
    if certificates.contains("PRIVATE KEY-----") { "" } else { certificates }
}
