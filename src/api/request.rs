//! A request whose API key has been checked, and its entry in the call log.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::headers;
use super::problem::{Problem, connector_not_found};
use super::serve::Api;
use crate::access::{HolderKind, InUse, KeyHolder, KeyRefusal, Wants, client_address};
use crate::calls::{Call, CallKind, CallLog, Caller, CallerKind, Outcome, Target};
use crate::clock::Clock;
use crate::outbound::http::HeaderMap;
use crate::relay::error::{ADDRESS_REFUSED, BUSY, CIRCUIT_OPEN, NO_ROOM};
use crate::relay::{CallPermit, CallTiming, ConnectorSnapshot, ProblemKind, RelayError};

/// Problems with a status of 500 and above that are a refusal of Connectory's and not a failure.
const REFUSALS: [ProblemKind; 4] = [CIRCUIT_OPEN, BUSY, ADDRESS_REFUSED, NO_ROOM];

/// A request with a good key; [`ApiRequest::check`] says whether the key may do what is asked.
pub(super) struct ApiRequest {
    pub api: web::Data<Api>,
    pub req: HttpRequest,
    pub payload: Payload,
    pub captures: Captures,
    pub holder: Arc<KeyHolder>,
    /// Counts the request as one of the key's. The response's body holds it too.
    pub in_use: Rc<InUse>,
    pub meta: RequestMeta,
}

/// When and where from a request came, and its id.
pub(super) struct RequestMeta {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub begun: Instant,
    /// The client's address.
    pub address: String,
}

impl RequestMeta {
    pub fn new(clock: &Clock, req: &HttpRequest) -> RequestMeta {
        RequestMeta { id: Uuid::now_v7(), at: clock.now(), begun: Instant::now(), address: client_address(req) }
    }

    pub fn request_id(&self) -> String {
        self.id.simple().to_string()
    }
}

/// The variable parts of an address, read from the address as it was sent: actix decodes paths before it matches them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captures {
    /// The connector's key.
    pub key: String,
    /// The endpoint's name.
    pub name: String,
    /// Where the rest begins that is passed on byte by byte, in bytes of the path.
    pub rest_at: usize,
}

impl Captures {
    /// Of a path that fits the pattern, where `{key}` and `{name}` stand for one segment and `{path}` for all that
    /// follows. None if a segment is no UTF-8 or has NUL, which no text column can hold.
    pub fn read(pattern: &str, path: &str) -> Option<Captures> {
        let mut captures = Captures::default();
        let mut at = 0;
        for (part, segment) in pattern.split('/').zip(path.split('/')) {
            match part {
                "{key}" => captures.key = decoded(segment)?,
                "{name}" => captures.name = decoded(segment)?,
                "{path}" => break,
                _ => {}
            }
            at += segment.len() + 1;
        }
        captures.rest_at = path.len().min(at - 1);
        Some(captures)
    }
}

fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.contains('\0')).then(|| text.into_owned())
}

impl ApiRequest {
    /// The connector that the address names, if the key may see it. Others are answered like one that is not there.
    pub async fn connector(&self) -> Result<Arc<ConnectorSnapshot>, Problem> {
        let connector = self.api.relay.find_connector(&self.captures.key).await?.ok_or_else(connector_not_found)?;
        if self.holder.may_see(connector.subject()) {
            return Ok(connector);
        }
        self.log_refusal(&connector, &KeyRefusal::ConnectorNotAllowed);
        Err(connector_not_found())
    }

    /// The permit of a call, which may take `total`. It is taken before the request's body is read.
    pub async fn permit(&self, connector: &ConnectorSnapshot, total: Duration) -> Result<CallPermit, Problem> {
        Ok(self.api.relay.permit(connector, self.holder.key_id, total).await?)
    }

    /// Whether the key may do what is asked of a connector.
    pub fn check(&self, connector: &ConnectorSnapshot, wants: Wants<'_>) -> Result<(), Problem> {
        let checked = self.holder.check(connector.subject(), wants, self.meta.at);
        Ok(checked.inspect_err(|refusal| self.log_refusal(connector, refusal))?)
    }

    /// The headers of the request that go to the API.
    pub fn outgoing_headers(&self) -> HeaderMap {
        let limits_methods = self.holder.limits_methods();
        headers::outgoing(self.req.headers(), limits_methods, &self.api.own_name)
    }

    /// Logs what was refused to a known key.
    fn log_refusal(&self, connector: &ConnectorSnapshot, refusal: &KeyRefusal) {
        let (id, address) = (self.meta.request_id(), &self.meta.address);
        let (key, holder, name) = (&self.holder.prefix, &*self.holder.name, &*connector.label);
        let same = format!("{} {} {}", self.holder.key_id, connector.id, refusal.code());
        if let Some(left_out) = self.api.log_throttle.note(&same) {
            tracing::info!(id, address, key, holder, connector = name, %refusal, left_out, "call refused");
        }
    }

    /// Begins the call's entry in the log.
    pub fn record(
        &self,
        kind: CallKind,
        connector: &ConnectorSnapshot,
        method: &'static str,
        target: Target,
    ) -> CallRecord {
        let call = Call {
            id: self.meta.id,
            at: self.meta.at,
            kind,
            connector: connector.id,
            connector_name: Arc::clone(&connector.label),
            endpoint: None,
            caller: self.caller(),
            address: self.meta.address.clone(),
            method,
            target,
            outcome: Outcome::Cancelled,
            status: None,
            problem: "",
            detail: String::new(),
            attempts: 0,
            queue: Default::default(),
            connect: Default::default(),
            first_byte: Default::default(),
            total: Default::default(),
            sent: 0,
            received: 0,
            request_id: self.meta.request_id(),
        };
        let log = self.api.log.clone();
        CallRecord { log, call: Some(call), begun: self.meta.begun, _in_use: Rc::clone(&self.in_use) }
    }

    fn caller(&self) -> Caller {
        Caller {
            kind: match self.holder.kind {
                HolderKind::Program => CallerKind::Program,
                HolderKind::User => CallerKind::User,
            },
            id: self.holder.id,
            name: Arc::clone(&self.holder.name),
            api_key: Some(self.holder.key_id),
        }
    }
}

/// An entry of the call log that is written when it is dropped: as a cancelled call, unless its outcome was set. That is
/// what happens when the caller has gone.
pub(super) struct CallRecord {
    log: CallLog,
    call: Option<Call>,
    begun: Instant,
    /// The request counts as one of the key's for as long as the record is there.
    _in_use: Rc<InUse>,
}

impl CallRecord {
    fn update(&mut self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = &mut self.call {
            change(call);
        }
    }

    pub fn endpoint(&mut self, id: Uuid, name: Arc<str>) {
        self.update(|call| call.endpoint = Some((id, name)));
    }

    pub fn target(&mut self, target: Target) {
        self.update(|call| call.target = target);
    }

    /// The head of the API's response has come; its body may still follow.
    pub fn head(&mut self, status: u16, timing: CallTiming, attempts: u16) {
        self.update(|call| {
            call.status = Some(status);
            call.attempts = attempts;
            call.queue = timing.queue;
            call.connect = timing.connect;
            call.first_byte = timing.first_byte;
        });
    }

    pub fn sizes(&mut self, sent: u64, received: u64) {
        self.update(|call| (call.sent, call.received) = (sent, received));
    }

    pub fn answered(&mut self) {
        self.update(|call| call.outcome = Outcome::Answered);
    }

    pub fn failed(&mut self, problem: &'static str, detail: &str) {
        self.update(|call| {
            call.outcome = Outcome::Failed;
            call.problem = problem;
            call.detail = detail.to_string();
        });
    }

    /// Records why the caller gets a problem document instead of the API's response, and returns the problem.
    pub fn refused(mut self, problem: Problem) -> Problem {
        let relay = &problem.relay;
        self.update(|call| {
            call.outcome = if is_failure(relay) { Outcome::Failed } else { Outcome::Refused };
            call.problem = relay.code;
            call.detail = relay.detail.clone();
            call.attempts = relay.attempts;
            call.queue = relay.queue;
        });
        problem
    }
}

fn is_failure(problem: &RelayError) -> bool {
    problem.status >= 500 && REFUSALS.iter().all(|refusal| refusal.code != problem.code)
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if let Some(mut call) = self.call.take() {
            call.total = self.begun.elapsed();
            self.log.record(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_and_the_rest_is_left_as_it_is() {
        let call = "/v1/{key}/endpoints/{name}/call";
        let captures = Captures::read(call, "/v1/ledger/endpoints/list%20all%2Fx/call").expect("a call");
        assert_eq!((captures.key.as_str(), captures.name.as_str()), ("ledger", "list all/x"));
        for (path, rest) in [
            ("/v1/a/proxy", Some("")),
            ("/v1/a/proxy/", Some("/")),
            ("/v1/a/proxy/x/%2e%2E//y", Some("/x/%2e%2E//y")),
            ("/%761/a/proxy/x", Some("/x")),
            ("/v1/%61/proxy/x", Some("/x")),
            ("/v1/%ff/proxy", None),
            ("/v1/a%00/proxy", None),
        ] {
            let captures = Captures::read("/v1/{key}/proxy/{path}", path);
            assert_eq!(captures.map(|captures| &path[captures.rest_at..]), rest, "{path}");
        }
    }
}
