//! One exchange: a request, the head of its response, and where it is wanted the whole body.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, RANGE, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Bytes;
use tokio::time::{Instant, timeout_at};

use super::classify;
use super::client::{Common, Outbound};
use super::connecting::{ConnectTimeOut, Connecting, State};
use super::dial::Dial;
use super::error::SendError;
use super::request::{BodyStream, Limits, Request, frame};
use super::response::{Response, ResponseBody, Upload, WholeBody, takes_gzip};
use super::route::{Route, Server};
use super::transport::Transport;
use super::url::HttpUrl;

impl Outbound {
    /// Sends a request and gives its response as soon as the head is there; bodies stream in both
    /// directions. Redirects are responses. Nothing is repeated, unless a kept connection turns out to
    /// have been closed before any of the request was written.
    ///
    /// Dropping the future or the response ends the exchange at once.
    pub async fn open(&self, transport: &Transport, request: Request, limits: Limits) -> Result<Response, SendError> {
        let started = Instant::now();
        if self.is_at_home() {
            return self.open_here(transport, request, limits, started).await;
        }
        let (this, transport) = (self.clone(), transport.clone());
        let opening = async move { this.open_here(&transport, request, limits, started).await };
        self.at_home(opening).await.unwrap_or_else(|| Err(SendError::stopping().after(started.elapsed())))
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
        let started = Instant::now();
        let (this, transport) = (self.clone(), transport.clone());
        let fetching = async move { this.fetch_here(&transport, request, limits, started).await };
        self.at_home(fetching)
            .await
            .unwrap_or_else(|| Err(SendError::stopping()))
            .map_err(|error| error.after(started.elapsed()))
    }

    async fn open_here(
        &self,
        transport: &Transport,
        request: Request,
        limits: Limits,
        started: Instant,
    ) -> Result<Response, SendError> {
        self.stream(transport, request, limits, started).await.map_err(|error| error.after(started.elapsed()))
    }

    async fn stream(
        &self,
        transport: &Transport,
        request: Request,
        limits: Limits,
        started: Instant,
    ) -> Result<Response, SendError> {
        let url = HttpUrl::from_uri(request.uri())?;
        let exchange = Exchange::new(self, transport, &url, limits, started)?;
        let (mut head, body) = request.into_parts();
        frame(&head.method, &mut head.headers, &body)?;
        let upload = body.upload().map(Upload);
        let client = self.streaming(transport, &exchange.route).await?;
        let sending = client.request(Request::from_parts(head, body));
        let response = match exchange.wait(sending, upload.as_ref()).await? {
            Ok(response) => response,
            Err(error) => return Err(classify::no_response(&error, &exchange.route)),
        };
        exchange.check(response, upload)
    }

    /// The same by reqwest, for responses that are read whole.
    async fn request(
        &self,
        transport: &Transport,
        request: Request,
        limits: Limits,
        started: Instant,
    ) -> Result<http::Response<ResponseBody<reqwest::Body>>, SendError> {
        let url = HttpUrl::from_uri(request.uri())?;
        let exchange = Exchange::new(self, transport, &url, limits, started)?;
        let (mut head, body) = request.into_parts();
        frame(&head.method, &mut head.headers, &body)?;
        let upload = body.upload().map(Upload);
        let client = self.fetching(transport, &exchange.route).await?;
        let mut request = reqwest::Request::new(head.method, url.parsed().clone());
        *request.headers_mut() = head.headers;
        *request.body_mut() = Some(body.into());
        let response = match exchange.wait(client.execute(request), upload.as_ref()).await? {
            Ok(response) => response,
            Err(error) => return Err(exchange.no_response(&error, &self.common, transport).await),
        };
        exchange.check(http::Response::from(response), upload)
    }

    async fn fetch_here(
        &self,
        transport: &Transport,
        mut request: Request,
        limits: Limits,
        started: Instant,
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        introduce(request.headers_mut());
        // One limit bounds everything here, pauses too.
        let streamed = Limits { idle: Limits::LONGEST, ..limits };
        // reqwest cannot name the server in TLS if it is an IPv6 address behind a proxy.
        if transport.proxy.is_some() && request.uri().host().is_some_and(|host| host.starts_with('[')) {
            return read(self.stream(transport, request, streamed, started).await?, limits, started).await;
        }
        read(self.request(transport, request, streamed, started).await?, limits, started).await
    }
}

/// A request on its way.
struct Exchange<'a> {
    transport: &'a Transport,
    url: &'a HttpUrl,
    route: Route<'a>,
    limits: Limits,
    started: Instant,
    connecting: Arc<Connecting>,
}

impl<'a> Exchange<'a> {
    /// A request that may go there.
    fn new(
        outbound: &Outbound,
        transport: &'a Transport,
        url: &'a HttpUrl,
        limits: Limits,
        started: Instant,
    ) -> Result<Self, SendError> {
        let route = Route::new(transport, url);
        route.judge(&outbound.common.policy)?;
        Ok(Self { transport, url, route, limits, started, connecting: Connecting::new(started, limits) })
    }

    /// Waits for the head of the response.
    async fn wait<T>(&self, sending: impl Future<Output = T>, upload: Option<&Upload>) -> Result<T, SendError> {
        let waited =
            wait(self.connecting.scope(sending), upload.map(|upload| &*upload.0), self.limits, self.started).await;
        waited.map_err(|late| late.error(&self.route.server(), self.limits).sent())
    }

    /// The response, unless its head says that it cannot be used.
    fn check<B: hyper::body::Body<Data = Bytes, Error: Error + 'static> + Unpin>(
        &self,
        response: http::Response<B>,
        upload: Option<Upload>,
    ) -> Result<http::Response<ResponseBody<B>>, SendError> {
        let (head, incoming) = response.into_parts();
        check_head(head.status, &head.headers, &self.route, self.limits).map_err(SendError::sent)?;
        let connect_time = match self.connecting.state() {
            State::Done(time) => Some(time),
            _ => None,
        };
        let server = Server::new(self.transport, self.url.clone());
        let body = ResponseBody::new(incoming, server, self.started, self.limits.idle);
        Ok(http::Response::from_parts(head, body.uploading(upload).connected_in(connect_time)))
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
            let dial = Dial::new(common, transport, self.url, Instant::now(), self.limits);
            if let Err(error) = dial.reach_proxy().await {
                return error;
            }
        }
        classify::no_response(error, route)
    }
}

/// Adds the headers by which this client introduces itself.
fn introduce(headers: &mut HeaderMap) {
    let mut add = |name, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(USER_AGENT, "Connectory");
    add(ACCEPT, "*/*");
    // A range counts the bytes of what is sent, compressed or not.
    if !headers.contains_key(RANGE) {
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
    }
}

/// Reads the whole body within the total time.
async fn read<B: hyper::body::Body<Data = Bytes, Error: Error + 'static> + Unpin>(
    response: http::Response<ResponseBody<B>>,
    limits: Limits,
    started: Instant,
) -> Result<http::Response<Vec<u8>>, SendError> {
    let (mut head, mut incoming) = response.into_parts();
    let (server, total) = (incoming.server(), limits.in_all());
    let body = WholeBody::new(takes_gzip(&mut head.headers), limits.body);
    let body = timeout_at(started + total, read_pieces(&mut incoming, body, &server))
        .await
        .unwrap_or_else(|_| Err(SendError::slow_response(&server, total)))
        .map_err(SendError::sent)?;
    Ok(http::Response::from_parts(head, body))
}

/// Reads the body piece by piece and stops as soon as it is too large. A promised length says
/// nothing: it may be wrong, and it counts compressed bytes.
async fn read_pieces<B: hyper::body::Body<Data = Bytes, Error: Error + 'static> + Unpin>(
    incoming: &mut ResponseBody<B>,
    mut body: WholeBody,
    server: &str,
) -> Result<Vec<u8>, SendError> {
    while let Some(piece) = incoming.next().await {
        body.add(&piece?).map_err(|error| error.of(server))?;
    }
    body.finish().map_err(|error| error.of(server))
}

/// Refuses a response for what its head says.
fn check_head(status: StatusCode, headers: &HeaderMap, route: &Route<'_>, limits: Limits) -> Result<(), SendError> {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(classify::switched(&route.server()));
    }
    // Only a proxy answers 407 (RFC 9110 15.5.8): the target has not seen the request.
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        && let Some(proxy) = route.proxy_name()
    {
        return Err(classify::sign_in(&proxy));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !is_chunked || codings.next().is_some() || headers.contains_key(CONTENT_LENGTH) {
            return Err(classify::unclear_end(&route.server()));
        }
    }
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > limits.headers {
        return Err(SendError::too_large("headers", &route.server(), limits.headers));
    }
    Ok(())
}

/// Why nothing more was waited for.
enum Late {
    /// The whole request was written and no head came.
    Silent,
    /// The server took no more of the body.
    NotTaken,
    /// The caller gave no more of the body.
    NotGiven,
}

/// Waits for the head. A body that is still on its way has a limit for each pause; the time for the
/// response counts from its end.
async fn wait<T>(
    sending: impl Future<Output = T>,
    upload: Option<&BodyStream>,
    limits: Limits,
    started: Instant,
) -> Result<T, Late> {
    let Some(upload) = upload else {
        let deadline = started + limits.in_all();
        return timeout_at(deadline, sending).await.map_err(|_| Late::Silent);
    };
    let mut sending = pin!(sending);
    loop {
        let deadline = upload.progress().deadline(limits.in_all(), limits.idle);
        if let Ok(outcome) = timeout_at(deadline, sending.as_mut()).await {
            return Ok(outcome);
        }
        let progress = upload.progress();
        if progress.deadline(limits.in_all(), limits.idle) <= Instant::now() {
            return Err(match (progress.is_finished, progress.is_waiting) {
                (true, _) => Late::Silent,
                (false, false) => Late::NotTaken,
                (false, true) => Late::NotGiven,
            });
        }
    }
}

impl Late {
    fn error(self, server: &str, limits: Limits) -> SendError {
        match self {
            Self::Silent => SendError::silent(server, limits.in_all()),
            Self::NotTaken => SendError::upload_not_read(server, limits.idle),
            Self::NotGiven => SendError::upload_paused(limits.idle),
        }
    }
}
