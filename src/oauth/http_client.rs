//! The HTTP client that the crate `oauth2` is given: it sends through `outbound` and reads the response whatever its
//! shape. What was read stays here: the crate gets a document of the shape that it knows (RFC 6749 5.1),
//! or gets our own error, so that no token passes through its texts, which are not wiped from memory.

use std::sync::Mutex;

use form_urlencoded::parse;
use futures_util::future::BoxFuture;
use oauth2::basic::BasicTokenResponse;
use oauth2::http::HeaderValue;
use oauth2::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use oauth2::{AsyncHttpClient, ErrorResponse, HttpRequest, HttpResponse, RequestTokenError};

use super::client::BodyFormat;
use super::error::TokenError;
use super::response::{Reply, ResponseReader, TokenReader};
use super::token::Token;
use crate::outbound::{HttpUrl, Limits, Outbound, Request, Transport};

/// The document that the crate gets for every token.
const SUCCESS: &[u8] = br#"{"access_token":"read","token_type":"bearer"}"#;

/// How requests to one server travel.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) outbound: &'a Outbound,
    pub(super) transport: &'a Transport,
    pub(super) limits: Limits,
}

impl Sender<'_> {
    /// Sends a request and returns the response, whatever its status.
    pub(super) async fn send(&self, mut request: Request) -> Result<Reply, TokenError> {
        // Some servers answer 406 if only JSON is accepted, though they send JSON.
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        Ok(self.outbound.fetch(self.transport, request, self.limits).await?)
    }
}

/// The crate's client for one token request.
pub(super) struct TokenHttpClient<'a> {
    sender: Sender<'a>,
    body: BodyFormat,
    /// In place of the one of the crate, which has no single request for it.
    grant_type: Option<&'static str>,
    reader: TokenReader<'a>,
    token: Mutex<Option<Token>>,
}

impl<'a> TokenHttpClient<'a> {
    pub(super) fn new(sender: Sender<'a>, body: BodyFormat, reader: TokenReader<'a>) -> Self {
        Self { sender, body, grant_type: None, reader, token: Mutex::default() }
    }

    /// The same for another grant type than that of the crate's request.
    pub(super) fn for_grant(self, grant_type: Option<&'static str>) -> Self {
        Self { grant_type, ..self }
    }

    /// The token that was read, once the crate has its response.
    pub(super) fn token<T: ErrorResponse>(
        self,
        response: Result<BasicTokenResponse, RequestTokenError<TokenError, T>>,
    ) -> Result<Token, TokenError> {
        response.map_err(error)?;
        self.token.into_inner().ok().flatten().ok_or_else(cannot_build)
    }
}

impl<'c> AsyncHttpClient<'c> for TokenHttpClient<'_> {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = encoded(&request, self.body, self.reader.response.url, self.grant_type)?;
            let token = self.reader.read(&self.sender.send(request).await?)?;
            if let Ok(mut place) = self.token.lock() {
                *place = Some(token);
            }
            let mut response = HttpResponse::new(SUCCESS.to_vec());
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
            let request = encoded(&request, BodyFormat::Form, self.response.url, None)?;
            self.response.check_status(&self.sender.send(request).await?)?;
            Ok(HttpResponse::default())
        })
    }
}

/// The request as this server wants it: at its address letter by letter, in its body format, without parameters that
/// have no value (RFC 6749 3.1), such as the id of a client that has none.
pub(super) fn encoded(
    request: &HttpRequest,
    body: BodyFormat,
    url: &HttpUrl,
    grant_type: Option<&'static str>,
) -> Result<Request, TokenError> {
    let mut parameters: Vec<_> = parse(request.body()).filter(|(_, value)| !value.is_empty()).collect();
    if let (Some(grant_type), Some((_, value))) =
        (grant_type, parameters.iter_mut().find(|(name, _)| name == "grant_type"))
    {
        *value = grant_type.into();
    }
    let mut encoded = body.post(url, &parameters)?;
    let credentials = request.headers().get(AUTHORIZATION).cloned();
    encoded.headers_mut().extend(credentials.map(|credentials| (AUTHORIZATION, credentials)));
    Ok(encoded)
}

/// What a request of the crate failed with.
pub(super) fn error<T: ErrorResponse>(error: RequestTokenError<TokenError, T>) -> TokenError {
    match error {
        RequestTokenError::Request(error) => error,
        // The documents that the crate is given are our own, so only a request that cannot be built is left.
        _ => cannot_build(),
    }
}

/// No request can be made of what is set.
pub(super) fn cannot_build() -> TokenError {
    TokenError::not_sent("No request can be made of these settings.", "Check the addresses and the Client ID.")
}
