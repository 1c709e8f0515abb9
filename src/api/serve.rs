//! What every request of a program passes: its operation, its key, the headers of every response, the counters.
//!
//! The layers of the pages do not apply: no session, no cookie, no CSRF token.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Route, Scope, guard, web};
use metrics::{Counter, Histogram};

use super::forwarded_headers::Pseudonym;
use super::keys::{UnknownKeys, authenticate};
use super::operations::{Handler, OPERATIONS, Operation};
use super::problem::{LOOP_DETECTED, METHOD_NOT_ALLOWED, METHOD_NOT_SUPPORTED, NOT_FOUND, Problem};
use super::request::{ApiRequest, Captures, RequestMeta};
use crate::access::{ApiKeys, KeyRefusal, Quotas};
use crate::audit::Refusals;
use crate::authorization::TokenKeeper;
use crate::calls::CallLog;
use crate::clock::Clock;
use crate::db::Db;
use crate::endpoints::EndpointCache;
use crate::relay::Relay;
use crate::web::{LogThrottle, method_label, secure_api_response};

/// Where the response comes from: `upstream` for the called API, `connectory` for a problem document or another response
/// of Connectory's own.
pub(super) static ANSWER: HeaderName = HeaderName::from_static("connectory-answer");
/// How many requests were sent to the API.
pub(super) static ATTEMPTS: HeaderName = HeaderName::from_static("connectory-attempts");
/// The request's id in Connectory's logs.
pub(super) static REQUEST_ID: HeaderName = HeaderName::from_static("connectory-request-id");

/// What the operations of one worker share.
pub struct Api {
    pub keys: ApiKeys,
    pub relay: Relay,
    pub db: Db,
    pub clock: Clock,
    pub log: CallLog,
    pub endpoints: EndpointCache,
    pub keeper: TokenKeeper,
    pub unknown_keys: UnknownKeys,
    /// Rate limits of keys.
    pub quotas: Quotas,
    /// Limits log lines about refusals.
    pub log_throttle: LogThrottle,
    /// Limits audit entries about refused keys.
    pub refusals: Refusals,
    /// The address that people and programs use, without a trailing slash.
    pub address: String,
    /// The name in `Via`.
    pub own_name: Pseudonym,
    pub meters: Meters,
}

/// Whether an address belongs to the API, so that the pages' layers do not apply to it.
pub fn is_for_programs(path: &str) -> bool {
    path.strip_prefix("/api/").is_some_and(|rest| rest != "v1")
}

/// What routing has found for a request.
#[derive(Clone, Copy)]
enum Routed {
    To(&'static Operation),
    /// The address of this operation with a method that it does not have.
    MethodNotAllowed(&'static Operation),
    NotFound,
}

/// The routes of the API. The prefix has no pattern, so pages cost no match; the proxy's route is the first, because
/// most calls use it, and matches only up to the path that is passed on.
pub fn scope() -> Scope {
    let is_for_programs = guard::fn_guard(|request| is_for_programs(request.head().uri.path()));
    let scope = web::scope("/api").guard(is_for_programs).default_service(route(Routed::NotFound));
    let scope = OPERATIONS.iter().fold(scope, |scope, operation| {
        let path = operation.path.trim_start_matches("/api");
        match path.strip_suffix("/{path}") {
            Some(prefix) => scope.service(web::scope(prefix).default_service(route(Routed::To(operation)))),
            None => {
                let allows = guard::fn_guard(|request| operation.allows(&request.head().method));
                scope.service(web::resource(path).guard(allows).default_service(route(Routed::To(operation))))
            }
        }
    });
    // Behind all others, because an address can have several operations.
    OPERATIONS.iter().fold(scope, |scope, operation| {
        let resource = web::resource(operation.path.trim_start_matches("/api"));
        scope.service(resource.default_service(route(Routed::MethodNotAllowed(operation))))
    })
}

fn route(routed: Routed) -> Route {
    web::to(move |api, req, payload| serve(api, req, payload, routed))
}

/// Handles a request of a program.
async fn serve(api: web::Data<Api>, req: HttpRequest, payload: web::Payload, routed: Routed) -> HttpResponse {
    let meta = RequestMeta::new(&api.clock, &req);
    let request_id = meta.request_id();
    let started = meta.started;
    let found = find(&req, routed);
    let route = found.as_ref().map_or("(none)", |(operation, _)| &operation.path);
    let result = match found {
        Ok((operation, captures)) => dispatch(&api, &req, payload, operation, captures, meta).await,
        Err(problem) => Err(problem),
    };
    let mut response = result.unwrap_or_else(|problem| {
        tracing::debug!(id = request_id, code = problem.relay.kind.code, "refused");
        problem.respond(&api.address, &request_id)
    });
    add_headers(&mut response, &request_id, api.address.starts_with("https://"));
    let status = response.status();
    api.meters.note(route, method_label(req.method()), status.as_u16(), started.elapsed());
    tracing::debug!(id = request_id, status = status.as_u16(), "handled a request of a program");
    response
}

/// The operation with the variable parts of the address, or why there is none.
fn find(req: &HttpRequest, routed: Routed) -> Result<(&'static Operation, Captures), Problem> {
    if matches!(*req.method(), Method::CONNECT | Method::TRACE) {
        return Err(METHOD_NOT_SUPPORTED.because(format!("{} is not passed on.", req.method())).into());
    }
    let no_operation = || NOT_FOUND.because("No operation of this API has this address.").into();
    match routed {
        Routed::To(operation) => Captures::read(&operation.path, req.uri().path())
            .map(|captures| (operation, captures))
            .ok_or_else(no_operation),
        Routed::MethodNotAllowed(operation) => {
            let problem = METHOD_NOT_ALLOWED.because("The address is right, the method is not.");
            Err(Problem { header: Some((ALLOW, operation.allow())), ..problem.into() })
        }
        Routed::NotFound => Err(no_operation()),
    }
}

async fn dispatch(
    api: &web::Data<Api>,
    req: &HttpRequest,
    payload: web::Payload,
    operation: &'static Operation,
    captures: Captures,
    meta: RequestMeta,
) -> Result<HttpResponse, Problem> {
    let handler = match operation.handler {
        Handler::Open(handler) => return handler(api),
        Handler::Keyed(handler) => handler,
    };
    let has_passed = api.own_name.has_passed(req.headers());
    if has_passed && !operation.is_of_records() {
        return Err(loop_detected());
    }
    let holder = authenticate(api, req, &meta).await?;
    let in_use = if !holder.is_collection {
        if has_passed {
            return Err(loop_detected());
        }
        api.quotas.take(holder.key_id)?
    } else if operation.is_of_records() {
        // What calls the collection's connector has passed the limits of its own key.
        api.quotas.count(holder.key_id)
    } else {
        return Err(KeyRefusal::Unknown.into());
    };
    let in_use = Rc::new(in_use);
    let payload = payload.into_inner();
    handler(ApiRequest { api: api.clone(), req: req.clone(), payload, captures, holder, in_use, meta }).await
}

fn loop_detected() -> Problem {
    LOOP_DETECTED.because("The request has passed through Connectory already.").into()
}

/// Adds what every response has.
fn add_headers(response: &mut HttpResponse, request_id: &str, is_secure: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID.clone(), id);
    }
    if !headers.contains_key(&ANSWER) {
        headers.insert(ANSWER.clone(), HeaderValue::from_static("connectory"));
    }
    secure_api_response(headers, is_secure);
}

/// The counters of one worker, made once for each operation and status and not for each request.
#[derive(Default)]
pub struct Meters {
    requests: RefCell<HashMap<(&'static str, &'static str, u16), Counter>>,
    times: RefCell<HashMap<&'static str, Histogram>>,
}

impl Meters {
    /// Counts a response by the pattern of its address.
    fn note(&self, route: &'static str, method: &'static str, status: u16, elapsed: Duration) {
        let new = || metrics::counter!("connectory_http_requests_total", "route" => route, "method" => method, "status" => status.to_string());
        self.requests.borrow_mut().entry((route, method, status)).or_insert_with(new).increment(1);
        let new = || metrics::histogram!("connectory_http_request_seconds", "route" => route);
        self.times.borrow_mut().entry(route).or_insert_with(new).record(elapsed.as_secs_f64());
    }
}

/// A JSON response of Connectory's own.
pub(super) fn json_response(body: &impl serde::Serialize) -> Result<HttpResponse, Problem> {
    let text = serde_json::to_string(body).map_err(crate::web::Error::internal)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}
