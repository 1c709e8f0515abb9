//! The attempts of one call: each is sent with the credential; a failed one is retried where that is safe, and one whose
//! token was rejected is repeated with a renewed token.
//!
//! Rule: a request goes out again only if its body is still there, and only for a reason that [`super::retry_policy`]
//! allows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::body::PeekedBody;
use super::call::Relay;
use super::circuit_breaker::{Admission, CircuitOpen, Outcome};
use super::credential::{self, CallCredential};
use super::error::{CIRCUIT_OPEN, RelayError, TIME_OUT};
use super::health;
use super::message::{RelayRequest, SentRequest};
use super::redirect;
use super::retry_policy;
use super::snapshot::ConnectorSnapshot;
use super::state::RelayState;
use crate::oauth::ExpiredSignals;
use crate::outbound::http::header::CONTENT_TYPE;
use crate::outbound::http::{HeaderMap, Method, StatusCode};
use crate::outbound::{Body, HttpUrl, Limits, Request, Response, SendError, Stage};

/// Waits for a token of this connector until the call's deadline.
pub(super) async fn within<T>(
    state: &RelayState,
    connector: &ConnectorSnapshot,
    deadline: Instant,
    work: impl Future<Output = Result<T, RelayError>>,
) -> Result<T, RelayError> {
    tokio::time::timeout_at(deadline.into(), work)
        .await
        .unwrap_or_else(|_| Err(RelayError::late_token(&state.keeper, connector.id, &connector.label)))
}

pub(super) fn circuit_open(connector: &ConnectorSnapshot, open: CircuitOpen) -> RelayError {
    CIRCUIT_OPEN
        .because(format!("Too many calls through {} have failed, the last one so: {}", connector.label, open.message))
        .retry_after(open.wait)
}

/// A call under way.
pub(super) struct AttemptLoop<'a> {
    relay: &'a Relay,
    connector: &'a Arc<ConnectorSnapshot>,
    method: Method,
    url: HttpUrl,
    headers: HeaderMap,
    body: Body,
    limits: Limits,
    /// Retries that are left.
    retries: u8,
    follow: bool,
    record_sent: bool,
    deadline: Instant,
    pub(super) credential: CallCredential,
    has_renewed: bool,
    redirects: u16,
    retried: u16,
    pub(super) attempts: u16,
    pub(super) connect: Duration,
}

/// What comes after a response.
#[expect(
    clippy::large_enum_variant,
    reason = "made once for each response and taken apart at once; a box would cost every call an allocation"
)]
enum Next {
    Done(RelayedResponse),
    /// The request is to be sent again.
    Repeat,
}

/// The head of a response, and its body.
pub(super) type RelayedResponse = (Head, PeekedBody);

pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

impl<'a> AttemptLoop<'a> {
    pub(super) fn new(
        relay: &'a Relay,
        connector: &'a Arc<ConnectorSnapshot>,
        request: RelayRequest,
        deadline: Instant,
        credential: CallCredential,
    ) -> AttemptLoop<'a> {
        AttemptLoop {
            relay,
            connector,
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
            limits: request.limits,
            retries: request.retries,
            follow: request.follow,
            record_sent: request.record_sent,
            deadline,
            credential,
            has_renewed: false,
            redirects: 0,
            retried: 0,
            attempts: 0,
            connect: Duration::ZERO,
        }
    }

    /// Repeats the request until there is a response to return, or an error.
    pub(super) async fn run(&mut self) -> Result<RelayedResponse, RelayError> {
        loop {
            let admission = match self.connector.state.breaker.admit() {
                Ok(admission) => admission,
                Err(open) => return Err(circuit_open(self.connector, open)),
            };
            let limits = self.remaining_limits()?;
            let request = self.request()?;
            self.attempts += 1;
            let outbound = &self.relay.outbound;
            match outbound.open(&self.connector.transport, request, limits).await {
                Ok(response) => {
                    self.record(admission, outcome(response.status()));
                    self.connect += response.body().connect_time().unwrap_or_default();
                    match self.next(response).await? {
                        Next::Done(response) => return Ok(response),
                        Next::Repeat => {}
                    }
                }
                Err(error) => {
                    if let Some(outcome) = self.outcome_of(&error) {
                        self.record(admission, outcome);
                    }
                    self.prepare_retry(error).await?;
                }
            }
        }
    }

    fn record(&self, admission: Admission<'_>, outcome: Outcome) {
        if admission.record(outcome) {
            health::store_in_background(&self.relay.db, &self.connector.state);
        }
    }

    /// The limits of the next attempt, within the time that is left of the call.
    fn remaining_limits(&self) -> Result<Limits, RelayError> {
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

    /// The request with its credential. What another attempt may need is copied.
    fn request(&mut self) -> Result<Request, RelayError> {
        let may_repeat = self.retries > 0
            || (self.body.is_repeatable() && (self.credential.version.is_some() || self.follow || self.record_sent));
        let mut headers = if may_repeat { self.headers.clone() } else { std::mem::take(&mut self.headers) };
        let signed = self.credential.value.sign(&self.url, &mut headers, &self.connector.transport);
        let url = signed.map_err(|refused| self.connector.not_approved(&refused))?;
        let request = url.request(self.method.clone(), self.body.clone());
        let mut request = request.map_err(RelayError::of_failure)?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// What an attempt without a response says about the server; `None` if it is not the server's fault.
    fn outcome_of(&self, error: &SendError) -> Option<Outcome> {
        let is_servers = matches!(
            error.stage,
            Stage::NameLookup | Stage::Connection | Stage::Tls | Stage::TimeOut | Stage::Response
        );
        // With a streamed body the client that sends it may be at fault.
        let is_certain = !error.sent || self.body.is_repeatable();
        (is_servers && is_certain).then(|| Outcome::Failure(error.message.clone()))
    }

    /// Waits until the request may be sent again after a failure, or returns the failure.
    async fn prepare_retry(&mut self, error: SendError) -> Result<(), RelayError> {
        let is_temporary = !matches!(error.stage, Stage::Request | Stage::Url | Stage::AddressRefused);
        let is_safe = !error.sent || retry_policy::is_idempotent(&self.method);
        if !(is_temporary && is_safe && self.body.is_sendable()) {
            return Err(RelayError::of_failure(error));
        }
        match self.pause(retry_policy::backoff(self.retried, self.relay.state.jitter())).await {
            true => Ok(()),
            false => Err(RelayError::of_failure(error)),
        }
    }

    /// Pauses before a retry; false if there is none left, or no time for it.
    async fn pause(&mut self, pause: Duration) -> bool {
        if self.retries == 0 || pause >= self.left() || self.connector.state.breaker.open().is_some() {
            return false;
        }
        self.retries -= 1;
        self.retried += 1;
        tokio::time::sleep(pause).await;
        true
    }

    async fn next(&mut self, response: Response) -> Result<Next, RelayError> {
        let (head, body) = response.into_parts();
        let head = Head { status: head.status.as_u16(), headers: head.headers };
        let mut body = PeekedBody::new(body);
        if self.rejects_token(&head, &mut body).await? && self.renew().await {
            return Ok(Next::Repeat);
        }
        if self.may_retry(&head) {
            let asked = retry_policy::retry_after(&head.headers, self.relay.state.clock.now());
            let pause = asked.unwrap_or_else(|| retry_policy::backoff(self.retried, self.relay.state.jitter()));
            if self.pause(pause).await {
                return Ok(Next::Repeat);
            }
        }
        if let Some(url) = self.redirect(&head) {
            self.redirects += 1;
            self.url = url;
            return Ok(Next::Repeat);
        }
        Ok(Next::Done((head, body)))
    }

    fn may_retry(&self, head: &Head) -> bool {
        self.retries > 0
            && self.body.is_sendable()
            && retry_policy::is_idempotent(&self.method)
            && retry_policy::is_temporary(head.status, &head.headers)
    }

    fn redirect(&self, head: &Head) -> Option<HttpUrl> {
        if !self.follow || self.redirects >= redirect::MAX_REDIRECTS || !self.body.is_sendable() {
            return None;
        }
        redirect::target(&self.method, &self.url, head.status, &head.headers)
    }

    /// Whether the response says that the token has expired. Once per call.
    async fn rejects_token(&self, head: &Head, body: &mut PeekedBody) -> Result<bool, RelayError> {
        if self.credential.version.is_none() || self.has_renewed {
            return Ok(false);
        }
        let signals = &self.connector.signals;
        if signals.matches(head.status, &[]) {
            return Ok(true);
        }
        if !signals.want_body() || !is_json(&head.headers) {
            return Ok(false);
        }
        let body = body.peek(ExpiredSignals::LARGEST_BODY).await.map_err(broken)?;
        Ok(body.is_some_and(|body| signals.matches(head.status, &body)))
    }

    /// Gets another token; true if the request is to be sent again with it. If there is none, the API's response is
    /// returned.
    async fn renew(&mut self) -> bool {
        self.has_renewed = true;
        let Some(rejected) = self.credential.version else {
            return false;
        };
        let (state, connector) = (self.relay.state.clone(), Arc::clone(self.connector));
        if !self.body.is_sendable() {
            // The body cannot be sent again, but the next call finds a new token.
            tokio::spawn(async move { credential::renewed(&state, &connector, rejected).await.is_ok() });
            return false;
        }
        let renewed =
            within(&state, &connector, self.deadline, credential::renewed(&state, &connector, rejected)).await;
        match renewed {
            Ok(credential) if credential.version != Some(rejected) => {
                self.credential = credential;
                self.is_still_allowed().await
            }
            _ => false,
        }
    }

    /// Whether the call's URL is still on one of the connector's origins: settings may have been saved together with
    /// the new token.
    async fn is_still_allowed(&self) -> bool {
        let connector = self.relay.connector(&self.connector.key).await;
        connector.is_ok_and(|connector| connector.check_origin(&self.url).is_ok())
    }

    /// The last request as it was sent, without its secret.
    pub(super) fn sent(&self) -> SentRequest {
        let mut headers: Vec<(String, String)> = Vec::with_capacity(self.headers.len() + 1);
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.push((name.to_string(), value));
        }
        self.credential.value.sent(&self.method, &self.url, headers)
    }
}

/// What a response says about the server.
fn outcome(status: StatusCode) -> Outcome {
    if !matches!(status.as_u16(), 502..=504) {
        return Outcome::Success;
    }
    let reason = status.canonical_reason().unwrap_or_default();
    Outcome::Failure(format!("It answered {} {reason}.", status.as_u16()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    let essence = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| {
        let essence = essence.trim_ascii().to_ascii_lowercase();
        essence == b"application/json" || essence.ends_with(b"+json")
    })
}

/// A body that broke off.
pub(super) fn broken(error: SendError) -> RelayError {
    RelayError::of_failure(error)
}
