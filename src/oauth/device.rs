//! The device authorization grant (RFC 8628): codes with which a person agrees on another device.
//!
//! The crate `oauth2` builds the request; the response is read here, because servers send numbers as texts and names of
//! drafts of the standard.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use oauth2::http::HeaderValue;
use oauth2::http::header::CONTENT_TYPE;
use oauth2::{AsyncHttpClient, DeviceAuthorizationUrl, HttpRequest, HttpResponse, StandardDeviceAuthorizationResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::TokenError;
use super::http_client::{self, Sender, cannot_build};
use super::remedy::RequestKind;
use super::response::{Reply, ResponseReader};
use super::response_document::Document;
use super::token::is_vschar;
use super::token_endpoint::TokenEndpoint;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Stage, Transport};
use crate::vault::Secret;

/// The grant type of a device code (RFC 8628 3.4).
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The longest code that a person is asked to type, in characters.
const LONGEST_USER_CODE: usize = 64;

/// The pause between two requests where the server names none, and its limits, in seconds (RFC 8628 3.2).
const USUAL_INTERVAL: i64 = 5;
const LONGEST_INTERVAL: i64 = 120;

/// How long codes live where the server does not say, and at most, in seconds.
const USUAL_LIFETIME: i64 = 600;
const LONGEST_LIFETIME: i64 = 3600;

/// The document that the crate gets for every response that was read.
const READ: &[u8] =
    br#"{"device_code":"read","user_code":"read","verification_uri":"https://read.example","expires_in":1}"#;

/// What a server gives for a person who agrees on another device (RFC 8628 3.2).
pub struct DeviceCodes {
    pub texts: DeviceTexts,
    pub lifetime: TimeDelta,
    /// The least time between two requests for the token.
    pub interval: TimeDelta,
}

/// The codes and addresses. The device code is a secret, and so is the user code: who enters it decides what is granted.
#[derive(Clone, Serialize, Deserialize)]
pub struct DeviceTexts {
    device_code: String,
    pub user_code: String,
    /// Where the person enters the user code.
    pub verification_uri: String,
    /// The same with the user code in it.
    pub verification_uri_complete: Option<String>,
}

impl DeviceTexts {
    /// What is exchanged for the token.
    pub fn device_code(&self) -> Secret {
        Secret::new(self.device_code.clone())
    }

    /// The texts as one, to be sealed.
    pub fn sealable(&self) -> Result<Secret, serde_json::Error> {
        serde_json::to_string(self).map(Secret::new)
    }

    /// Reads what [`Self::sealable`] gave.
    pub fn read(opened: &Secret) -> Result<DeviceTexts, serde_json::Error> {
        serde_json::from_str(opened.expose())
    }
}

impl TokenEndpoint {
    /// Asks for codes at this time; the endpoint's address is that for devices (RFC 8628 3.1).
    pub async fn request_device_codes(
        &self,
        outbound: &Outbound,
        transport: &Transport,
        limits: Limits,
        now: DateTime<Utc>,
    ) -> Result<DeviceCodes, TokenError> {
        let mut mask = Mask::new(transport.echoes());
        self.client.add_to(&mut mask);
        let response = ResponseReader { url: &self.url, kind: RequestKind::Device, mask: &mask, now: None };
        let sender = Sender { outbound, transport, limits };
        let http = DeviceHttpClient { sender, endpoint: self, response, codes: Mutex::default(), now };
        let url = DeviceAuthorizationUrl::new(self.url.as_str().to_owned()).map_err(|_| cannot_build())?;
        let client = self.client.oauth2().set_device_authorization_url(url);
        let resources = self.resources.iter().map(|resource| ("resource", resource.as_str()));
        let others = [("audience", self.audience.as_str())].into_iter().chain(resources);
        let others = others.filter(|(_, value)| !value.is_empty());
        let scopes = self.scopes(&self.scope).into_iter();
        let request = scopes.fold(client.exchange_device_code(), |request, scope| request.add_scope(scope));
        let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
        let read: Result<StandardDeviceAuthorizationResponse, _> = request.request_async(&http).await;
        read.map_err(|error| self.client.remedied(http_client::error(error)))?;
        http.codes.into_inner().ok().flatten().ok_or_else(cannot_build)
    }
}

/// The crate's client for a request for codes.
struct DeviceHttpClient<'a> {
    sender: Sender<'a>,
    endpoint: &'a TokenEndpoint,
    response: ResponseReader<'a>,
    codes: Mutex<Option<DeviceCodes>>,
    now: DateTime<Utc>,
}

impl<'c> AsyncHttpClient<'c> for DeviceHttpClient<'_> {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = self.endpoint.form(None, self.now).of(&request, self.response.url)?;
            let codes = read(&self.response, &self.sender.send(request).await?)?;
            if let Ok(mut place) = self.codes.lock() {
                *place = Some(codes);
            }
            let mut response = HttpResponse::new(READ.to_vec());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        })
    }
}

fn read(response: &ResponseReader<'_>, reply: &Reply) -> Result<DeviceCodes, TokenError> {
    let refused = |message: &str, remedy| TokenError::new(Stage::Response, message, remedy);
    match response.document(reply)? {
        Document::Json(Value::Object(members)) => codes(&members).ok_or_else(|| {
            refused("The answer has no device code, user code and address for people.", RequestKind::Device.address())
        }),
        Document::Markup(_) => {
            Err(refused("The server answered with a web page, not with codes.", RequestKind::Device.web_page()))
        }
        Document::Json(_) | Document::Text(_) => {
            Err(refused("The server's answer is no JSON object.", RequestKind::Device.address()))
        }
    }
}

fn codes(members: &Map<String, Value>) -> Option<DeviceCodes> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::trim);
    // A draft of the standard, and Google, call it verification_url.
    let address = |name: &str, draft: &str| HttpUrl::parse(text(name).or_else(|| text(draft))?).ok();
    let device_code = text("device_code").filter(|code| is_vschar(code))?;
    let is_plain =
        |code: &&str| (1..=LONGEST_USER_CODE).contains(&code.chars().count()) && code.chars().all(|c| !c.is_control());
    let complete = address("verification_uri_complete", "verification_url_complete");
    Some(DeviceCodes {
        texts: DeviceTexts {
            device_code: device_code.to_owned(),
            user_code: text("user_code").filter(is_plain)?.to_owned(),
            verification_uri: address("verification_uri", "verification_url")?.as_str().to_owned(),
            verification_uri_complete: complete.map(|url| url.as_str().to_owned()),
        },
        lifetime: seconds(members.get("expires_in"), USUAL_LIFETIME, LONGEST_LIFETIME),
        interval: seconds(members.get("interval"), USUAL_INTERVAL, LONGEST_INTERVAL),
    })
}

/// A number of seconds, also as a text; the usual one where it is missing or none.
fn seconds(value: Option<&Value>, usual: i64, most: i64) -> TimeDelta {
    let number = value.and_then(|value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()));
    let number = number.filter(|number: &f64| *number >= 1.0).map_or(usual, |number| number.min(most as f64) as i64);
    TimeDelta::seconds(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> Option<(String, String, i64, i64)> {
        let Value::Object(members) = value else { return None };
        let codes = codes(&members)?;
        let (lifetime, interval) = (codes.lifetime.num_seconds(), codes.interval.num_seconds());
        Some((codes.texts.user_code, codes.texts.verification_uri, lifetime, interval))
    }

    #[test]
    fn codes_are_read_as_servers_write_them() {
        let uri = "https://id.example/device";
        let base = json!({"device_code": "d", "user_code": " WDJB-MJHT ", "verification_uri": uri});
        for (members, lifetime, interval) in [
            (json!({}), 600, 5),
            (json!({"expires_in": 1800, "interval": 10}), 1800, 10),
            (json!({"expires_in": "900", "interval": "3"}), 900, 3),
            (json!({"expires_in": -1, "interval": 0}), 600, 5),
            (json!({"expires_in": 1e12, "interval": 1e12}), 3600, 120),
            (json!({"expires_in": null, "interval": [7]}), 600, 5),
        ] {
            let mut all = base.clone();
            all.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
            let expected = ("WDJB-MJHT".to_owned(), uri.to_owned(), lifetime, interval);
            assert_eq!(of(all), Some(expected), "{members}");
        }
        let draft = json!({"device_code": "d", "user_code": "u", "verification_url": uri});
        assert!(of(draft).is_some());
    }

    #[test]
    fn what_is_missing_or_no_address_is_refused() {
        for members in [
            json!({"device_code": "d", "user_code": "u"}),
            json!({"device_code": "d", "verification_uri": "https://id.example"}),
            json!({"user_code": "u", "verification_uri": "https://id.example"}),
            json!({"device_code": "d", "user_code": "u", "verification_uri": "javascript:alert(1)"}),
            json!({"device_code": "d", "user_code": "x".repeat(65), "verification_uri": "https://id.example"}),
            json!({"device_code": "", "user_code": "u", "verification_uri": "https://id.example"}),
        ] {
            assert_eq!(of(members.clone()), None, "{members}");
        }
    }
}
