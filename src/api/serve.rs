//! What every request of a program passes: its operation, its key, the headers of every answer, the counters.
//!
//! Nothing of the pages' layers stands before it: no session, no cookie, no form token; a program's key says all.

use std::rc::Rc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CROSS_ORIGIN_RESOURCE_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use uuid::Uuid;

use super::ask::{Arrival, Ask, introduce};
pub use super::headers::Pseudonym;
pub use super::meters::Meters;
use super::operations::{Handler, OPERATIONS, Operation};
use super::paths::{self, Captures};
use super::problem::{LOOP_DETECTED, METHOD_NOT_ALLOWED, METHOD_NOT_SUPPORTED, NOT_FOUND, Problem};
pub use super::unknown_keys::UnknownKeys;
use crate::access::{ApiKeys, Quotas, client_address};
use crate::audit::Refusals;
use crate::authorization::TokenKeeper;
use crate::calls::CallLog;
use crate::clock::Clock;
use crate::db::Db;
use crate::endpoints::Definitions;
use crate::relay::Relay;
use crate::web::LogThrottle;

/// Whose answer it is: `upstream` for the API's, `connectory` for a problem document or an answer of Connectory's own.
pub(super) static ANSWER: HeaderName = HeaderName::from_static("connectory-answer");
/// How many requests were sent to the API.
pub(super) static ATTEMPTS: HeaderName = HeaderName::from_static("connectory-attempts");
/// The request's name in Connectory's logs.
pub(super) static REQUEST_ID: HeaderName = HeaderName::from_static("connectory-request-id");

/// Whatever an API answers, no browser runs it in the name of this site.
static POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
static NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
static NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
static NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
static SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
static DENY: HeaderValue = HeaderValue::from_static("DENY");
static BY_KEY: HeaderValue = HeaderValue::from_static("Authorization, X-Connectory-Key");
static HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What the operations of one worker work with.
pub struct Api {
    pub keys: ApiKeys,
    pub relay: Relay,
    pub db: Db,
    pub clock: Clock,
    pub log: CallLog,
    pub endpoints: Definitions,
    pub keeper: TokenKeeper,
    pub unknown_keys: UnknownKeys,
    /// What each key may ask for.
    pub quotas: Quotas,
    /// Which refusals are told to the log.
    pub log_throttle: LogThrottle,
    /// Which refused keys the audit log is told of.
    pub refusals: Refusals,
    /// The address that people and programs use, without a trailing slash.
    pub address: String,
    /// What it calls itself to APIs.
    pub own_name: Pseudonym,
    pub meters: Meters,
}

/// Whether an address belongs to programs, so that the pages' layers are not for it.
pub fn is_for_programs(path: &str) -> bool {
    path.strip_prefix("/api/").is_some_and(|rest| rest != "v1")
}

/// Answers a program.
pub async fn serve(api: web::Data<Api>, req: HttpRequest, payload: web::Payload) -> HttpResponse {
    let arrival =
        Arrival { id: Uuid::now_v7(), at: api.clock.now(), begun: Instant::now(), address: client_address(&req) };
    let request_id = arrival.request_id();
    let begun = arrival.begun;
    let found = find(&req);
    let route = found.as_ref().map_or("(none)", |(operation, _)| operation.path);
    let answered = match found {
        Ok((operation, captures)) => attend(&api, &req, payload, operation, captures, arrival).await,
        Err(problem) => Err(problem),
    };
    let mut response = answered.unwrap_or_else(|problem| {
        tracing::debug!(id = request_id, code = problem.relay.code, "refused");
        problem.respond(&api.address, &request_id)
    });
    finish(&mut response, &request_id, api.address.starts_with("https://"));
    let status = response.status();
    api.meters.note(route, label(req.method()), status.as_u16(), begun.elapsed());
    tracing::debug!(id = request_id, status = status.as_u16(), "answered a program");
    response
}

async fn attend(
    api: &web::Data<Api>,
    req: &HttpRequest,
    payload: web::Payload,
    operation: &'static Operation,
    captures: Captures,
    arrival: Arrival,
) -> Result<HttpResponse, Problem> {
    let handler = match operation.handler {
        Handler::Open(handler) => return Ok(handler(api)),
        Handler::Keyed(handler) => handler,
    };
    if api.own_name.has_passed(req.headers()) {
        return Err(LOOP_DETECTED.because("The request has come through Connectory already.").into());
    }
    let holder = introduce(api, req, &arrival).await?;
    let in_use = Rc::new(api.quotas.take(holder.key_id)?);
    let ask =
        Ask { api: api.clone(), req: req.clone(), payload: payload.into_inner(), captures, holder, in_use, arrival };
    handler(ask).await
}

/// The operation that address and method mean.
fn find(req: &HttpRequest) -> Result<(&'static Operation, Captures), Problem> {
    if matches!(*req.method(), Method::CONNECT | Method::TRACE) {
        return Err(METHOD_NOT_SUPPORTED.because(format!("{} is not passed on.", req.method())).into());
    }
    let path = req.uri().path();
    let mut allowed: Vec<&str> = Vec::new();
    for operation in OPERATIONS {
        let Some(captures) = paths::captures(operation.path, path) else {
            continue;
        };
        if operation.takes_method(req.method()) {
            return Ok((operation, captures));
        }
        allowed.push(operation.method);
    }
    if allowed.is_empty() {
        return Err(NOT_FOUND.because("No operation of this interface has this address.").into());
    }
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let problem = METHOD_NOT_ALLOWED.because("The address is right, the method is not.");
    Err(Problem { allow: Some(allowed.join(", ")), ..problem.into() })
}

/// What every answer carries.
fn finish(response: &mut HttpResponse, request_id: &str, is_secure: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID.clone(), id);
    }
    if !headers.contains_key(&ANSWER) {
        headers.insert(ANSWER.clone(), HeaderValue::from_static("connectory"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone());
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(REFERRER_POLICY, NO_REFERRER.clone());
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN.clone());
    headers.insert(X_FRAME_OPTIONS, DENY.clone());
    if is_secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS.clone());
    }
    if headers.contains_key(CACHE_CONTROL) {
        // What an API lets be kept is kept for this key alone.
        headers.append(VARY, BY_KEY.clone());
    } else {
        headers.insert(CACHE_CONTROL, NO_STORE.clone());
    }
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}

/// An answer of Connectory's own.
pub(super) fn json_answer(body: &impl serde::Serialize) -> Result<HttpResponse, Problem> {
    let text = serde_json::to_string(body).map_err(crate::web::Error::internal)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}
