//! The HTTP client: every request that Connectory makes to another server goes through [`Outbound::open`], which streams,
//! by hyper-util's client, or [`Outbound::fetch`], which reads the whole response, by reqwest; directly or by a
//! connector's own proxy. [`Outbound::probe`] connects step by step, for "Test connection".
//!
//! Rule: where a request goes is decided on the address that is really connected to, after name
//! look-up; a response is read only within its [`Limits`]; nothing is followed, retried or sent
//! elsewhere on a server's word.
//!
//! Danger: a second HTTP client anywhere else would bypass the address policy, and anyone who may
//! type a URL could reach cloud metadata or this machine's own services. Messages name the host and
//! port, never a path, a query, a header or a body, for these may hold secrets.

mod cache;
mod classify;
mod client;
mod connecting;
mod connector;
mod dial;
mod error;
mod exchange;
mod forbidden_addresses;
mod mask;
mod origin;
mod pem;
mod policy;
mod probe;
mod request;
mod resolver;
mod response;
mod retry_after;
mod route;
mod rule;
mod server_text;
mod tls;
mod token_like;
mod transport;
mod tunnel;
mod url;

pub use ::http;
pub use client::{NoRuntime, Outbound};
pub use error::{SendError, Stage};
pub use hyper::body::Bytes;
pub use mask::{MASKED, Mask};
pub use origin::Origin;
pub use pem::{PemProblem, adds_certificate};
pub use policy::Policy;
pub use probe::{Connected, Found, Lookup, Probe, Step, TlsSeen};
pub use request::{Body, Limits, Request, add_header};
pub use response::{Response, ResponseBody};
pub use retry_after::retry_after;
pub use rule::{Rule, RuleProblem};
pub use server_text::quote;
pub use tls::Leaf;
pub use transport::{Identity, Transport, TransportPart, TransportProblem};
pub use url::{HttpUrl, UrlProblem, has_step};
