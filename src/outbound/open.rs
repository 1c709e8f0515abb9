//! Opening an exchange: a connection, the request, the head of the answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, AnswerBody, NotOpened, Timing};
use super::classify;
use super::client::{Outbound, stopping};
use super::connection::{Connection, Lease};
use super::exceeded;
use super::failure::Problem;
use super::message::Limits;
use super::outgoing::{Message, Outgoing};
use super::progress::Progress;
use super::route::Route;
use super::transport::Transport;
use super::way::Way;

impl Outbound {
    /// Sends a request and gives its answer as soon as the head is there; bodies stream in both
    /// directions. Redirects are answers. Nothing is repeated, unless a kept connection turns out to
    /// have been closed before any of the request was written.
    ///
    /// Dropping the future or the answer ends the exchange at once.
    pub async fn open(&self, transport: &Transport, request: Outgoing, limits: Limits) -> Result<Answer, NotOpened> {
        let started = Instant::now();
        if self.is_at_home() {
            return self.open_here(transport, request, limits, started).await;
        }
        let this = self.clone();
        let transport = transport.clone();
        let opening = async move { this.open_here(&transport, request, limits, started).await };
        match self.at_home(opening).await {
            Some(outcome) => outcome,
            None => Err(NotOpened { failure: stopping().after(started.elapsed()), sent: true, request: None }),
        }
    }

    pub(super) async fn open_here(
        &self,
        transport: &Transport,
        request: Outgoing,
        limits: Limits,
        started: Instant,
    ) -> Result<Answer, NotOpened> {
        self.exchange(transport, request, limits, started).await.map_err(|stopped| stopped.after(started))
    }

    async fn exchange(
        &self,
        transport: &Transport,
        request: Outgoing,
        limits: Limits,
        started: Instant,
    ) -> Result<Answer, Stopped> {
        let judged = Route::new(transport, &request.url).judge(&self.common.policy);
        let way = judged.and_then(|()| self.pool.way(transport, &request.url));
        let way = match way {
            Ok(way) => way,
            Err(problem) => return Err(Stopped::before(problem, request)),
        };
        let message = request.message(&way.host, way.route().is_passed_on());
        let mut message = message.map_err(|refused| Stopped::before(refused.0, refused.1))?;
        loop {
            let (lease, connect) = match self.lease(&way, limits, started).await {
                Ok(ready) => ready,
                Err(problem) => return Err(Stopped::before(problem, message.outgoing())),
            };
            let asked = Asked { lease, connect, limits, started };
            match asked.ask(message).await {
                Ok(answer) => return Ok(answer),
                Err(Unanswered::Stale(same)) => message = same,
                Err(Unanswered::Stopped(stopped)) => return Err(stopped),
            }
        }
    }

    /// A connection that was kept, or a new one and how long it took.
    async fn lease(
        &self,
        way: &Arc<Way>,
        limits: Limits,
        started: Instant,
    ) -> Result<(Lease, Option<Duration>), Problem> {
        if let Some(kept) = self.pool.take(way).await {
            return Ok((Lease::new(kept, way, &self.pool), None));
        }
        self.pool.keep_swept();
        let begun = Instant::now();
        let made = Connection::open(&self.common, way, started, limits).await?;
        Ok((Lease::new(made, way, &self.pool), Some(begun.elapsed())))
    }
}

/// An exchange on its connection.
struct Asked {
    lease: Lease,
    /// `None` if the connection was kept.
    connect: Option<Duration>,
    limits: Limits,
    started: Instant,
}

/// Why there is no answer.
struct Stopped {
    problem: Problem,
    sent: bool,
    request: Option<Outgoing>,
}

enum Unanswered {
    /// A kept connection was closed before the request was written.
    Stale(Message),
    Stopped(Stopped),
}

impl Asked {
    async fn ask(mut self, message: Message) -> Result<Answer, Unanswered> {
        let upload = message.progress();
        let Message { url, request } = message;
        let sending = self.lease.send(request, upload.clone());
        let waited = wait(sending, upload.as_deref(), self.limits, self.started).await;
        let way = self.lease.way();
        let mut error = match waited {
            Ok(Ok(head)) => return self.answer(head).map_err(|problem| after(problem).into()),
            Ok(Err(error)) => error,
            Err(late) => return Err(after(late.problem(&way.server(), self.limits)).into()),
        };
        let given_back = error.take_message().map(|request| Message { url, request });
        match given_back {
            Some(message) if self.connect.is_none() => Err(Unanswered::Stale(message)),
            given_back => {
                let problem = classify::no_answer(error.error(), &way.server());
                Err(Unanswered::Stopped(Stopped {
                    problem,
                    sent: given_back.is_none(),
                    request: given_back.map(Message::outgoing),
                }))
            }
        }
    }

    fn answer(mut self, head: Response<Incoming>) -> Result<Answer, Problem> {
        let (head, incoming) = head.into_parts();
        let way = self.lease.way();
        if let Some(problem) = unusable(head.status, &head.headers, way) {
            return Err(problem);
        }
        if size(&head.headers) > self.limits.headers {
            let limit = self.limits.headers;
            return Err(exceeded::too_large("headers", &way.server(), limit));
        }
        self.lease.read(&head.headers);
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            timing: Timing { connect: self.connect.unwrap_or_default(), first_byte: self.started.elapsed() },
            body: AnswerBody::new(incoming, self.lease, self.limits.idle, self.started),
            reused: self.connect.is_none(),
        })
    }
}

/// Why an answer is none, for what its head says.
fn unusable(status: StatusCode, headers: &HeaderMap, way: &Way) -> Option<Problem> {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Some(classify::switched(&way.server()));
    }
    // Only a proxy answers 407 (RFC 9110 15.5.8): the target has not seen the request.
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        && let Some(proxy) = way.route().proxy_name()
    {
        return Some(classify::sign_in(&proxy));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next()?;
    let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    let is_clear = is_chunked && codings.next().is_none() && !headers.contains_key(CONTENT_LENGTH);
    (!is_clear).then(|| classify::unclear_end(&way.server()))
}

/// The bytes of all names and values.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
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
/// answer counts from its end.
async fn wait<T>(
    sending: impl Future<Output = T>,
    upload: Option<&Progress>,
    limits: Limits,
    started: Instant,
) -> Result<T, Late> {
    let Some(upload) = upload else {
        let deadline = started + limits.in_all();
        return timeout_at(deadline, sending).await.map_err(|_| Late::Silent);
    };
    let mut sending = pin!(sending);
    loop {
        let deadline = upload.state().deadline(limits.in_all(), limits.idle);
        if let Ok(outcome) = timeout_at(deadline, sending.as_mut()).await {
            return Ok(outcome);
        }
        let state = upload.state();
        if state.deadline(limits.in_all(), limits.idle) <= Instant::now() {
            return Err(match (state.is_finished, state.is_waiting) {
                (true, _) => Late::Silent,
                (false, false) => Late::NotTaken,
                (false, true) => Late::NotGiven,
            });
        }
    }
}

impl Late {
    fn problem(self, server: &str, limits: Limits) -> Problem {
        match self {
            Self::Silent => exceeded::silent(server, limits.in_all()),
            Self::NotTaken => exceeded::not_taken(server, limits.idle),
            Self::NotGiven => exceeded::not_given(limits.idle),
        }
    }
}

fn after(problem: Problem) -> Stopped {
    Stopped { problem, sent: true, request: None }
}

impl From<Stopped> for Unanswered {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl Stopped {
    fn before(problem: Problem, request: Outgoing) -> Self {
        Self { problem, sent: false, request: Some(request) }
    }

    fn after(self, started: Instant) -> NotOpened {
        NotOpened { failure: self.problem.after(started.elapsed()), sent: self.sent, request: self.request }
    }
}
