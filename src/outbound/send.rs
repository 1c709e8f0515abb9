//! Sending a request and reading its whole answer within limits.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use tokio::time::{Instant, timeout_at};

use super::answer::AnswerBody;
use super::client::{Outbound, stopping};
use super::exceeded;
use super::failure::Failure;
use super::message::{Limits, Reply, Request};
use super::route::Route;
use super::transport::Transport;
use super::whole::Whole;

impl Outbound {
    /// Sends a request and reads its whole answer, whatever its status. Redirects are answers too:
    /// they are not followed.
    ///
    /// Dropping the future ends the request.
    pub async fn send(&self, transport: &Transport, request: Request, limits: Limits) -> Result<Reply, Failure> {
        let started = Instant::now();
        let this = self.clone();
        let transport = transport.clone();
        let exchange = async move { this.send_here(&transport, request, limits, started).await };
        self.at_home(exchange).await.unwrap_or_else(|| Err(stopping().after(started.elapsed())))
    }

    async fn send_here(
        &self,
        transport: &Transport,
        request: Request,
        limits: Limits,
        started: Instant,
    ) -> Result<Reply, Failure> {
        let request = request.outgoing().map_err(|problem| problem.after(started.elapsed()))?;
        let server = Route::new(transport, &request.url).server();
        // One limit bounds everything here, pauses too.
        let total = limits.in_all();
        let limits = Limits { idle: Limits::LONGEST, ..limits };
        let answer = self.open_here(transport, request, limits, started).await;
        let mut answer = answer.map_err(|not_opened| not_opened.failure)?;
        let body = Whole::new(takes_gzip(&mut answer.headers), limits.body);
        let body = timeout_at(started + total, read(&mut answer.body, body, &server, started))
            .await
            .unwrap_or_else(|_| Err(exceeded::slow_answer(&server, total).after(started.elapsed())))?;
        Ok(Reply { status: answer.status, headers: texts(&answer.headers), body, elapsed: started.elapsed() })
    }
}

/// Reads the body piece by piece and stops as soon as it is too large. A promised length says
/// nothing: it may be wrong, and it counts compressed bytes.
async fn read(incoming: &mut AnswerBody, mut body: Whole, server: &str, started: Instant) -> Result<Vec<u8>, Failure> {
    while let Some(piece) = incoming.next().await {
        body.add(&piece?).map_err(|fault| fault.problem(server).after(started.elapsed()))?;
    }
    body.finish().map_err(|fault| fault.problem(server).after(started.elapsed()))
}

/// Whether the body is compressed in the one way that was offered. Then the headers that tell of it
/// are taken away, for they are not true of what comes out.
fn takes_gzip(headers: &mut HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let is_gzip = codings.next().is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let is_gzip = is_gzip && codings.next().is_none();
    if is_gzip {
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    is_gzip
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    });
    texts.collect()
}
