//! A request whose body may be a stream, and how its body is written.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

use super::failure::{Layer, Problem};
use super::progress::Progress;
use super::url::HttpUrl;

/// A request to be streamed by [`super::Outbound::open`]. It has no `Debug`, for headers and body may
/// hold secrets.
///
/// Headers are sent as they are, but for those that frame or route a message (RFC 9110 7.2, 7.6.1; RFC
/// 9112 6): these follow from the address and the body, whatever stands here.
pub struct Outgoing {
    /// Any method but CONNECT.
    pub method: Method,
    /// Where to.
    pub url: HttpUrl,
    /// The end-to-end headers.
    pub headers: HeaderMap,
    /// What follows them.
    pub body: OutgoingBody,
}

/// The body of an [`Outgoing`].
pub enum OutgoingBody {
    /// None.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// A stream. Pieces are taken one after another, as fast as the server takes them.
    ///
    /// **A sender that is dropped ends the body.** Whoever cannot deliver the rest must send an error:
    /// the connection then breaks off, and the server sees that the body is not whole.
    Stream {
        /// The size in bytes, if it is known: fewer or more end the exchange with a failure. Without
        /// it the body is chunked.
        size: Option<u64>,
        /// The pieces.
        pieces: mpsc::Receiver<io::Result<Bytes>>,
    },
}

/// Headers that this client sets by itself or never sends. `TE` and `Trailer` are left to callers.
static OWN: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// A request as hyper takes it, and the address that it is for.
pub(super) struct Message {
    pub(super) url: HttpUrl,
    pub(super) request: Request<Upload>,
}

impl Outgoing {
    /// Sets what frames and routes the message. `host` is the value for its header; `is_passed_on`
    /// says whether a proxy reads it, which needs the whole address.
    pub(super) fn message(mut self, host: &HeaderValue, is_passed_on: bool) -> Result<Message, Box<(Problem, Self)>> {
        let uri = match self.uri(is_passed_on) {
            Ok(uri) => uri,
            Err(problem) => return Err(Box::new((problem, self))),
        };
        let headers = &mut self.headers;
        for name in &OWN {
            headers.remove(name);
        }
        headers.insert(header::HOST, host.clone());
        // Trailers are for this connection to ask for (RFC 9110 10.1.4).
        if headers.contains_key(header::TE) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
        let body = Upload::new(self.body);
        match &body.body {
            // A server may wait for a body that a method usually has (RFC 9110 8.6).
            OutgoingBody::Empty if has_body(&self.method) => {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            // hyper would drop the body of a GET in silence if this did not say that there is one.
            OutgoingBody::Stream { size: None, .. } => {
                headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            _ => {}
        }
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        Ok(Message { url: self.url, request })
    }

    fn uri(&self, is_passed_on: bool) -> Result<Uri, Problem> {
        if self.method == Method::CONNECT {
            return Err(Problem::new(
                Layer::Request,
                "The method CONNECT cannot be sent.",
                "Choose the method that the API's documentation names.",
            ));
        }
        let uri = if is_passed_on { self.url.absolute() } else { self.url.path_and_query() };
        Uri::try_from(uri).map_err(|_| {
            Problem::new(
                Layer::Url,
                "The address has characters that cannot be sent.",
                "Percent-encode them: a space is %20.",
            )
        })
    }
}

fn has_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

impl Message {
    /// The request as it was given, but for the headers set here.
    pub(super) fn outgoing(self) -> Outgoing {
        let (head, body) = self.request.into_parts();
        let mut headers = head.headers;
        for name in &OWN {
            headers.remove(name);
        }
        Outgoing { method: head.method, url: self.url, headers, body: body.body }
    }

    /// How far the body has got, if it is a stream.
    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        self.request.body().progress.clone()
    }
}

/// A body on its way to the server.
pub(super) struct Upload {
    body: OutgoingBody,
    /// What is still to come, if the size is known.
    left: Option<u64>,
    progress: Option<Arc<Progress>>,
}

impl Upload {
    fn new(body: OutgoingBody) -> Self {
        let (body, left) = match body {
            OutgoingBody::Stream { size: Some(0), .. } | OutgoingBody::Empty => (OutgoingBody::Empty, Some(0)),
            OutgoingBody::Whole(bytes) if bytes.is_empty() => (OutgoingBody::Empty, Some(0)),
            OutgoingBody::Whole(bytes) => {
                let size = bytes.len() as u64;
                (OutgoingBody::Whole(bytes), Some(size))
            }
            OutgoingBody::Stream { size, pieces } => (OutgoingBody::Stream { size, pieces }, size),
        };
        let is_stream = matches!(body, OutgoingBody::Stream { .. });
        Self { body, left, progress: is_stream.then(Arc::default) }
    }

    /// Counts a piece; hyper would cut off what is too much.
    fn count(&mut self, piece: &Bytes) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;
        }
        Ok(())
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match &mut self.body {
            OutgoingBody::Empty => Poll::Ready(None),
            OutgoingBody::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.body = OutgoingBody::Empty;
                Poll::Ready(Some(Ok(bytes)))
            }
            OutgoingBody::Stream { pieces, .. } => pieces.poll_recv(cx),
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let polled = this.poll_piece(cx);
        let outcome = match polled {
            Poll::Pending => {
                this.note(Progress::wait);
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(piece))) => this.count(&piece).map(|()| Some(Frame::data(piece))),
            Poll::Ready(Some(Err(error))) => Err(error),
            Poll::Ready(None) if this.left.is_some_and(|left| left > 0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(None) => Ok(None),
        };
        match &outcome {
            Ok(None) => this.note(Progress::finish),
            Ok(Some(_)) if this.left == Some(0) => this.note(Progress::finish),
            _ => this.note(Progress::advance),
        }
        Poll::Ready(outcome.transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

impl Upload {
    fn note(&self, event: impl FnOnce(&Progress)) {
        if let Some(progress) = &self.progress {
            event(progress);
        }
    }
}
