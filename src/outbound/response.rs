//! What comes back: a streamed body, and one that is read whole.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::{Instant, Sleep, sleep};

use super::classify;
use super::error::SendError;
use super::request::BodyStream;
use super::route::Server;

/// A response whose head is there, whatever its status. Dropping it before the end of its body ends the exchange.
/// Its headers are as they came, those of the connection included, and nothing is decompressed.
pub type Response = http::Response<ResponseBody<Incoming>>;

/// The body of a [`Response`]. Read to its end, it leaves the connection to the next exchange; dropped before, it
/// closes it.
pub struct ResponseBody<B> {
    /// `None` after the end.
    incoming: Option<B>,
    /// The body of the request, if it is a stream.
    upload: Option<Upload>,
    server: Server,
    started: Instant,
    idle: Duration,
    /// Runs while a piece is waited for.
    pause: Option<Pin<Box<Sleep>>>,
    is_paused: bool,
    connect_time: Option<Duration>,
}

impl<B: Body<Data = Bytes, Error: Error + 'static> + Unpin> ResponseBody<B> {
    pub(super) fn new(incoming: B, server: Server, started: Instant, idle: Duration) -> Self {
        let mut body = Self {
            incoming: Some(incoming),
            upload: None,
            server,
            started,
            idle,
            pause: None,
            is_paused: false,
            connect_time: None,
        };
        body.end_if_read();
        body
    }

    /// The same, to a request with this stream, which is given up when the response has ended.
    pub(super) fn uploading(mut self, upload: Option<Upload>) -> Self {
        self.upload = upload;
        self.end_if_read();
        self
    }

    /// The same, on a connection that took so long to make; `None` if it was there.
    pub(super) fn connected_in(mut self, connect_time: Option<Duration>) -> Self {
        self.connect_time = connect_time;
        self
    }

    /// The server, for sentences.
    pub(super) fn server(&self) -> String {
        self.server.to_string()
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
                    let error = classify::broken_response(&error, &self.server.to_string());
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
        let error = SendError::stalled(&self.server.to_string(), self.idle);
        self.fail(error)
    }

    fn fail(&mut self, error: SendError) -> Poll<Option<Result<Bytes, SendError>>> {
        self.end();
        Poll::Ready(Some(Err(error.sent().after(self.started.elapsed()))))
    }

    fn end_if_read(&mut self) {
        if self.incoming.as_ref().is_some_and(B::is_end_stream) {
            self.end();
        }
    }

    /// A server may answer before it has read everything; nobody waits for it to do so.
    fn end(&mut self) {
        self.incoming = None;
        self.upload = None;
    }
}

/// The body of a request, given up when this is dropped.
pub(super) struct Upload(pub(super) Arc<BodyStream>);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("connect_time", &self.connect_time).finish_non_exhaustive()
    }
}

const _: () = {
    const fn is_movable<T: Unpin + Send>() {}
    is_movable::<ResponseBody<Incoming>>();
};

/// A body that is read whole: decompressed as it comes, and never larger than its limit.
pub(super) struct WholeBody {
    decoder: Decoder,
    is_begun: bool,
}

enum Decoder {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

/// Bytes up to a limit.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    is_over: bool,
}

/// Why a whole body cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Larger than the limit, in bytes.
    TooLarge(usize),
    /// Not compressed as its headers say.
    Unreadable,
}

impl WholeBody {
    pub(super) fn new(is_gzip: bool, limit: usize) -> Self {
        let capped = Capped { bytes: Vec::new(), limit, is_over: false };
        let decoder =
            if is_gzip { Decoder::Gzip(Box::new(MultiGzDecoder::new(capped))) } else { Decoder::Plain(capped) };
        Self { decoder, is_begun: false }
    }

    pub(super) fn add(&mut self, piece: &[u8]) -> Result<(), BodyError> {
        self.is_begun = true;
        match &mut self.decoder {
            Decoder::Plain(capped) => capped.write_all(piece),
            Decoder::Gzip(decoder) => decoder.write_all(piece),
        }
        .map_err(|_| self.error())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, BodyError> {
        // A response to HEAD, or one that says that nothing has changed, names its compression too.
        if let Decoder::Gzip(decoder) = &mut self.decoder
            && self.is_begun
            && decoder.try_finish().is_err()
        {
            return Err(self.error());
        }
        let capped = match &mut self.decoder {
            Decoder::Plain(capped) => capped,
            Decoder::Gzip(decoder) => decoder.get_mut(),
        };
        Ok(std::mem::take(&mut capped.bytes))
    }

    fn error(&self) -> BodyError {
        let capped = match &self.decoder {
            Decoder::Plain(capped) => capped,
            Decoder::Gzip(decoder) => decoder.get_ref(),
        };
        if capped.is_over { BodyError::TooLarge(capped.limit) } else { BodyError::Unreadable }
    }
}

impl BodyError {
    pub(super) fn of(self, server: &str) -> SendError {
        match self {
            Self::TooLarge(limit) => SendError::too_large("contents", server, limit),
            Self::Unreadable => classify::unreadable(server),
        }
    }
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > self.limit {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a body is compressed in the one way that was offered. Then the headers that tell of it are taken away, for
/// they are not true of what comes out.
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

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes)?;
        encoder.finish()
    }

    fn read(is_gzip: bool, limit: usize, bytes: &[u8]) -> Result<Vec<u8>, BodyError> {
        let mut whole = WholeBody::new(is_gzip, limit);
        for piece in bytes.chunks(7) {
            whole.add(piece)?;
        }
        whole.finish()
    }

    #[test]
    fn a_body_comes_out_whole_or_not_at_all() -> io::Result<()> {
        let text = b"grow ".repeat(1_000);
        let packed = gzip(&text)?;
        let two = [packed.clone(), packed.clone()].concat();
        let mut damaged = packed.clone();
        let end = damaged.len() - 6;
        damaged[end] ^= 1;
        for (is_gzip, bytes, expected) in [
            (false, &text, Ok(text.clone())),
            (true, &packed, Ok(text.clone())),
            (true, &two, Ok(text.repeat(2))),
            (true, &Vec::new(), Ok(Vec::new())),
            (true, &text, Err(BodyError::Unreadable)),
            (true, &damaged, Err(BodyError::Unreadable)),
            (true, &packed[..packed.len() - 9].to_vec(), Err(BodyError::Unreadable)),
        ] {
            assert_eq!(read(is_gzip, 10_000, bytes), expected);
        }
        assert_eq!(read(false, 4_999, &text), Err(BodyError::TooLarge(4_999)));
        assert_eq!(read(true, 4_999, &packed), Err(BodyError::TooLarge(4_999)));
        assert!(read(true, 5_000, &packed).is_ok());
        Ok(())
    }
}
