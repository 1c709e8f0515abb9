//! Requests that are made from texts, and whole responses in the form in which they are searched.

use std::time::Duration;

use http::{HeaderMap, Method};
use tokio::time::Instant;

use super::client::Outbound;
use super::error::SendError;
use super::request::{Body, Limits, Request, header};
use super::transport::Transport;
use super::url::HttpUrl;

/// Makes a [`Request`] from texts. It has no `Debug`, for headers and body may hold secrets.
pub struct RequestBuilder {
    method: Method,
    url: HttpUrl,
    headers: Vec<(String, String)>,
    body: Body,
}

/// A whole response, whatever its status.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code (RFC 9110 15).
    pub status: u16,
    /// Header names in lower case with their values, in the order of arrival. Bytes that are no
    /// UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// The time from the call to the last byte.
    pub elapsed: Duration,
}

impl RequestBuilder {
    /// A request without headers and body.
    pub fn new(method: Method, url: HttpUrl) -> Self {
        Self { method, url, headers: Vec::new(), body: Body::Empty }
    }

    /// Adds a header. Whether it can be sent is judged by [`Self::build`].
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// The request, if it can be sent.
    pub fn build(self) -> Result<Request, SendError> {
        let mut request = self.url.request(self.method, self.body)?;
        let headers: &mut HeaderMap = request.headers_mut();
        for (name, value) in &self.headers {
            let (name, value) = header(name, value)?;
            headers.append(name, value);
        }
        Ok(request)
    }
}

impl Reply {
    /// The first value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The standard words for the status ("Not Found"); the server's own are not trusted.
    pub fn reason(&self) -> Option<&'static str> {
        http::StatusCode::from_u16(self.status).ok()?.canonical_reason()
    }
}

impl Outbound {
    /// Sends a request and reads its whole response.
    pub async fn send(
        &self,
        transport: &Transport,
        request: RequestBuilder,
        limits: Limits,
    ) -> Result<Reply, SendError> {
        let started = Instant::now();
        let response = self.fetch(transport, request.build()?, limits).await?;
        let headers = response.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        });
        Ok(Reply {
            status: response.status().as_u16(),
            headers: headers.collect(),
            elapsed: started.elapsed(),
            body: response.into_body(),
        })
    }
}
