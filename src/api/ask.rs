//! A program's request whose key has been checked.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use uuid::Uuid;

use super::headers;
use super::paths::Captures;
use super::problem::{KEY_MISSING, Problem, connector_not_found};
use super::record::Record;
use super::serve::Api;
use crate::access::{Actor, ApiKey, HolderKind, InUse, KeyHolder, KeyRefusal, Wants};
use crate::audit::Refusal;
use crate::calls::{Call, CallKind, Caller, CallerKind, Outcome, Target};
use crate::outbound::http::HeaderMap;
use crate::relay::{Line, Turn};

/// The header that carries a key where `Authorization` is taken.
const KEY_HEADER: &str = "x-connectory-key";

/// What handlers answer.
pub(super) type Answer = LocalBoxFuture<'static, Result<actix_web::HttpResponse, Problem>>;

/// A request of somebody whose key is good; whether it opens what is asked is for [`Ask::open`] to say.
pub(super) struct Ask {
    pub api: web::Data<Api>,
    pub req: HttpRequest,
    pub payload: Payload,
    pub captures: Captures,
    pub holder: Arc<KeyHolder>,
    /// Counts the request as one of the key's. The answer's body holds it too.
    pub in_use: Rc<InUse>,
    pub arrival: Arrival,
}

/// When and as what the request came.
#[derive(Clone)]
pub(super) struct Arrival {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub begun: Instant,
    /// Where from.
    pub address: String,
}

impl Arrival {
    pub fn request_id(&self) -> String {
        self.id.simple().to_string()
    }
}

/// Finds out whose key the request shows.
pub(super) async fn introduce(api: &Api, req: &HttpRequest, arrival: &Arrival) -> Result<Arc<KeyHolder>, Problem> {
    let Some(key) = presented(req) else {
        return Err(KEY_MISSING.because("The request carries no API key.").into());
    };
    let admit = async || api.unknown_keys.admit(&arrival.address).await;
    let refusal = match api.keys.find_if(&api.db, key, arrival.at, admit).await {
        Ok(holder) => {
            api.keys.note_use(holder.key_id, arrival.at, &arrival.address);
            return Ok(holder);
        }
        Err(KeyRefusal::Unknown) => api.unknown_keys.count(&arrival.address),
        Err(refusal) => refusal,
    };
    tell_log(api, arrival, &refusal);
    tell_audit_log(api, arrival, key, &refusal).await;
    Err(refusal.into())
}

/// Notes that a key was refused; that the database is away is noted elsewhere, and whoever sends unknown keys without
/// end was noted before. A program that goes on with a key that has ended does not fill the log.
fn tell_log(api: &Api, arrival: &Arrival, refusal: &KeyRefusal) {
    if matches!(refusal, KeyRefusal::Unavailable(_) | KeyRefusal::TooManyUnknown(_)) {
        return;
    }
    let (id, address) = (arrival.request_id(), &arrival.address);
    let same = format!("{address} {}", refusal.code());
    if let Some(left_out) = api.log_throttle.note(&same) {
        tracing::info!(id, address, %refusal, left_out, "API key refused");
    }
}

/// Records that a key was refused, by the part of it that is no secret. Made-up keys of one network count as one.
async fn tell_audit_log(api: &Api, arrival: &Arrival, presented: &str, refusal: &KeyRefusal) {
    if matches!(refusal, KeyRefusal::Unavailable(_) | KeyRefusal::TooManyUnknown(_)) {
        return;
    }
    let key = ApiKey::parse(presented);
    let prefix = key.as_ref().map_or("", ApiKey::prefix);
    let same = match refusal {
        KeyRefusal::Unknown => refusal.code().to_string(),
        _ => format!("{} {prefix}", refusal.code()),
    };
    let kind = "api_key.refused";
    let Some(due) = api.refusals.due(&arrival.address, kind, &same) else {
        return;
    };
    let by = Actor::unknown(arrival.address.clone(), arrival.request_id());
    let refusal = Refusal { kind, reason: &refusal.to_string(), subject: Some((None, prefix)) };
    due.write(&api.db, &by, arrival.at, refusal).await;
}

/// The key of a request: a bearer token (RFC 6750 2.1), or the header of its own.
fn presented(req: &HttpRequest) -> Option<&str> {
    let header = |name| req.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| header(KEY_HEADER).map(str::trim))
}

impl Ask {
    /// The connector that the address names, if the key leads to it. One that it does not lead to is not there.
    pub async fn line(&self) -> Result<Arc<Line>, Problem> {
        let line = self.api.relay.line(&self.captures.key).await;
        let line = line.map_err(|problem| {
            if problem.code == crate::relay::CONNECTOR_NOT_FOUND.code { connector_not_found() } else { problem.into() }
        })?;
        if self.holder.may_see(line.subject()) {
            Ok(line)
        } else {
            self.tell_log(&line, &KeyRefusal::ConnectorNotAllowed);
            Err(connector_not_found())
        }
    }

    /// The turn of a call, which may take `total`. It is taken before the request's body is read.
    pub async fn turn(&self, line: &Line, total: Duration) -> Result<Turn, Problem> {
        Ok(self.api.relay.turn(line, self.holder.key_id, total).await?)
    }

    /// Whether the key opens what is wanted of a connector.
    pub fn check(&self, line: &Line, wants: Wants<'_>) -> Result<(), Problem> {
        let checked = self.holder.check(line.subject(), wants, self.arrival.at);
        Ok(checked.inspect_err(|refusal| self.tell_log(line, refusal))?)
    }

    /// The headers of the request that go to the API.
    pub fn outgoing_headers(&self) -> HeaderMap {
        let limits_methods = self.holder.limits_methods();
        headers::outgoing(self.req.headers(), limits_methods, &self.api.own_name)
    }

    /// Notes what a known key has been refused.
    fn tell_log(&self, line: &Line, refusal: &KeyRefusal) {
        let (id, address) = (self.arrival.request_id(), &self.arrival.address);
        let (key, holder, connector) = (&self.holder.prefix, &*self.holder.name, &*line.label);
        let same = format!("{} {} {}", self.holder.key_id, line.id, refusal.code());
        if let Some(left_out) = self.api.log_throttle.note(&same) {
            tracing::info!(id, address, key, holder, connector, %refusal, left_out, "call refused");
        }
    }

    /// Begins the call's line in the log.
    pub fn record(&self, kind: CallKind, line: &Line, method: &'static str, target: Target) -> Record {
        let call = Call {
            id: self.arrival.id,
            at: self.arrival.at,
            kind,
            connector: line.id,
            connector_name: Arc::clone(&line.label),
            endpoint: None,
            caller: self.caller(),
            address: self.arrival.address.clone(),
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
            request_id: self.arrival.request_id(),
        };
        Record::new(&self.api.log, call, self.arrival.begun, &self.in_use)
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

/// Writes into the record why there is no answer of the API, and gives the problem on.
pub(super) fn refused(mut record: Record, problem: Problem) -> Problem {
    record.problem(&problem.relay);
    problem
}
