//! One connection: made, lent to one exchange at a time, and kept for the next one.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::classify;
use super::client::Common;
use super::dial::{Dial, Stream};
use super::failure::Problem;
use super::message::Limits;
use super::outgoing::Upload;
use super::pool::Pool;
use super::progress::Progress;
use super::way::Way;

/// The most of an answer that is buffered at once, its head included: in bytes. A head may have twice
/// what callers allow for names and values, so that it is they who say that it is too large.
const BUFFER: usize = 128 * 1024;

/// How long the end of one exchange may take until the connection is ready for the next.
const SETTLING: Duration = Duration::from_millis(20);

/// An open connection. Dropped, it ends in good order, unless an exchange is under way.
pub(super) struct Connection {
    sender: SendRequest<Upload>,
    task: AbortHandle,
    made: Instant,
}

impl Connection {
    /// Makes one, on the current runtime.
    pub(super) async fn open(common: &Common, way: &Way, started: Instant, limits: Limits) -> Result<Self, Problem> {
        let dial = Dial::new(common, &way.transport, &way.target, started, limits);
        let stream = dial.go().await?;
        Self::over(stream).await.map_err(|error| classify::no_answer(&error, &dial.route.server()))
    }

    /// HTTP over a connection that is there, driven by a task on the current runtime.
    #[expect(clippy::disallowed_methods, reason = "the one place that speaks HTTP, on connections to judged addresses")]
    pub(super) async fn over(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let mut http = Builder::new();
        let handshake = http.max_buf_size(BUFFER).handshake(TokioIo::new(stream));
        let (sender, driven) = handshake.await?;
        // What goes wrong is told to whoever waits for an answer; nobody else has to know.
        let task = tokio::spawn(async move { _ = driven.await });
        Ok(Self { sender, task: task.abort_handle(), made: Instant::now() })
    }

    pub(super) fn made(&self) -> Instant {
        self.made
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether it can take a request. The last exchange may not have settled yet: its answer is read
    /// before the connection knows that it is free.
    pub(super) async fn is_ready(&mut self) -> bool {
        self.sender.is_ready() || matches!(timeout(SETTLING, self.sender.ready()).await, Ok(Ok(())))
    }
}

/// A connection during one exchange. Dropped before the end it is closed at once, so that the server
/// sees that nobody listens any more.
pub(super) struct Lease {
    connection: Connection,
    closing: Closing,
    way: Arc<Way>,
    pool: Arc<Pool>,
    /// The request's body, if it is a stream.
    upload: Option<Arc<Progress>>,
    /// How long the server says that it keeps the connection.
    kept_for: Option<Duration>,
}

/// Closes a connection when dropped, unless it was called off.
struct Closing(Option<AbortHandle>);

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Lease {
    pub(super) fn new(connection: Connection, way: &Arc<Way>, pool: &Arc<Pool>) -> Self {
        Self {
            closing: Closing(Some(connection.task.clone())),
            connection,
            way: Arc::clone(way),
            pool: Arc::clone(pool),
            upload: None,
            kept_for: None,
        }
    }

    /// Sends a request, whose body is `upload` if it is a stream; gives the head of its answer.
    pub(super) fn send(
        &mut self,
        request: Request<Upload>,
        upload: Option<Arc<Progress>>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<> {
        self.upload = upload;
        self.connection.sender.try_send_request(request)
    }

    /// Notes how long the server keeps the connection.
    pub(super) fn read(&mut self, headers: &HeaderMap) {
        self.kept_for = kept_for(headers);
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    /// Gives the connection back after the whole answer.
    pub(super) fn give_back(mut self) {
        // A server may answer before it has read everything; nobody waits for it to do so.
        let is_whole = |upload: &Arc<Progress>| upload.state().is_finished;
        if self.upload.as_ref().is_none_or(is_whole) {
            self.closing.0 = None;
            self.pool.put(&self.way, self.connection, self.kept_for);
        }
    }
}

/// What `Keep-Alive: timeout=5` says (RFC 2068 19.7.1.1), less a second for the way there: a request
/// on a connection that the server is about to close would fail.
fn kept_for(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let mut parameters = value.split(',').filter_map(|part| part.split_once('='));
    let (_, seconds) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))?;
    let seconds: u32 = seconds.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.saturating_sub(1).into()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_servers_own_limit_is_read() {
        for (value, seconds) in [
            ("timeout=5", Some(4)),
            ("max=100, Timeout = 75", Some(74)),
            ("timeout=0", Some(0)),
            ("timeout=-1", None),
            ("timeout", None),
            ("timeout=99999999999", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", HeaderValue::from_static(value));
            assert_eq!(kept_for(&headers).map(|time| time.as_secs()), seconds);
        }
        assert_eq!(kept_for(&HeaderMap::new()), None);
    }
}
