//! The HTTP client that the crate `oauth2` is given: it sends through `outbound`, reads the response whatever its shape
//! and hands the crate a document of the shape that it knows (RFC 6749 5.1), or our own error.
//!
//! The crate's texts are not wiped from memory, so secrets stay in [`crate::vault::Secret`] until a request is built.

use form_urlencoded::parse;
use futures_util::future::BoxFuture;
use oauth2::http::HeaderValue;
use oauth2::http::header::{AUTHORIZATION, CONTENT_TYPE};
use oauth2::{AsyncHttpClient, ErrorResponse, HttpRequest, HttpResponse, RequestTokenError};

use super::client::BodyFormat;
use super::error::TokenError;
use super::response::ResponseReader;
use super::response::TokenReader;
use super::token::TokenDocument;
use crate::outbound::{HttpUrl, Limits, Outbound, Reply, RequestBuilder, Transport};

/// How requests to one server travel.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) outbound: &'a Outbound,
    pub(super) transport: &'a Transport,
    pub(super) limits: Limits,
}

impl Sender<'_> {
    /// Sends a request and returns the response, whatever its status.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Reply, TokenError> {
        // Some servers answer 406 if only JSON is accepted, though they send JSON.
        let request = request.header("Accept", "application/json, */*;q=0.5");
        Ok(self.outbound.send(self.transport, request, self.limits).await?)
    }
}

/// The crate's client for token requests.
pub(super) struct TokenHttpClient<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) body: BodyFormat,
    pub(super) reading: TokenReader<'a>,
}

impl<'c> AsyncHttpClient<'c> for TokenHttpClient<'_> {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = encoded(request, self.body, self.reading.response.url);
            let reply = self.sender.send(request).await?;
            let document = TokenDocument::from(self.reading.read(&reply)?);
            let mut response = HttpResponse::new(serde_json::to_vec(&document).unwrap_or_default());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        })
    }
}

/// The crate's client for revocation, of which only the status counts.
pub(super) struct RevocationHttpClient<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) response: ResponseReader<'a>,
}

impl<'c> AsyncHttpClient<'c> for RevocationHttpClient<'_> {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = encoded(request, BodyFormat::Form, self.response.url);
            let reply = self.sender.send(request).await?;
            self.response.check_status(&reply)?;
            Ok(HttpResponse::default())
        })
    }
}

/// The request as this server wants it: at its address letter by letter, in its body format, without parameters that
/// have no value (RFC 6749 3.1), such as the id of a client that has none.
fn encoded(request: HttpRequest, body: BodyFormat, url: &HttpUrl) -> RequestBuilder {
    let parameters: Vec<_> = parse(request.body()).filter(|(_, value)| !value.is_empty()).collect();
    let encoded = body.post(url, &parameters);
    match request.headers().get(AUTHORIZATION).map(HeaderValue::to_str) {
        Some(Ok(credentials)) => encoded.header("Authorization", credentials),
        _ => encoded,
    }
}

/// What a request of the crate failed with.
pub(super) fn error<T: ErrorResponse>(error: RequestTokenError<TokenError, T>) -> TokenError {
    match error {
        RequestTokenError::Request(refusal) => refusal,
        // The documents that the crate is given are its own, so only a request that cannot be built is left.
        _ => cannot_build(),
    }
}

/// No request can be made of what is set.
pub(super) fn cannot_build() -> TokenError {
    TokenError::not_sent("No request can be made of these settings.", "Check the addresses and the Client ID.")
}
