//! Signed webhooks (Standard Webhooks, standardwebhooks.com): a JSON document by POST, with `webhook-id`,
//! `webhook-timestamp` and `webhook-signature`.

use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::channels::Undelivered;
use super::message::{Message, time};
use crate::config::WebhookSettings;
use crate::outbound::http::Method;
use crate::outbound::{HttpUrl, Limits, Outbound, Request, SendError, Transport, add_header, http, retry_after};

/// How long the receiver may take to answer.
const TIME_OUT: Duration = Duration::from_secs(20);

/// The receiver and the keys that sign what it gets.
pub(super) struct Webhook {
    url: HttpUrl,
    keys: Vec<Zeroizing<Vec<u8>>>,
}

impl Webhook {
    pub fn new(settings: &WebhookSettings) -> anyhow::Result<Webhook> {
        let keys = settings.keys.iter().cloned().map(Zeroizing::new);
        Ok(Webhook {
            url: HttpUrl::parse(&settings.url).context("CONNECTORY_NOTICES_WEBHOOK_URL")?,
            keys: keys.collect(),
        })
    }

    /// The receiver's scheme, host and port: its path may hold a secret.
    pub fn origin(&self) -> String {
        self.url.origin().to_string()
    }

    /// How many keys sign.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// What tells this receiver from another one, without telling its address.
    pub fn receiver(&self) -> Vec<u8> {
        Sha256::digest(self.url.as_str()).to_vec()
    }

    /// Posts the message through the guarded client. The answer must have come within [`TIME_OUT`].
    pub async fn send(&self, outbound: &Outbound, message: &Message, now: DateTime<Utc>) -> Result<(), Undelivered> {
        let body = json!({ "type": message.kind, "timestamp": time(&message.at), "data": message.data });
        let (body, id) = (body.to_string(), format!("msg_{}", message.id.simple()));
        let timestamp = now.timestamp().to_string();
        let signature = self.signature(&id, &timestamp, &body)?;
        let headers = [
            ("Content-Type", "application/json"),
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &signature),
        ];
        let unreachable = |error: SendError| Undelivered::unreachable(error.message);
        let request = self.request(&headers, body).map_err(unreachable)?;
        let sent = outbound.fetch(&Transport::default(), request, Limits::within(TIME_OUT)).await;
        judge(&sent.map_err(unreachable)?, now)
    }

    fn request(&self, headers: &[(&str, &str)], body: String) -> Result<Request, SendError> {
        let mut request = self.url.request(Method::POST, body.into())?;
        for (name, value) in headers {
            add_header(request.headers_mut(), name, value)?;
        }
        Ok(request)
    }

    /// A signature for each key, so that the receiver may know either the old one or the new one.
    fn signature(&self, id: &str, timestamp: &str, body: &str) -> Result<String, Undelivered> {
        let sign = |key: &Zeroizing<Vec<u8>>| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key)
                .map_err(|_| Undelivered::refused("The message could not be signed."))?;
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            let signed = BASE64_STANDARD.encode(mac.finalize().into_bytes());
            Ok(format!("v1,{signed}"))
        };
        let all: Result<Vec<String>, Undelivered> = self.keys.iter().map(sign).collect();
        Ok(all?.join(" "))
    }
}

/// Only 2xx says that the message has arrived; redirects are not followed.
fn judge(response: &http::Response<Vec<u8>>, now: DateTime<Utc>) -> Result<(), Undelivered> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let reason = status.canonical_reason().unwrap_or_default();
    let words = format!("The receiver answered {} {reason}", status.as_u16());
    let mut undelivered = Undelivered::refused(format!("{}.", words.trim_end()));
    undelivered.is_gone = status == 410;
    undelivered.retry_after = retry_after(response.headers(), Some(now));
    Err(undelivered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn signs_as_the_specification_does() {
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let webhook =
            Webhook::new(&WebhookSettings { url: "https://hooks.example.org/in".into(), keys: vec![key.clone(), key] })
                .expect("a webhook");
        let signature = webhook.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let signature = signature.map_err(|problem| problem.reason);
        assert_eq!(signature, Ok(format!("{one} {one}")));
        assert_eq!(webhook.origin(), "https://hooks.example.org");
    }
}
