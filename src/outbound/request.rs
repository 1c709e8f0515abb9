//! What is sent: the request, its body, and how long and how much it may be.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A request to an absolute `http(s)` URL. Its headers are sent, but for those that frame or route a message: these
/// follow from the URL and the body.
pub type Request = http::Request<Body>;

/// How long a request may take and how much it may bring back. Every limit is finite.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Name look-up, connection and TLS handshake together.
    pub connect: Duration,
    /// From the call to the last byte of the response, an hour at most; of a streamed exchange, from the end of the
    /// request's body to the response's head.
    pub total: Duration,
    /// How long a body may pause, on either side.
    pub idle: Duration,
    /// The same for a response of unknown length, such as an event stream.
    pub stream_idle: Duration,
    /// The body in bytes, after decompression. A streamed one is not limited.
    pub body: usize,
    /// Names and values of all headers, in bytes.
    pub headers: usize,
}

impl Default for Limits {
    /// The limits of small requests of the program itself: 10 seconds, 1 MiB of body, 64 KiB of headers.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            stream_idle: Self::STREAM_IDLE,
            body: 1024 * 1024,
            headers: 64 * 1024,
        }
    }
}

impl Limits {
    /// The longest total time.
    pub(super) const LONGEST: Duration = Duration::from_secs(3_600);

    /// How long a response of unknown length may pause: between two events a program may work for minutes.
    const STREAM_IDLE: Duration = Duration::from_secs(300);

    /// The limits of calls and token requests: 10 seconds for the connection, 30 in all.
    pub fn patient() -> Self {
        Self::within(Duration::from_secs(30))
    }

    /// The limits with a connector's own time-out; the connection has 10 seconds of it at most. A stream may pause for as
    /// long as a call may take, or for five minutes.
    pub fn within(total: Duration) -> Self {
        let default = Self::default();
        let stream_idle = total.max(Self::STREAM_IDLE);
        Self { connect: default.connect.min(total), total, idle: total, stream_idle, ..default }
    }

    /// The total time, which no caller can make longer than an hour: no request is forgotten.
    pub(super) fn in_all(&self) -> Duration {
        self.total.min(Self::LONGEST)
    }

    /// The time for the connection.
    pub(super) fn connecting(&self) -> Duration {
        self.connect.min(self.in_all())
    }
}

/// The body of a [`Request`].
#[derive(Clone, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// All of it.
    Whole(Bytes),
    /// A stream. A clone is the same stream: it can be sent once.
    Stream(Arc<BodyStream>),
}

/// The stream of a [`Body`]. Pieces are taken one after another, as fast as the server takes them.
pub struct BodyStream {
    size: Option<u64>,
    state: Mutex<StreamState>,
}

/// The stream of an exchange, given up when this is dropped.
pub(super) struct Upload(pub(super) Arc<BodyStream>);

struct StreamState {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    /// What is still to come, if the size is known.
    left: Option<u64>,
    is_begun: bool,
    progress: Progress,
    /// The exchange is over, although the body is not.
    is_aborted: bool,
    waker: Option<Waker>,
}

/// How far a streamed body has got.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub(super) is_finished: bool,
    /// Whether the next piece is what is waited for, and not the server that is to take the last one.
    pub(super) is_waiting: bool,
    /// When something last moved.
    pub(super) since: Instant,
}

impl Body {
    /// A stream of pieces. `size` is its length in bytes, if it is known: fewer or more end the exchange with an error.
    /// Without it the body is chunked.
    ///
    /// **A sender that is dropped ends the body.** A caller that cannot deliver the rest must send an error: the
    /// connection then breaks off, and the server sees that the body is not whole.
    pub fn stream(size: Option<u64>, pieces: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        if size == Some(0) {
            return Self::Empty;
        }
        let progress = Progress { is_finished: false, is_waiting: false, since: Instant::now() };
        let state = StreamState { pieces, left: size, is_begun: false, progress, is_aborted: false, waker: None };
        Self::Stream(Arc::new(BodyStream { size, state: Mutex::new(state) }))
    }

    /// Whether it can be sent any number of times.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// Whether it can be sent once more: none of a stream was taken yet.
    pub fn is_sendable(&self) -> bool {
        !matches!(self, Self::Stream(stream) if stream.lock().is_begun)
    }

    /// The stream, if it is one.
    pub(super) fn upload(&self) -> Option<Upload> {
        match self {
            Self::Stream(stream) => Some(Upload(Arc::clone(stream))),
            Self::Empty | Self::Whole(_) => None,
        }
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self::Whole(bytes.into())
    }
}

impl From<Body> for reqwest::Body {
    fn from(body: Body) -> Self {
        match body {
            Body::Empty => Self::default(),
            Body::Whole(bytes) => Self::from(bytes),
            stream @ Body::Stream(_) => Self::wrap(stream),
        }
    }
}

impl BodyStream {
    /// A panic elsewhere leaves the state whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, StreamState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn progress(&self) -> Progress {
        self.lock().progress
    }

    /// Its length in bytes, if it is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }
}

/// Ends a body that is not finished with an error, which closes its connection: the server need not read the rest.
impl Drop for Upload {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if state.progress.is_finished {
            return;
        }
        state.is_aborted = true;
        state.pieces.close();
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

impl Progress {
    /// When waiting for the response's head ends, as far as is known now.
    pub(super) fn deadline(self, total: Duration, idle: Duration) -> Instant {
        self.since + if self.is_finished { total } else { idle }
    }
}

impl StreamState {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.is_begun = true;
        if self.is_aborted {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        let Poll::Ready(piece) = self.pieces.poll_recv(context) else {
            if !self.progress.is_waiting {
                self.progress = Progress { is_waiting: true, since: Instant::now(), ..self.progress };
            }
            self.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        let outcome = match piece {
            Some(Ok(piece)) => self.count(&piece).map(|()| Some(piece)),
            Some(Err(error)) => Err(error),
            None if self.left.is_some_and(|left| left > 0) => Err(io::ErrorKind::UnexpectedEof.into()),
            None => Ok(None),
        };
        let is_finished = matches!(outcome, Ok(None)) || (outcome.is_ok() && self.left == Some(0));
        self.progress = Progress { is_finished, is_waiting: false, since: Instant::now() };
        Poll::Ready(outcome.transpose())
    }

    /// Counts a piece; hyper would cut off what is too much.
    fn count(&mut self, piece: &Bytes) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;
        }
        Ok(())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Stream(stream) => {
                let polled = stream.lock().poll_piece(context);
                polled.map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.size.is_some() && stream.progress().is_finished,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(stream) => stream.lock().left.map_or_else(SizeHint::new, SizeHint::with_exact),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_of_ones_own_bounds_the_connection_too() {
        let seconds = |limits: Limits| (limits.connect.as_secs(), limits.in_all().as_secs());
        let within = |total| seconds(Limits::within(Duration::from_secs(total)));
        assert_eq!(seconds(Limits::default()), (10, 10));
        assert_eq!(seconds(Limits::patient()), (10, 30));
        assert_eq!(within(3), (3, 3));
        assert_eq!(within(60), (10, 60));
        assert_eq!(within(7_200), (10, 3_600));
        let stream = |total| Limits::within(Duration::from_secs(total)).stream_idle.as_secs();
        assert_eq!((stream(3), stream(900)), (300, 900));
        assert_eq!(Limits::patient().body, Limits::default().body);
    }

    #[test]
    fn time_counts_from_the_last_movement_of_a_stream() {
        let (total, idle) = (Duration::from_secs(30), Duration::from_secs(5));
        let (sender, pieces) = mpsc::channel(1);
        let Body::Stream(stream) = Body::stream(Some(1), pieces) else { panic!("a stream") };
        let start = stream.progress();
        assert_eq!(start.deadline(total, idle), start.since + idle);
        let mut context = Context::from_waker(Waker::noop());
        assert!(stream.lock().poll_piece(&mut context).is_pending());
        let waiting = stream.progress();
        assert!(waiting.is_waiting && waiting.since >= start.since);
        assert!(stream.lock().poll_piece(&mut context).is_pending());
        assert_eq!(stream.progress().since, waiting.since, "asking again is no movement");
        assert!(sender.try_send(Ok("x".into())).is_ok());
        assert!(stream.lock().poll_piece(&mut context).is_ready());
        let end = stream.progress();
        assert!(end.is_finished && !end.is_waiting);
        assert_eq!(end.deadline(total, idle), end.since + total);
    }
}
