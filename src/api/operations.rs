//! Every operation of the interface: address, what it is for, what it takes and answers, and its handler.
//!
//! Rule: routes and description are made of this table and of nothing else, so neither can have what the other lacks.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};

use super::ask::{Answer, Ask};
use super::serve::Api;
use super::{call, connectors, openapi, proxy, token};
use crate::access::Needs;

/// One operation.
pub(super) struct Operation {
    /// Its name for generated clients.
    pub id: &'static str,
    /// An HTTP method, or `ANY` for all of [`PROXY_METHODS`] and others.
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    /// Paragraphs for people.
    pub description: &'static [&'static str],
    pub parameters: &'static [Parameter],
    /// The type of the request's body, if it takes one of its own.
    pub takes: Option<&'static str>,
    /// The type of a good answer's body; `None` where the API's answer is handed on.
    pub gives: Option<&'static str>,
    /// Codes of its problems besides those that every keyed operation has.
    pub problems: Problems,
    pub handler: Handler,
}

/// A part of the address, or a header.
pub(super) struct Parameter {
    pub name: &'static str,
    /// `path`, `query` or `header`.
    pub place: &'static str,
    pub says: &'static str,
    pub example: &'static str,
}

/// Which problems an operation can have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Problems {
    /// None of its own.
    General,
    /// Those of finding a connector, and these.
    OfConnector(&'static [&'static str]),
    /// Those of the way to the API as well.
    OfApi(&'static [&'static str]),
}

/// Who answers.
pub(super) enum Handler {
    /// Anybody may ask.
    Open(fn(&web::Data<Api>) -> HttpResponse),
    /// Whoever shows an API key.
    Keyed(fn(Ask) -> Answer),
}

/// The methods that the proxy is described for; it passes on others as well.
pub(super) const PROXY_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const KEY: Parameter = Parameter {
    name: "key",
    place: "path",
    says: "The data connector’s key, which stands on its page.",
    example: "payroll-ledger",
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        id: "proxy",
        method: "ANY",
        path: "/api/v1/connectors/{key}/proxy/{path}",
        summary: "Send any request to the API",
        description: &[
            "The request goes to this path below the connector’s base URL, with method, query, headers and body as they came and the credential added. The API’s answer is handed on: status, headers and body, redirects included. Bodies stream in both directions and may have any size.",
            "Path and query are passed on byte by byte. A path that leads upwards (“..” in any spelling) is refused.",
            "Headers of one connection, cookies, the API key and what tells of the network behind (Forwarded, X-Forwarded-…) are not passed on; Via is added. Trailers of the answer are left out. WebSockets and other upgrades are refused.",
            "Nothing is tried again, but for one thing: after an answer that says that the access token has ended, a request whose body is known whole (none, or up to 64 KiB with Content-Length) is sent once more with a new one.",
        ],
        parameters: &[
            KEY,
            Parameter {
                name: "path",
                place: "path",
                says: "Whatever follows, slashes included; empty for the base URL itself.",
                example: "bookings/2026-05",
            },
        ],
        takes: None,
        gives: None,
        problems: Problems::OfApi(&[
            "proxy_not_allowed",
            "method_not_allowed_to_key",
            "path_not_allowed",
            "connector_without_address",
            "upgrade_not_supported",
            "method_not_supported",
            "request_body_broken",
        ]),
        handler: Handler::Keyed(|ask| Box::pin(proxy::proxy(ask))),
    },
    Operation {
        id: "call",
        method: "POST",
        path: "/api/v1/connectors/{key}/endpoints/{name}/call",
        summary: "Call an endpoint",
        description: &[
            "Makes the endpoint’s request of the variables, sends it with the credential added, and hands the API’s answer on: status, headers and body.",
            "The request’s method, address, headers and body are the endpoint’s; of the caller’s headers only Accept, Accept-Encoding and Accept-Language go along. An empty body means no variables. A call that fails for a reason that may pass is tried again as often as the endpoint says, if that is safe. Redirects of GET and HEAD are followed within the API’s own host.",
        ],
        parameters: &[
            KEY,
            Parameter {
                name: "name",
                place: "path",
                says: "The endpoint’s name, percent-encoded; upper and lower case are the same.",
                example: "list",
            },
        ],
        takes: Some("CallRequest"),
        gives: None,
        problems: Problems::OfApi(&[
            "endpoint_not_found",
            "endpoint_not_allowed",
            "method_not_allowed_to_key",
            "malformed_request",
            "variables_do_not_fit",
            "request_body_too_large",
            "request_body_broken",
        ]),
        handler: Handler::Keyed(|ask| Box::pin(call::call(ask))),
    },
    Operation {
        id: "token",
        method: "POST",
        path: "/api/v1/connectors/{key}/token",
        summary: "Read the access token",
        description: &[
            "For programs that cannot call through Connectory. It is a right of its own, and every reading is recorded in the audit log. The token is renewed first if it does not live long enough.",
        ],
        parameters: &[KEY],
        takes: Some("TokenRequest"),
        gives: Some("Token"),
        problems: Problems::OfConnector(&[
            "token_not_allowed",
            "connector_without_token",
            "connector_disabled",
            "connector_not_authorized",
            "connector_needs_reauthorization",
            "token_unavailable",
            "token_renewal_in_progress",
            "malformed_request",
            "request_body_too_large",
            "request_body_broken",
        ]),
        handler: Handler::Keyed(|ask| Box::pin(token::token(ask))),
    },
    Operation {
        id: "list_connectors",
        method: "GET",
        path: "/api/v1/connectors",
        summary: "List data connectors",
        description: &["Those that the API key leads to, a hundred at a time."],
        parameters: &[Parameter {
            name: "after",
            place: "query",
            says: "The key after which the list goes on; comes in “next”.",
            example: "payroll-ledger",
        }],
        takes: None,
        gives: Some("ConnectorList"),
        problems: Problems::General,
        handler: Handler::Keyed(|ask| Box::pin(connectors::list(ask))),
    },
    Operation {
        id: "get_connector",
        method: "GET",
        path: "/api/v1/connectors/{key}",
        summary: "Describe a data connector",
        description: &["What the API key may do with it, its endpoints, and what their variables are."],
        parameters: &[KEY],
        takes: None,
        gives: Some("ConnectorDetails"),
        problems: Problems::OfConnector(&[]),
        handler: Handler::Keyed(|ask| Box::pin(connectors::show(ask))),
    },
    Operation {
        id: "description",
        method: "GET",
        path: "/api/v1/openapi.json",
        summary: "This interface as an OpenAPI 3.1 document",
        description: &["Needs no API key: it describes the interface and nothing of what is stored."],
        parameters: &[],
        takes: None,
        gives: Some("object"),
        problems: Problems::General,
        handler: Handler::Open(openapi::show),
    },
];

impl Operation {
    /// Whether it answers this method. A HEAD is a GET without its body (RFC 9110 9.3.2).
    pub fn takes_method(&self, method: &Method) -> bool {
        match self.method {
            "ANY" => true,
            "GET" => matches!(*method, Method::GET | Method::HEAD),
            own => own == method.as_str(),
        }
    }

    /// The methods that it is described for.
    pub fn methods(&self) -> &'static [&'static str] {
        match self.method {
            "ANY" => &PROXY_METHODS,
            "GET" => &["GET"],
            _ => &["POST"],
        }
    }

    fn needs(&self) -> Needs {
        match self.handler {
            Handler::Open(_) => Needs::Nothing,
            Handler::Keyed(_) => Needs::ApiKey,
        }
    }
}

/// Method, path and need of every operation, for the table of routes.
pub fn routes() -> impl Iterator<Item = (Method, &'static str, Needs)> {
    OPERATIONS.iter().flat_map(|operation| {
        let method = |name: &&str| Method::from_bytes(name.as_bytes()).unwrap_or(Method::GET);
        let methods = operation.methods().iter();
        methods.map(move |name| (method(name), operation.path, operation.needs()))
    })
}
