//! The HTTP client: every request that Connectory makes to another server goes through [`Outbound::open`], which streams,
//! by hyper-util's client, or [`Outbound::fetch`], which reads the whole response, by reqwest; directly or by a
//! connector's own proxy. [`Outbound::test_connection`] connects step by step, for "Test connection".
//!
//! Rule: where a request goes is decided on the address that is really connected to, after name
//! look-up; a response is read only within its [`Limits`]; nothing is followed, retried or sent
//! elsewhere on a server's word.
//!
//! Danger: a second HTTP client anywhere else would bypass the address policy, and anyone who may
//! type a URL could reach cloud metadata or this machine's own services. Messages name the host and
//! port, never a path, a query, a header or a body, for these may hold secrets.

mod allow_list;
mod cache;
mod chain_problem;
mod classify;
mod client;
mod connect;
mod connect_time;
mod connection_test;
mod error;
mod exceptions;
mod exchange;
mod forbidden_addresses;
mod header_names;
mod headers;
mod identity_file;
mod mask;
mod origin;
mod pem;
mod pem_blocks;
mod policy;
mod proxy;
mod request;
mod resolver;
mod response;
mod retry_after;
mod route;
mod server_text;
mod signing_key;
mod streaming_client;
mod tls;
mod tls_problem;
mod token_like;
mod transport;
mod trust;
mod tunnel;
mod url;

pub use ::http;
pub use allow_list::{AllowListEntry, AllowListProblem};
pub use client::{NoRuntime, Outbound};
pub use connection_test::{Connected, ConnectionTest, Found, Lookup, Step, TlsSeen};
pub use error::{SendError, Stage};
pub use exceptions::{LinkLocalProblem, LinkLocalServer, Nat64, Nat64Problem};
pub use header_names::WrittenNames;
pub use headers::{add_header, introduce};
pub use hyper::body::Bytes;
pub use identity_file::{IdentityProblem, open_identity};
pub use mask::{MASKED, Mask};
pub use origin::Origin;
pub use pem::{PemProblem, adds_certificate, may_hold_key};
pub use policy::Policy;
pub use proxy::{Proxy, ProxyUrl};
pub use request::{Body, Limits, Request};
pub use response::{Response, ResponseBody};
pub use retry_after::{LIMIT_HEADERS, retry_after, wait_asked};
pub use server_text::quote;
pub use signing_key::{KeyKind, SigningKey, certificates_text, thumbprint};
pub use tls::{Leaf, certificate_end};
pub use transport::{Identity, Transport, TransportPart, TransportProblem};
pub use url::{HttpUrl, UrlProblem, has_step};

/// Headers of the connection and of the framing of a message, which the client sets. With another value a second request
/// could be smuggled.
pub const CONNECTION_HEADERS: [&str; 9] =
    ["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
