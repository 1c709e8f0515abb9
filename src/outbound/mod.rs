//! The only way out: every HTTP request that Connectory makes to another server goes through
//! [`Outbound::open`], which streams, or [`Outbound::send`], which reads the whole answer, directly or
//! by a connector's own proxy. [`Outbound::probe`] goes the same way step by step, for "Test
//! connection".
//!
//! Rule: where a request goes is decided on the address that is really connected to, after name
//! look-up; an answer is read only within its [`Limits`]; nothing is followed, retried or sent
//! elsewhere on a server's word.
//!
//! Danger: a second HTTP client anywhere else would walk around the address guard, and whoever may
//! type a URL could reach cloud metadata or this machine's own services. Messages name the host and
//! port, never a path, a query, a header or a body, for these may hold secrets.

mod address;
mod answer;
mod certificate;
mod classify;
mod client;
mod connection;
mod dial;
mod exceeded;
mod failure;
mod look_up;
mod mask;
mod message;
mod open;
mod origin;
mod outgoing;
mod pem;
mod policy;
mod pool;
mod probe;
mod progress;
mod refused;
mod route;
mod rule;
mod send;
mod server_text;
mod tls;
mod token_like;
mod transport;
mod trust;
mod trusts;
mod tunnel;
mod url;
mod way;
mod whole;

pub use ::http;
pub use answer::{Answer, AnswerBody, NotOpened, Timing};
pub use certificate::Leaf;
pub use client::{NoRuntime, Outbound};
pub use failure::{Failure, Layer};
pub use hyper::body::Bytes;
pub use mask::{MASKED, Mask};
pub use message::{Limits, Method, Reply, Request};
pub use origin::Origin;
pub use outgoing::{Outgoing, OutgoingBody};
pub use pem::{PemProblem, adds_certificate};
pub use policy::Policy;
pub use probe::{Connected, Found, Lookup, Probe, Step, TlsSeen};
pub use rule::{Rule, RuleProblem};
pub use server_text::quote;
pub use transport::{Identity, Transport, TransportPart, TransportProblem};
pub use url::{HttpUrl, UrlProblem, has_step};
