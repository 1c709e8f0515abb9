//! One exchange: a request, the head of its response, and where it is wanted the whole body.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, PROXY_AUTHORIZATION, RANGE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Bytes;
use tokio::time::{Instant, timeout_at};

use super::classify;
use super::client::{Common, Outbound};
use super::connect::ConnectAttempt;
use super::connect_time::{ConnectTimeOut, Connecting, State};
use super::error::SendError;
use super::header_names::WrittenNames;
use super::headers::{frame, introduce};
use super::proxy::Proxy;
use super::request::{Limits, Request, Upload};
use super::response::{Response, ResponseBody, decompress, takes_gzip};
use super::route::Route;
use super::transport::Transport;

impl Outbound {
    /// Sends a request and gives its response as soon as the head is there; bodies stream in both
    /// directions. Redirects are responses. Nothing is repeated, unless a connection of the pool turns out to
    /// have been closed before any of the request was written; one that is closed later is [`SendError::idle_closed`].
    ///
    /// Dropping the future or the response ends the exchange at once.
    pub async fn open(&self, transport: &Transport, request: Request, limits: Limits) -> Result<Response, SendError> {
        if self.is_at_home() {
            return self.stream(transport, request, limits).await;
        }
        let (this, transport) = (self.clone(), transport.clone());
        let opening = async move { this.stream(&transport, request, limits).await };
        Box::pin(self.at_home(opening)).await.unwrap_or_else(|| Err(SendError::stopping()))
    }

    /// Has the names of a request's headers written so over HTTP/1.1.
    pub async fn write_names(&self, names: &WrittenNames, request: &mut Request) {
        self.common.names.apply(names, request).await;
    }

    /// Sends a request and reads its whole response, whatever its status; the body is decompressed. Redirects are
    /// responses too: they are not followed.
    ///
    /// Dropping the future ends the request.
    pub async fn fetch(
        &self,
        transport: &Transport,
        request: Request,
        limits: Limits,
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        let (this, transport) = (self.clone(), transport.clone());
        let fetching = async move { this.read(&transport, request, limits).await };
        self.at_home(fetching).await.unwrap_or_else(|| Err(SendError::stopping()))
    }

    async fn stream(&self, transport: &Transport, request: Request, limits: Limits) -> Result<Response, SendError> {
        let started = Instant::now();
        let target = self.streaming(transport, request.uri())?;
        let exchange = Exchange::new(target.route(), limits, started);
        let (mut request, upload) = framed(request)?;
        if exchange.route.is_passed_on()
            && let Some(value) = exchange.route.proxy().and_then(Proxy::authorization)
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        let response = match exchange.wait(target.client.request(request), upload.as_ref()).await? {
            Ok(response) => response,
            Err(error) => {
                let is_reused = exchange.connecting.state() == State::NotNeeded;
                let idle_closed = is_reused && classify::is_closed(&error);
                return Err(SendError { idle_closed, ..classify::no_response(&error, &exchange.route) });
            }
        };
        exchange.check(response.status(), response.headers())?;
        let connect_time = match exchange.connecting.state() {
            State::Done(time) => Some(time),
            _ => None,
        };
        Ok(response.map(|incoming| ResponseBody::new(incoming, upload, Arc::clone(&target), limits, connect_time)))
    }

    /// The same by reqwest, for responses that are read whole.
    async fn read(
        &self,
        transport: &Transport,
        mut request: Request,
        limits: Limits,
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        // One limit bounds everything here, pauses too.
        let limits = Limits { idle: Limits::LONGEST, stream_idle: Limits::LONGEST, ..limits };
        let started = Instant::now();
        introduce(request.headers_mut());
        accept_gzip(request.headers_mut());
        // reqwest cannot name the server in TLS if it is an IPv6 address behind a proxy, and looks names up for SOCKS.
        let is_ipv6 = request.uri().host().is_some_and(|host| host.starts_with('['));
        if transport.proxy.as_ref().is_some_and(|proxy| proxy.is_socks() || is_ipv6) {
            let target = self.streaming(transport, request.uri())?;
            let exchange = Exchange::new(target.route(), limits, started);
            let (head, mut body) = self.stream(transport, request, limits).await?.into_parts();
            let body = exchange.read(stream::poll_fn(|context| body.poll_next(context))).await?;
            return exchange.decompress(http::Response::from_parts(head, body));
        }
        let target = self.fetching(transport, request.uri()).await?;
        let exchange = Exchange::new(target.route(), limits, started);
        let (request, upload) = framed(request)?;
        let request = reqwest::Request::try_from(request).map_err(|_| SendError::invalid_url())?;
        let response = match exchange.wait(target.client.execute(request), upload.as_ref()).await? {
            Ok(response) => response,
            Err(error) => return Err(exchange.no_response(&error, &self.common, transport).await),
        };
        exchange.check(response.status(), response.headers())?;
        let (head, body) = http::Response::from(response).into_parts();
        let pieces = reqwest::Response::from(http::Response::new(body)).bytes_stream();
        let broken = |error| classify::broken_response(&error, &exchange.route.server());
        let body = exchange.read(pieces.map_err(broken)).await?;
        exchange.decompress(http::Response::from_parts(head, body))
    }
}

/// The request with the headers that frame it, and its body if that is a stream.
fn framed(request: Request) -> Result<(Request, Option<Upload>), SendError> {
    let (mut head, body) = request.into_parts();
    frame(&head.method, &mut head.headers, &body)?;
    let upload = body.upload();
    Ok((Request::from_parts(head, body), upload))
}

/// A request and the wait for its response.
struct Exchange<'a> {
    route: Route<'a>,
    limits: Limits,
    started: Instant,
    connecting: Arc<Connecting>,
}

impl<'a> Exchange<'a> {
    fn new(route: Route<'a>, limits: Limits, started: Instant) -> Self {
        Self { route, limits, started, connecting: Connecting::new(started, limits) }
    }

    /// Waits for the head. A body that is still being sent has a limit for each pause; the time for the response counts
    /// from its end.
    async fn wait<T>(&self, sending: impl Future<Output = T>, upload: Option<&Upload>) -> Result<T, SendError> {
        let (total, idle) = (self.limits.in_all(), self.limits.idle);
        let mut sending = pin!(self.connecting.scope(sending));
        loop {
            let deadline = upload.map_or(self.started + total, |upload| upload.0.progress().deadline(total, idle));
            if let Ok(outcome) = timeout_at(deadline, sending.as_mut()).await {
                return Ok(outcome);
            }
            let progress = upload.map(|upload| upload.0.progress());
            if progress.is_some_and(|progress| progress.deadline(total, idle) > Instant::now()) {
                continue;
            }
            let server = self.route.server();
            let error = match progress.map(|progress| (progress.is_finished, progress.is_waiting)) {
                Some((false, false)) => SendError::upload_not_read(&server, idle),
                Some((false, true)) => SendError::upload_paused(idle),
                Some((true, _)) | None => SendError::silent(&server, total),
            };
            return Err(error.sent());
        }
    }

    /// Refuses a response for what its head says.
    fn check(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), SendError> {
        let server = || self.route.server();
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(classify::switched(&server()).sent());
        }
        // Only a proxy answers 407 (RFC 9110 15.5.8): the target has not seen the request.
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && self.route.proxy().is_some() {
            return Err(classify::no_sign_in(&self.route).sent());
        }
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        if let Some(coding) = codings.next() {
            let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
            if !is_chunked || codings.next().is_some() || headers.contains_key(CONTENT_LENGTH) {
                return Err(classify::unclear_end(&server()).sent());
            }
        }
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > self.limits.headers {
            return Err(SendError::too_large("headers", &server(), self.limits.headers).sent());
        }
        Ok(())
    }

    /// Reads the whole body within the total time.
    async fn read(&self, pieces: impl Stream<Item = Result<Bytes, SendError>>) -> Result<Vec<u8>, SendError> {
        let total = self.limits.in_all();
        timeout_at(self.started + total, self.read_pieces(pieces))
            .await
            .unwrap_or_else(|_| Err(SendError::slow_response(&self.route.server(), total)))
            .map_err(SendError::sent)
    }

    /// Reads the body piece by piece and stops as soon as it is too large. A promised length says
    /// nothing: it may be wrong, and it counts compressed bytes.
    async fn read_pieces(&self, pieces: impl Stream<Item = Result<Bytes, SendError>>) -> Result<Vec<u8>, SendError> {
        let (mut body, mut pieces) = (Vec::new(), pin!(pieces));
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece?);
            if body.len() > self.limits.body {
                return Err(self.too_large());
            }
        }
        Ok(body)
    }

    /// The response with its body as it was before the server compressed it.
    fn decompress(&self, mut response: http::Response<Vec<u8>>) -> Result<http::Response<Vec<u8>>, SendError> {
        if takes_gzip(response.headers_mut()) {
            let body = decompress(response.body(), self.limits.body);
            let body = body.map_err(|_| classify::unreadable(&self.route.server()).sent())?;
            *response.body_mut() = body.ok_or_else(|| self.too_large().sent())?;
        }
        Ok(response)
    }

    fn too_large(&self) -> SendError {
        SendError::too_large("contents", &self.route.server(), self.limits.body)
    }

    /// Why reqwest gives no response. It tells neither how far a connection was when its time was over, nor what a
    /// proxy answered: the proxy is then asked once more, by hand.
    async fn no_response(&self, error: &reqwest::Error, common: &Common, transport: &Transport) -> SendError {
        let (route, limit) = (&self.route, self.limits.connecting());
        if classify::find::<ConnectTimeOut>(error).is_some() {
            return match self.connecting.state() {
                State::LookingUp => SendError::slow_lookup(route.first().host_text(), limit),
                _ if route.is_tunnelled() => SendError::silent(&route.first_name(), limit),
                _ => SendError::slow_connection(&route.first_name(), limit),
            };
        }
        let is_proxys = route.proxy().is_some() && (route.is_tunnelled() || route.first().is_https());
        let is_told = classify::find::<SendError>(error).is_some();
        if is_proxys && !is_told && classify::is_connecting(error) {
            let attempt = ConnectAttempt::new(common, transport, route.target(), Instant::now(), self.limits);
            if let Err(error) = attempt.reach_proxy().await {
                return error;
            }
        }
        classify::no_response(error, route)
    }
}

/// Asks for a body that is compressed in the one way that is read. Not for a range, which counts the bytes of what is
/// sent, compressed or not.
fn accept_gzip(headers: &mut HeaderMap) {
    if !headers.contains_key(RANGE) {
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
    }
}
