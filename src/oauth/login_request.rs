//! Login requests: requests as a person has written them, whose response has a token or opens a session.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use oauth2::http::Method;
use oauth2::http::header::{CONTENT_TYPE, HeaderValue};

use super::error::TokenError;
use super::http_client::Sender;
use super::kept::KeptNames;
use super::remedy::RequestKind;
use super::response::{ResponseReader, TokenReader};
use super::token::Token;
use super::token_location::TokenLocation;
use crate::outbound::{Body, HttpUrl, Limits, Mask, Outbound, Request, Transport, add_header};
use crate::vault::Secret;

/// A login request with the values of its variables.
#[derive(Clone)]
pub struct LoginRequest {
    pub method: Method,
    pub url: HttpUrl,
    /// Each is sent in place of one that would be sent anyway.
    pub headers: Vec<(String, Secret)>,
    /// The body and its media type.
    pub body: Option<(&'static str, Secret)>,
    /// What no text about the response may show.
    pub secrets: Vec<Secret>,
    /// Where the token is in the response.
    pub location: TokenLocation,
    /// How long a token or session lives where the response does not say.
    pub lifetime: Option<TimeDelta>,
}

impl LoginRequest {
    /// Sends it within `limits`, and reads the token. `now` is the current time, from which the token's lifetime counts.
    pub async fn send(
        &self,
        outbound: &Outbound,
        transport: &Transport,
        limits: Limits,
        now: DateTime<Utc>,
    ) -> Result<Token, TokenError> {
        let started = Instant::now();
        let reply = Sender { outbound, transport, limits }.send(self.http_request()?).await?;
        let mut mask = Mask::new(transport.echoes());
        self.secrets.iter().for_each(|secret| mask.add(secret.expose()));
        let response = ResponseReader { url: &self.url, kind: RequestKind::Login, mask: &mask, now: Some(now) };
        let (location, lifetime, keep) = (&self.location, self.lifetime, &KeptNames::default());
        TokenReader { response, location, now, started, lifetime, keep }.read(&reply)
    }

    fn http_request(&self) -> Result<Request, TokenError> {
        let body = self.body.as_ref();
        let bytes = body.map_or(Body::Empty, |(_, text)| text.expose().to_owned().into());
        let mut request = self.url.request(self.method.clone(), bytes)?;
        if let Some((kind, _)) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in &self.headers {
            request.headers_mut().remove(name);
            add_header(request.headers_mut(), name, value.expose())?;
        }
        Ok(request)
    }
}
