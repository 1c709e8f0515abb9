//! The HTTP client that the crate `oauth2` is given: it sends through `outbound` and reads the response whatever its
//! shape. What was read stays here: the crate gets a document of the shape that it knows (RFC 6749 5.1),
//! or gets our own error, so that no token passes through its texts, which are not wiped from memory.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use form_urlencoded::parse;
use futures_util::future::BoxFuture;
use oauth2::basic::BasicTokenResponse;
use oauth2::http::HeaderValue;
use oauth2::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use oauth2::{AsyncHttpClient, ErrorResponse, HttpRequest, HttpResponse, RequestTokenError};

use super::assertion::CLIENT_ASSERTION;
use super::client::{BodyFormat, Client};
use super::error::TokenError;
use super::parameters::Parameters;
use super::response::{Reply, ResponseReader, TokenReader};
use super::token::Token;
use crate::outbound::{HttpUrl, Limits, Outbound, Request, Transport, add_header};

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
        let accepted = HeaderValue::from_static("application/json, */*;q=0.5");
        request.headers_mut().entry(ACCEPT).or_insert(accepted);
        Ok(self.outbound.fetch(self.transport, request, self.limits).await?)
    }
}

/// The crate's client for one token request.
pub(super) struct TokenHttpClient<'a> {
    sender: Sender<'a>,
    form: RequestForm<'a>,
    reader: TokenReader<'a>,
    token: Mutex<Option<Token>>,
}

impl<'a> TokenHttpClient<'a> {
    pub(super) fn new(sender: Sender<'a>, form: RequestForm<'a>, reader: TokenReader<'a>) -> Self {
        Self { sender, form, reader, token: Mutex::default() }
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
            let request = self.form.of(&request, self.reader.response.url)?;
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
    pub(super) form: RequestForm<'a>,
    pub(super) response: ResponseReader<'a>,
}

impl<'c> AsyncHttpClient<'c> for RevocationHttpClient<'_> {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = self.form.of(&request, self.response.url)?;
            self.response.check_status(&self.sender.send(request).await?)?;
            Ok(HttpResponse::default())
        })
    }
}

/// How a server wants the requests of the crate.
#[derive(Clone, Copy)]
pub(super) struct RequestForm<'a> {
    pub(super) client: &'a Client,
    pub(super) body: BodyFormat,
    /// Parameters that are added, or sent in place of those of the same name.
    pub(super) extra: &'a Parameters,
    /// In place of the one of the crate, which has no single request for it.
    pub(super) grant_type: Option<&'static str>,
    /// When the request is sent.
    pub(super) now: DateTime<Utc>,
}

impl RequestForm<'_> {
    /// The request at its address letter by letter, without parameters that have no value (RFC 6749 3.1), such as the id
    /// of a client that has none.
    pub(super) fn of(&self, request: &HttpRequest, url: &HttpUrl) -> Result<Request, TokenError> {
        let own: Vec<_> = parse(request.body()).collect();
        let value = |name: &str, value| self.grant_type.filter(|_| name == "grant_type").unwrap_or(value);
        let mut own: Vec<_> = own.iter().map(|(name, sent)| (&**name, value(name, &**sent))).collect();
        let assertion = self.client.assertion(self.now)?;
        if let Some(assertion) = &assertion {
            own.extend([("client_assertion_type", CLIENT_ASSERTION), ("client_assertion", assertion)]);
        }
        let names = &self.client.names;
        let mut parameters: Vec<_> =
            self.extra.added_to(own).into_iter().map(|(name, value)| (names.of(name), value)).collect();
        self.client.extra.add_parameters(&mut parameters);
        let mut encoded = self.body.request(url, &parameters)?;
        match (request.headers().get(AUTHORIZATION), self.client.basic_as_typed()) {
            (None, _) => {}
            (Some(_), Some(header)) => add_header(encoded.headers_mut(), "Authorization", &header)?,
            (Some(header), None) => drop(encoded.headers_mut().insert(AUTHORIZATION, header.clone())),
        }
        self.client.extra.add_headers(&mut encoded)?;
        Ok(encoded)
    }
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
