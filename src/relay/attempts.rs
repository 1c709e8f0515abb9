//! The attempts of one call: each is sent with the credential; a failed one is retried where that is safe, and one whose
//! token was rejected is repeated with a renewed token ([`super::token_refresh`]).
//!
//! Rule: a request goes out again only if its body is still there, and only for a reason that [`super::retry_policy`]
//! allows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::call::Relay;
use super::circuit_breaker::{Admission, CircuitOpen, Outcome};
use super::credential::CallCredential;
use super::error::{CIRCUIT_OPEN, RelayError, TIME_OUT};
use super::message::{Body, RelayRequest, SentRequest};
use super::queries;
use super::retry_policy::{self, MAX_REDIRECTS, Pause};
use super::snapshot::ConnectorSnapshot;
use super::state::RelayState;
use crate::authorization::{outcome_of_failure, outcome_of_response, said};
use crate::calls::Shown;
use crate::connectors::ApiOutcome;
use crate::outbound::http::{self, StatusCode, response::Parts};
use crate::outbound::{HttpUrl, Limits, Request, Response, SendError, Stage};

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
    pub(super) relay: &'a Relay,
    pub(super) connector: &'a Arc<ConnectorSnapshot>,
    /// What the next attempt sends; its retries are those that are left.
    pub(super) request: RelayRequest,
    pub(super) deadline: Instant,
    pub(super) credential: CallCredential,
    pub(super) has_renewed: bool,
    /// The credential is the next one, in place of the refused one.
    pub(super) took_next: bool,
    /// When the credential was replaced by a renewed one.
    pub(super) renewed_at: Option<DateTime<Utc>>,
    /// The last response says that the token has ended.
    says_ended: bool,
    /// How often the request was signed once more as a response has asked.
    challenges: u8,
    /// The last response asks for a signature and could not be given it, which says nothing of the credential.
    only_asks: bool,
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
    Done((Parts, Body)),
    /// The request is to be sent again.
    Repeat,
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
            request,
            deadline,
            credential,
            has_renewed: false,
            took_next: false,
            renewed_at: None,
            says_ended: false,
            challenges: 0,
            only_asks: false,
            redirects: 0,
            retried: 0,
            attempts: 0,
            connect: Duration::ZERO,
        }
    }

    /// Repeats the request until there is a response to return, or an error.
    pub(super) async fn run(&mut self) -> Result<(Parts, Body), RelayError> {
        loop {
            let admission = match self.connector.state.breaker.admit() {
                Ok(admission) => admission,
                Err(open) => return Err(circuit_open(self.connector, open)),
            };
            let limits = self.remaining_limits()?;
            let mut request = self.signed_request()?;
            self.attempts += 1;
            let outbound = &self.relay.outbound;
            outbound.write_names(&self.request.names, &mut request).await;
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
            queries::store_breaker_in_background(&self.relay.db, &self.connector.state);
        }
    }

    /// The limits of the next attempt, within the time that is left of the call.
    fn remaining_limits(&self) -> Result<Limits, RelayError> {
        if self.attempts == 0 {
            return Ok(self.request.limits);
        }
        let left = self.left();
        if left.is_zero() {
            let late = TIME_OUT.because("The time ran out before the API gave a final response.");
            return Err(RelayError { shown: Some(ApiOutcome::Failed), ..late });
        }
        let limits = self.request.limits;
        Ok(Limits { connect: limits.connect.min(left), total: left, ..limits })
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The request with its credential. What another attempt may need is copied.
    fn signed_request(&mut self) -> Result<Request, RelayError> {
        let request = &mut self.request;
        let may_repeat = request.retries > 0
            || (request.body.is_repeatable()
                && (self.credential.version.is_some()
                    || self.connector.next.is_some()
                    || self.credential.value.signer().is_some()
                    || request.follow
                    || request.record_sent
                    || retry_policy::is_idempotent(&request.method)));
        let headers = if may_repeat { request.headers.clone() } else { std::mem::take(&mut request.headers) };
        self.credential.value.sign(request, headers, self.connector)
    }

    /// The failure of the last attempt, with what it says of the connector.
    fn failure(&self, error: SendError) -> RelayError {
        let shown = outcome_of_failure(error.stage).filter(|_| self.is_certain(&error));
        RelayError { shown, ..RelayError::of_failure(error) }
    }

    /// What the response says of the connector.
    pub(super) fn shown(&self, head: &Parts, body: &Body) -> Option<Shown> {
        if self.only_asks {
            return None;
        }
        let outcome = outcome_of_response(head.status, &head.headers, self.says_ended)?;
        let server_words = match outcome {
            ApiOutcome::Taken => String::new(),
            _ => self.server_words(head, body),
        };
        Some(Shown { outcome, renewed_at: self.renewed_at, server_words })
    }

    /// What the API says of a failure, if that is short and there already; once a second, for many calls may fail.
    fn server_words(&self, head: &Parts, body: &Body) -> String {
        let whole = body.short_whole().filter(|_| self.connector.state.may_quote());
        let Some(whole) = whole else { return String::new() };
        let mut response = http::Response::new(whole);
        response.headers_mut().clone_from(&head.headers);
        said(&response, &self.credential.value.mask())
    }

    /// With a streamed body the client that sends it may be at fault.
    fn is_certain(&self, error: &SendError) -> bool {
        !error.idle_closed && (!error.sent || self.request.body.is_repeatable())
    }

    /// What an attempt without a response says about the server; `None` if it is not the server's fault.
    fn outcome_of(&self, error: &SendError) -> Option<Outcome> {
        let is_servers = matches!(
            error.stage,
            Stage::NameLookup | Stage::Connection | Stage::Tls | Stage::TimeOut | Stage::Response
        );
        (is_servers && self.is_certain(error)).then(|| Outcome::Failure(error.message.clone()))
    }

    /// Waits until the request may be sent again after a failure, or returns the failure.
    async fn prepare_retry(&mut self, error: SendError) -> Result<(), RelayError> {
        let is_temporary = !matches!(error.stage, Stage::Request | Stage::Url | Stage::AddressRefused);
        let is_idempotent = retry_policy::is_idempotent(&self.request.method);
        let is_safe = !error.sent || is_idempotent;
        if !(is_temporary && is_safe && self.request.body.is_sendable()) {
            return Err(self.failure(error));
        }
        // Not a retry: the server has most likely not seen the request. The closed connection is out of the pool.
        if error.idle_closed && is_idempotent && self.request.body.is_repeatable() {
            return Ok(());
        }
        match self.pause(Pause::Short).await {
            true => Ok(()),
            false => Err(self.failure(error)),
        }
    }

    /// Pauses before a retry; false if there is none left, or no time for it.
    async fn pause(&mut self, pause: Pause) -> bool {
        let pause = pause.length(self.retried, rand::random());
        if self.request.retries == 0 || pause >= self.left() || self.connector.state.breaker.open().is_some() {
            return false;
        }
        self.request.retries -= 1;
        self.retried += 1;
        tokio::time::sleep(pause).await;
        true
    }

    async fn next(&mut self, response: Response) -> Result<Next, RelayError> {
        let (head, body) = response.into_parts();
        let mut body = Body::new(body);
        self.says_ended = self.rejects_token(&head, &mut body).await?;
        // Boxed, because it is rare: other calls' futures need no room for it. Once per call.
        if self.says_ended && !self.has_renewed && Box::pin(self.renew()).await {
            return Ok(Next::Repeat);
        }
        if std::mem::take(&mut self.took_next) && !self.says_ended && !head.status.is_server_error() {
            self.promote_next();
        }
        if self.is_challenged(&head) {
            self.only_asks = !self.request.body.is_sendable();
            self.challenges += 1;
            if !self.only_asks {
                return Ok(Next::Repeat);
            }
        }
        if let Some(pause) = self.pause_after(&head)
            && self.pause(pause).await
        {
            return Ok(Next::Repeat);
        }
        if let Some(url) = self.redirect(&head) {
            self.redirects += 1;
            self.request.url = url;
            return Ok(Next::Repeat);
        }
        Ok(Next::Done((head, body)))
    }

    /// Whether the response asks for the request signed in another way.
    fn is_challenged(&self, head: &Parts) -> bool {
        let (url, memory) = (&self.request.url, &self.connector.state.signer_memory);
        let signer = self.credential.value.signer();
        signer.is_some_and(|signer| signer.is_challenged(url, (head.status, &head.headers), memory, self.challenges))
    }

    fn pause_after(&self, head: &Parts) -> Option<Pause> {
        if self.request.retries == 0 || !self.request.body.is_sendable() {
            return None;
        }
        let now = self.relay.state.clock.now();
        retry_policy::pause_after(&self.request.method, head.status.as_u16(), &head.headers, now)
    }

    fn redirect(&self, head: &Parts) -> Option<HttpUrl> {
        let request = &self.request;
        if !request.follow || self.redirects >= MAX_REDIRECTS || !self.request.body.is_sendable() {
            return None;
        }
        retry_policy::redirect_target(&request.method, &request.url, head.status.as_u16(), &head.headers)
    }

    /// The last request as it was sent, without its secret.
    pub(super) fn sent(&self) -> SentRequest {
        let request = &self.request;
        self.credential.value.sent(&request.method, &request.url, &request.headers)
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
