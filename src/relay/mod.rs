//! Calls to a connector's API, with the connector's definition and credential held in memory.
//!
//! Rules: a credential goes to the connector's own origins only ([`ConnectorSnapshot`], [`target`]); only what is safe
//! to repeat is repeated ([`retry_policy`]); after a 401 the token is renewed and the request repeated once
//! ([`token_refresh`]); concurrent calls are limited ([`concurrency_limit`]); a server that fails is not called for a
//! while ([`circuit_breaker`]); every failure is a [`RelayError`] with a remedy. A call with everything in memory asks
//! the database nothing.
//!
//! Danger: every call pays for what is added here.

mod attempts;
mod call;
mod circuit_breaker;
mod concurrency_limit;
mod credential;
pub mod error;
mod message;
mod queries;
mod retry_policy;
mod snapshot;
mod state;
mod target;
mod token_refresh;

pub use call::{CallPermit, Relay};
pub use error::{ProblemKind, RelayError, TIME_OUT};
pub use message::{Body, CallTiming, RelayRequest, RelayResponse, SentRequest};
pub use queries::forget_old_breakers;
pub use snapshot::ConnectorSnapshot;
pub use state::RelayState;
pub use target::without_pair;
