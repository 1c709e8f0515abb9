//! The client of streamed exchanges: hyper-util's, which is what reqwest is built on, over connections made by
//! [`ConnectAttempt`].
//!
//! Rule: connections are made as "Test connection" makes them, to judged addresses only. Why not reqwest here: it costs a
//! proxied call a fifth of its time, and cannot reach an IPv6 address through a proxy's tunnel.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tower::Service;

use super::client::{Common, HTTP2_HEAD, IDLE_CONNECTIONS, IDLE_TIME};
use super::connect::{ConnectAttempt, Stream};
use super::connect_time;
use super::error::SendError;
use super::request::Body;
use super::transport::Transport;
use super::url::HttpUrl;

/// The most of a response that is buffered at once over HTTP/1.1, its head included: in bytes. A head may have twice
/// what callers allow for names and values, so that it is they who say that it is too large.
const BUFFER: usize = 128 * 1024;

pub(super) type StreamingClient = Client<Connector, Body>;

/// The client of an origin; `own` is this program's listener, if that is to be connected to.
pub(super) fn client(
    common: &Arc<Common>,
    transport: &Transport,
    root: &HttpUrl,
    own: Option<SocketAddr>,
) -> StreamingClient {
    let target = Arc::new((transport.clone(), root.clone()));
    let connector = Connector { common: Arc::clone(common), target, own };
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIME)
        .http1_max_buf_size(BUFFER)
        .http1_title_case_headers(true)
        .http2_max_header_list_size(HTTP2_HEAD)
        .build(connector)
}

/// Makes the connections to one origin by one set of settings.
#[derive(Clone)]
pub(super) struct Connector {
    common: Arc<Common>,
    target: Arc<(Transport, HttpUrl)>,
    own: Option<SocketAddr>,
}

impl Service<Uri> for Connector {
    type Response = Conn;
    type Error = SendError;
    type Future = BoxFuture<'static, Result<Conn, SendError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { common, target, own } = self.clone();
        Box::pin(connect_time::timed(async move |started, limits| {
            let attempt = ConnectAttempt::new(&common, &target.0, &target.1, started, limits);
            let (stream, is_http2) = match own {
                Some(listener) => (attempt.connect_to_self(listener).await?, false),
                None => attempt.connect().await?,
            };
            Ok(Conn { stream: TokioIo::new(stream), is_http2, is_proxied: attempt.route.is_passed_on() })
        }))
    }
}

/// A connection that stands.
pub(super) struct Conn {
    stream: TokioIo<Box<dyn Stream>>,
    is_http2: bool,
    /// Whether requests name the whole address, because a proxy reads them.
    is_proxied: bool,
}

impl Connection for Conn {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.is_proxied);
        if self.is_http2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Conn {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl Write for Conn {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bufs)
    }
}
