//! The attempts of one call: sent, signed in, repeated where that is safe, with another token where the API asks for
//! one.
//!
//! Rule: a request goes out again only if its body is still there, and only for a reason that [`super::manners`]
//! allows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::body::Read;
use super::breaker::{Admission, Fared};
use super::carry::Relay;
use super::credential::{self, Chosen};
use super::health;
use super::line::Line;
use super::manners;
use super::order::{Order, SentRequest};
use super::problem::{RESTING, RelayProblem, TIME_OUT};
use super::redirect;
use super::switchboard::Switchboard;
use crate::oauth::ExpiredSignals;
use crate::outbound::http::header::CONTENT_TYPE;
use crate::outbound::http::{HeaderMap, Method, StatusCode};
use crate::outbound::{Body, HttpUrl, Limits, Request, Response, SendError, Stage};

/// Waits for a token of this connector, no longer than the call may take.
pub(super) async fn within<T>(
    board: &Switchboard,
    line: &Line,
    deadline: Instant,
    work: impl Future<Output = Result<T, RelayProblem>>,
) -> Result<T, RelayProblem> {
    tokio::time::timeout_at(deadline.into(), work)
        .await
        .unwrap_or_else(|_| Err(RelayProblem::late_token(&board.keeper, line.id, &line.label)))
}

/// What is said while the server is left alone.
pub(super) fn told(line: &Line, resting: super::breaker::Resting) -> RelayProblem {
    RESTING
        .because(format!("Too many calls through {} have failed, the last one so: {}", line.label, resting.message))
        .retry_after(resting.wait)
}

/// A call on its way.
pub(super) struct Journey<'a> {
    relay: &'a Relay,
    line: &'a Arc<Line>,
    method: Method,
    url: HttpUrl,
    headers: HeaderMap,
    body: Body,
    limits: Limits,
    /// How many further attempts are allowed.
    retries: u8,
    follow: bool,
    is_shown: bool,
    deadline: Instant,
    pub(super) chosen: Chosen,
    has_renewed: bool,
    redirects: u16,
    retried: u16,
    pub(super) attempts: u16,
    pub(super) connect: Duration,
}

/// What comes after an answer.
#[expect(
    clippy::large_enum_variant,
    reason = "made once for each answer and taken apart at once; a box would cost every call an allocation"
)]
enum Next {
    /// It is the result.
    Done(Answered),
    /// The request is to be sent again.
    Again,
}

/// The head of an answer, and its body.
pub(super) type Answered = (Head, Read);

pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

impl<'a> Journey<'a> {
    /// A call that has its turn and its credential.
    pub(super) fn new(
        relay: &'a Relay,
        line: &'a Arc<Line>,
        order: Order,
        deadline: Instant,
        chosen: Chosen,
    ) -> Journey<'a> {
        Journey {
            relay,
            line,
            method: order.method,
            url: order.url,
            headers: order.headers,
            body: order.body,
            limits: order.limits,
            retries: order.retries,
            follow: order.follow,
            is_shown: order.shown,
            deadline,
            chosen,
            has_renewed: false,
            redirects: 0,
            retried: 0,
            attempts: 0,
            connect: Duration::ZERO,
        }
    }

    /// Goes until there is an answer to hand on, or none to be had.
    pub(super) async fn go(&mut self) -> Result<Answered, RelayProblem> {
        loop {
            let admission = match self.line.state.breaker.admit() {
                Ok(admission) => admission,
                Err(resting) => return Err(told(self.line, resting)),
            };
            let limits = self.limits_left()?;
            let request = self.request()?;
            self.attempts += 1;
            let outbound = &self.relay.outbound;
            match outbound.open(&self.line.transport, request, limits).await {
                Ok(answer) => {
                    self.settle(admission, fared(answer.status()));
                    self.connect += answer.body().connect_time().unwrap_or_default();
                    match self.look_at(answer).await? {
                        Next::Done(answered) => return Ok(answered),
                        Next::Again => {}
                    }
                }
                Err(error) => {
                    if let Some(fared) = self.blame(&error) {
                        self.settle(admission, fared);
                    }
                    self.prepare_retry(error).await?;
                }
            }
        }
    }

    fn settle(&self, admission: Admission<'_>, fared: Fared) {
        if admission.settle(fared) {
            health::tell(&self.relay.db, &self.line.state);
        }
    }

    /// The limits of the next attempt: no longer than the call may still take.
    fn limits_left(&self) -> Result<Limits, RelayProblem> {
        if self.attempts == 0 {
            return Ok(self.limits);
        }
        let left = self.left();
        if left.is_zero() {
            return Err(TIME_OUT.because("The time was over before the API gave a final answer."));
        }
        Ok(Limits { connect: self.limits.connect.min(left), total: left, ..self.limits })
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The request, signed in. What may be needed again is copied.
    fn request(&mut self) -> Result<Request, RelayProblem> {
        let may_repeat = self.retries > 0
            || (self.body.is_repeatable() && (self.chosen.version.is_some() || self.follow || self.is_shown));
        let mut headers = if may_repeat { self.headers.clone() } else { std::mem::take(&mut self.headers) };
        let signed = self.chosen.presented.sign(&self.url, &mut headers, &self.line.transport);
        let url = signed.map_err(|refused| self.line.not_approved(&refused))?;
        let request = url.request(self.method.clone(), self.body.clone());
        let mut request = request.map_err(RelayProblem::of_failure)?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// How the server fared with a request without an answer, if it is to blame.
    fn blame(&self, error: &SendError) -> Option<Fared> {
        let is_servers = matches!(
            error.stage,
            Stage::NameLookup | Stage::Connection | Stage::Tls | Stage::TimeOut | Stage::Response
        );
        // Of a body that is streamed, whoever sends it may be at fault.
        let is_clear = !error.sent || self.body.is_repeatable();
        (is_servers && is_clear).then(|| Fared::Badly(error.message.clone()))
    }

    /// Waits until the request may be sent again after a failure, or gives the failure.
    async fn prepare_retry(&mut self, error: SendError) -> Result<(), RelayProblem> {
        let may_pass = !matches!(error.stage, Stage::Request | Stage::Url | Stage::AddressRefused);
        let is_safe = !error.sent || manners::is_idempotent(&self.method);
        if !(may_pass && is_safe && self.body.is_sendable()) {
            return Err(RelayProblem::of_failure(error));
        }
        let pause = manners::pause(self.retried, self.relay.board.chance());
        match self.pause(pause).await {
            true => Ok(()),
            false => Err(RelayProblem::of_failure(error)),
        }
    }

    /// Pauses before a further attempt; false if there is none left, or no time for it.
    async fn pause(&mut self, pause: Duration) -> bool {
        if self.retries == 0 || pause >= self.left() || self.line.state.breaker.resting().is_some() {
            return false;
        }
        self.retries -= 1;
        self.retried += 1;
        tokio::time::sleep(pause).await;
        true
    }

    /// What comes after this answer.
    async fn look_at(&mut self, answer: Response) -> Result<Next, RelayProblem> {
        let (head, body) = answer.into_parts();
        let head = Head { status: head.status.as_u16(), headers: head.headers };
        let mut read = Read::nothing(body);
        if self.refuses_token(&head, &mut read).await? && self.renew().await {
            return Ok(Next::Again);
        }
        if self.may_try_again(&head) {
            let asked = manners::asked_pause(&head.headers, self.relay.board.clock.now());
            let chance = self.relay.board.chance();
            let pause = asked.unwrap_or_else(|| manners::pause(self.retried, chance));
            if self.pause(pause).await {
                return Ok(Next::Again);
            }
        }
        if let Some(url) = self.redirect(&head) {
            self.redirects += 1;
            self.url = url;
            return Ok(Next::Again);
        }
        Ok(Next::Done((head, read)))
    }

    fn may_try_again(&self, head: &Head) -> bool {
        self.retries > 0
            && self.body.is_sendable()
            && manners::is_idempotent(&self.method)
            && manners::is_passing(head.status, &head.headers)
    }

    fn redirect(&self, head: &Head) -> Option<HttpUrl> {
        if !self.follow || self.redirects >= redirect::MOST || !self.body.is_sendable() {
            return None;
        }
        redirect::target(&self.method, &self.url, head.status, &head.headers)
    }

    /// Whether the answer says that the token has ended, which is asked once.
    async fn refuses_token(&self, head: &Head, read: &mut Read) -> Result<bool, RelayProblem> {
        if self.chosen.version.is_none() || self.has_renewed {
            return Ok(false);
        }
        let signals = &self.line.signals;
        if signals.matches(head.status, &[]) {
            return Ok(true);
        }
        if !signals.want_body() || !is_json(&head.headers) {
            return Ok(false);
        }
        let body = read.peek(ExpiredSignals::LARGEST_BODY).await.map_err(broken)?;
        Ok(body.is_some_and(|body| signals.matches(head.status, &body)))
    }

    /// Gets another token; true if the request is to be sent again with it. If there is none, what the API has answered
    /// stands.
    async fn renew(&mut self) -> bool {
        self.has_renewed = true;
        let Some(refused) = self.chosen.version else {
            return false;
        };
        let (board, line) = (self.relay.board.clone(), Arc::clone(self.line));
        if !self.body.is_sendable() {
            // The body has gone by; the next call finds a new token.
            tokio::spawn(async move { credential::another(&board, &line, refused).await.is_ok() });
            return false;
        }
        let renewed = within(&board, &line, self.deadline, credential::another(&board, &line, refused)).await;
        match renewed {
            Ok(chosen) if chosen.version != Some(refused) => {
                self.chosen = chosen;
                self.is_still_own().await
            }
            _ => false,
        }
    }

    /// Whether the call's address is still one of the connector's by now, when another token has come: settings may
    /// have been saved with it.
    async fn is_still_own(&self) -> bool {
        let line = self.relay.line(&self.line.key).await;
        line.is_ok_and(|line| line.check_origin(&self.url).is_ok())
    }

    /// The request as it was sent last, without its secret.
    pub(super) fn shown(&self) -> SentRequest {
        let mut headers: Vec<(String, String)> = Vec::with_capacity(self.headers.len() + 1);
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.push((name.to_string(), value));
        }
        self.chosen.presented.shown(&self.method, &self.url, headers)
    }
}

/// How the server fared with an answer.
fn fared(status: StatusCode) -> Fared {
    if !matches!(status.as_u16(), 502..=504) {
        return Fared::Well;
    }
    let reason = status.canonical_reason().unwrap_or_default();
    Fared::Badly(format!("It answered {} {reason}.", status.as_u16()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    let essence = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| {
        let essence = essence.trim_ascii().to_ascii_lowercase();
        essence == b"application/json" || essence.ends_with(b"+json")
    })
}

/// Of a body that ended before its end.
pub(super) fn broken(failure: SendError) -> RelayProblem {
    RelayProblem::of_failure(failure)
}
