//! The operations of the API. Method, path and description are declared with each handler (`#[utoipa::path]`), the
//! problems that it can respond with are listed here.
//!
//! Rule: routes and description are made of this table and of nothing else, so neither can have what the other lacks.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::Method;
use futures_util::future::LocalBoxFuture;
use utoipa::Path;
use utoipa::openapi::HttpMethod;

use super::problem::{
    BODY_TOO_LARGE, COLLECTION_NOT_FOUND, CONTENT_TYPE_NOT_TAKEN, ENDPOINT_NOT_ALLOWED, ENDPOINT_NOT_FOUND, MALFORMED,
    METHOD_NOT_ALLOWED_TO_KEY, METHOD_NOT_SUPPORTED, NO_ACCESS_TOKEN, OF_KEYS, PROXY_NOT_ALLOWED, Problem,
    RECORD_CHANGED, RECORD_DOES_NOT_FIT, RECORD_NOT_FOUND, TOKEN_NOT_ALLOWED, UPGRADE_NOT_SUPPORTED,
    VARIABLES_DO_NOT_FIT, all_kinds,
};
use super::request::ApiRequest;
use super::serve::Api;
use super::{calls, collections, connectors, openapi, records, token};
use crate::access::Needs;
use crate::relay::ProblemKind;
use crate::relay::error::{
    BODY_NOT_READ, CONNECTOR_DISABLED, CONNECTOR_NOT_FOUND, KINDS as OF_CALLS, NEEDS_REAUTHORIZATION, NO_ADDRESS,
    NO_ROOM, NOT_AUTHORIZED, PATH_NOT_ALLOWED, TOKEN_RENEWING, TOKEN_UNAVAILABLE,
};

/// Kinds of [`OF_CALLS`] that not every call can end with.
const OF_SOME_CALLS: [ProblemKind; 3] = [NO_ADDRESS, PATH_NOT_ALLOWED, BODY_NOT_READ];

/// Of all operations on records.
const OF_RECORDS: [ProblemKind; 4] =
    [COLLECTION_NOT_FOUND, PROXY_NOT_ALLOWED, METHOD_NOT_ALLOWED_TO_KEY, CONNECTOR_DISABLED];

/// Of operations that take a record.
const OF_RECORD_BODIES: [ProblemKind; 6] =
    [MALFORMED, BODY_TOO_LARGE, BODY_NOT_READ, NO_ROOM, CONTENT_TYPE_NOT_TAKEN, RECORD_DOES_NOT_FIT];

/// One operation.
pub(super) struct Operation {
    /// With variable parts in braces; `{path}` is all that follows.
    pub path: String,
    /// The methods that it is described for.
    pub methods: Vec<HttpMethod>,
    pub description: utoipa::openapi::path::Operation,
    /// Besides those of keys and of calls.
    problems: &'static [ProblemKind],
    pub handler: Handler,
}

/// The function that handles a request.
pub(super) enum Handler {
    /// Without an API key.
    Open(fn(&Api) -> Result<HttpResponse, Problem>),
    Keyed(fn(ApiRequest) -> LocalBoxFuture<'static, Result<HttpResponse, Problem>>),
}

/// The proxy is the first, because most requests are its.
pub(super) static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    use Handler::{Keyed, Open};
    vec![
        Operation::of::<calls::__path_proxy>(
            Keyed(|request| Box::pin(calls::proxy(request))),
            &[
                PROXY_NOT_ALLOWED,
                METHOD_NOT_ALLOWED_TO_KEY,
                PATH_NOT_ALLOWED,
                NO_ADDRESS,
                UPGRADE_NOT_SUPPORTED,
                METHOD_NOT_SUPPORTED,
                BODY_NOT_READ,
            ],
        ),
        Operation::of::<calls::__path_call>(
            Keyed(|request| Box::pin(calls::call(request))),
            &[
                ENDPOINT_NOT_FOUND,
                ENDPOINT_NOT_ALLOWED,
                METHOD_NOT_ALLOWED_TO_KEY,
                MALFORMED,
                VARIABLES_DO_NOT_FIT,
                BODY_TOO_LARGE,
                BODY_NOT_READ,
            ],
        ),
        Operation::of::<token::__path_token>(
            Keyed(|request| Box::pin(token::token(request))),
            &[
                CONNECTOR_NOT_FOUND,
                TOKEN_NOT_ALLOWED,
                NO_ACCESS_TOKEN,
                CONNECTOR_DISABLED,
                NOT_AUTHORIZED,
                NEEDS_REAUTHORIZATION,
                TOKEN_UNAVAILABLE,
                TOKEN_RENEWING,
                MALFORMED,
                BODY_TOO_LARGE,
                BODY_NOT_READ,
            ],
        ),
        Operation::of::<connectors::__path_list>(Keyed(|request| Box::pin(connectors::list(request))), &[]),
        Operation::of::<connectors::__path_show>(
            Keyed(|request| Box::pin(connectors::show(request))),
            &[CONNECTOR_NOT_FOUND],
        ),
        Operation::of::<collections::__path_list>(Keyed(|request| Box::pin(collections::list(request))), &[]),
        Operation::of::<collections::__path_show>(
            Keyed(|request| Box::pin(collections::show(request))),
            &[COLLECTION_NOT_FOUND],
        ),
        Operation::of::<records::__path_list>(Keyed(|request| Box::pin(records::list(request))), &[MALFORMED]),
        Operation::of::<records::__path_create>(Keyed(|request| Box::pin(records::create(request))), &[]),
        Operation::of::<records::__path_show>(Keyed(|request| Box::pin(records::show(request))), &[RECORD_NOT_FOUND]),
        Operation::of::<records::__path_replace>(
            Keyed(|request| Box::pin(records::replace(request))),
            &[RECORD_NOT_FOUND, RECORD_CHANGED],
        ),
        Operation::of::<records::__path_patch>(
            Keyed(|request| Box::pin(records::patch(request))),
            &[RECORD_NOT_FOUND, RECORD_CHANGED],
        ),
        Operation::of::<records::__path_delete>(
            Keyed(|request| Box::pin(records::delete(request))),
            &[RECORD_NOT_FOUND, RECORD_CHANGED],
        ),
        Operation::of::<openapi::__path_document>(Open(openapi::document), &[]),
    ]
});

impl Operation {
    fn of<P: Path>(handler: Handler, problems: &'static [ProblemKind]) -> Operation {
        Operation { path: P::path(), methods: P::methods(), description: P::operation(), problems, handler }
    }

    /// Whether it passes the API's response through, with any method and status.
    pub fn passes_through(&self) -> bool {
        self.description.responses.responses.is_empty()
    }

    pub fn is_open(&self) -> bool {
        matches!(self.handler, Handler::Open(_))
    }

    /// Whether it is about records of a collection, which the token of the collection's own connector opens.
    pub fn is_of_records(&self) -> bool {
        self.path.starts_with("/api/v1/collections/{key}/records")
    }

    /// Whether it needs a body, which must be a record or a patch of one.
    pub fn takes_record(&self) -> bool {
        self.is_of_records() && self.description.request_body.is_some()
    }

    /// The value of `Allow`: the methods of all operations of this address.
    pub fn allow(&self) -> String {
        let here = OPERATIONS.iter().filter(|operation| operation.path == self.path);
        let methods: Vec<Method> = here.flat_map(Operation::taken_methods).collect();
        methods.iter().map(Method::as_str).collect::<Vec<&str>>().join(", ")
    }

    pub fn allows(&self, method: &Method) -> bool {
        self.taken_methods().any(|allowed| allowed == *method)
    }

    /// A HEAD is a GET without its body (RFC 9110 9.3.2).
    fn taken_methods(&self) -> impl Iterator<Item = Method> {
        let head = (self.methods == [HttpMethod::Get]).then_some(Method::HEAD);
        self.methods.iter().map(actix_method).chain(head)
    }

    /// The problems that it can respond with, in the order of their table.
    pub fn kinds(&self) -> impl Iterator<Item = &'static ProblemKind> {
        all_kinds().filter(|kind| {
            self.problems.contains(kind)
                || (!self.is_open() && OF_KEYS.contains(kind))
                || (self.is_of_records() && OF_RECORDS.contains(kind))
                || (self.takes_record() && OF_RECORD_BODIES.contains(kind))
                || (self.passes_through() && OF_CALLS.contains(kind) && !OF_SOME_CALLS.contains(kind))
        })
    }
}

/// Method, path and need of every operation, for the table of routes.
pub fn routes() -> impl Iterator<Item = (Method, &'static str, Needs)> {
    OPERATIONS.iter().flat_map(|operation| {
        let needs = if operation.is_open() { Needs::Nothing } else { Needs::ApiKey };
        operation.methods.iter().map(move |method| (actix_method(method), operation.path.as_str(), needs))
    })
}

fn actix_method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        _ => Method::GET,
    }
}
