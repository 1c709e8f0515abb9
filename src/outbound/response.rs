//! What comes back: a streamed body, and one that is read whole.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::{Instant, Sleep, sleep};

use super::classify;
use super::client::Target;
use super::error::SendError;
use super::request::{Limits, Upload};
use super::streaming_client::StreamingClient;

/// A response whose head is there, whatever its status. Dropping it before the end of its body ends the exchange.
/// Its headers are as they came, those of the connection included, and nothing is decompressed.
pub type Response = http::Response<ResponseBody>;

/// The body of a [`Response`]. Read to its end, it leaves the connection to the next exchange; dropped before, it
/// closes it.
pub struct ResponseBody {
    /// `None` after the end.
    incoming: Option<Incoming>,
    /// The body of the request, if it is a stream.
    upload: Option<Upload>,
    /// For sentences.
    target: Arc<Target<StreamingClient>>,
    idle: Duration,
    /// Runs while a piece is waited for.
    pause: Option<Pin<Box<Sleep>>>,
    is_paused: bool,
    connect_time: Option<Duration>,
}

impl ResponseBody {
    pub(super) fn new(
        incoming: Incoming,
        upload: Option<Upload>,
        target: Arc<Target<StreamingClient>>,
        limits: Limits,
        connect_time: Option<Duration>,
    ) -> Self {
        let is_stream = incoming.size_hint().exact().is_none();
        let idle = if is_stream { limits.stream_idle } else { limits.idle };
        let mut body =
            Self { incoming: Some(incoming), upload, target, idle, pause: None, is_paused: false, connect_time };
        body.end_if_read();
        body
    }

    /// How long name look-up, connection and handshake took; `None` if the connection had served another exchange.
    pub fn connect_time(&self) -> Option<Duration> {
        self.connect_time
    }

    /// The next piece; `None` after the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, SendError>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// [`Self::next`] for streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SendError>>> {
        while let Some(incoming) = &mut self.incoming {
            let Poll::Ready(frame) = Pin::new(incoming).poll_frame(context) else {
                return self.poll_pause(context);
            };
            self.is_paused = false;
            match frame {
                None => self.end(),
                Some(Err(error)) => {
                    let error = classify::broken_response(&error, &self.target.route().server());
                    return self.fail(error);
                }
                Some(Ok(frame)) => {
                    // Trailers are not used.
                    if let Ok(data) = frame.into_data() {
                        self.end_if_read();
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    /// How many bytes are still to come, where the server says so. Of a response to HEAD it is zero: the size that the
    /// header names is that of a body that does not come.
    pub fn size(&self) -> Option<u64> {
        self.incoming.as_ref().map_or(Some(0), |incoming| incoming.size_hint().exact())
    }

    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SendError>>> {
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
        if !self.is_paused {
            self.is_paused = true;
            pause.as_mut().reset(Instant::now() + self.idle);
        }
        ready!(pause.as_mut().poll(context));
        let error = SendError::stalled(&self.target.route().server(), self.idle);
        self.fail(error)
    }

    fn fail(&mut self, error: SendError) -> Poll<Option<Result<Bytes, SendError>>> {
        self.end();
        Poll::Ready(Some(Err(error.sent())))
    }

    fn end_if_read(&mut self) {
        if self.incoming.as_ref().is_some_and(Body::is_end_stream) {
            self.end();
        }
    }

    /// A server may answer before it has read everything; the rest is not sent.
    fn end(&mut self) {
        self.incoming = None;
        self.upload = None;
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("connect_time", &self.connect_time).finish_non_exhaustive()
    }
}

const _: () = {
    const fn is_movable<T: Unpin + Send>() {}
    is_movable::<ResponseBody>();
};

/// Whether a body is compressed in the one way that was offered. Then the headers that tell of it are removed, for they
/// are not true of what comes out.
pub(super) fn takes_gzip(headers: &mut HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let is_gzip = codings.next().is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let is_gzip = is_gzip && codings.next().is_none();
    if is_gzip {
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    is_gzip
}

/// A gzip body decompressed, if that is not larger than `limit`, in bytes: `None` if it is. A response to HEAD, or one
/// that says that nothing has changed, names its compression too and has no body.
pub(super) fn decompress(body: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut whole = Vec::new();
    if !body.is_empty() {
        // One byte more tells what fits from what does not.
        MultiGzDecoder::new(body).take(limit as u64 + 1).read_to_end(&mut whole)?;
    }
    Ok((whole.len() <= limit).then_some(whole))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes)?;
        encoder.finish()
    }

    #[test]
    fn a_body_comes_out_whole_or_not_at_all() -> io::Result<()> {
        let text = b"grow ".repeat(1_000);
        let packed = gzip(&text)?;
        let two = [packed.clone(), packed.clone()].concat();
        let mut damaged = packed.clone();
        let end = damaged.len() - 6;
        damaged[end] ^= 1;
        for (bytes, expected) in [
            (&packed, Some(text.clone())),
            (&two, Some(text.repeat(2))),
            (&Vec::new(), Some(Vec::new())),
            (&text, None),
            (&damaged, None),
            (&packed[..packed.len() - 9].to_vec(), None),
        ] {
            assert_eq!(decompress(bytes, 10_000).ok().flatten(), expected);
            assert_eq!(decompress(bytes, 10_000).is_err(), expected.is_none());
        }
        assert_eq!(decompress(&packed, 4_999)?, None);
        assert!(decompress(&packed, 5_000)?.is_some());
        Ok(())
    }
}
