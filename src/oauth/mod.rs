//! Asking other servers for tokens (OAuth 2.0, and the many servers that only resemble it).
//!
//! Values in, a [`Token`] or a [`Refusal`] out, and the current time is passed in. Only `round_trip`, a browser's way to
//! an authorization server and back, knows the database.
//!
//! Rule: what a person typed is checked before it is sent, and every byte that comes back is taken
//! for hostile: an unreadable answer is a refusal in words, never a guess and never a panic.
//!
//! Danger: servers echo what they were sent, and put tokens where nobody looks for one. A refusal's
//! words go to pages, tables and logs, so only parts that are meant for people are quoted, by
//! [`crate::outbound::quote`]; a token is refused unless it can stand in a header without ending it.
//!
//! The crate `oauth2` makes the requests. Its types refuse many answers of real servers, so the HTTP client that it is
//! given (`exchange`) reads every answer first. Request token has styles of its own, which are no OAuth.

mod answer;
mod authorize;
mod basic;
mod body;
mod callback_params;
mod client;
mod client_check;
mod details;
mod discovery;
mod document;
mod error_code;
mod exchange;
mod expiry;
mod grant;
mod inquiry;
mod location;
mod markup;
mod parameters;
mod question;
mod refusal;
mod remedy;
mod request;
mod resource;
mod retry;
mod revocation;
mod round_trip;
mod scope;
mod search;
mod signals;
mod style;
#[cfg(test)]
mod tests;
mod token;
mod well_known;
mod words;

pub use authorize::{AuthorizeRequest, ResponseType};
pub use body::BodyFormat;
pub use callback_params::{CallbackParams, Granted};
pub use client::{Client, ClientAuthentication};
pub use client_check::ClientCheck;
pub use discovery::{Metadata, discover};
pub use error_code::ErrorCode;
pub use expiry::jwt_expiry;
pub use grant::{Grant, TokenEndpoint};
pub use location::{JsonPointer, PointerProblem, TokenLocation};
pub use parameters::{ParameterProblem, Parameters};
pub use refusal::{Refusal, RefusalLayer};
pub use request::{RequestField, RequestProblem, TokenRequest, request_token};
pub use resource::{ResourceProblem, parse_resources};
pub use retry::wait_in;
pub use revocation::{TokenHint, revoke};
pub use round_trip::{
    AuthorizationRequest, CallbackError, CallbackFailure, NewAuthorizationRequest, Purpose, RequestSecrets,
    purge_requests, store_request, take_request,
};
pub use scope::ScopeSeparator;
pub use signals::{ExpiredBody, ExpiredSignals, ExpiredStatuses, SignalProblem};
pub use style::RequestStyle;
pub use token::{ExpirySource, Token};
