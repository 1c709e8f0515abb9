//! Asking other servers for tokens (OAuth 2.0, and the many servers that only resemble it).
//!
//! Values in, a [`Token`] or a [`TokenError`] out, and the current time is passed in. Only `round_trip`, which sends a browser to
//! an authorization server and back, knows the database.
//!
//! Rule: what a person typed is checked before it is sent, and every byte that comes back is taken
//! for hostile: an unreadable response is an error with a message, never a guess and never a panic.
//!
//! Danger: servers echo what they were sent, and put tokens in unexpected places. The texts
//! of an error go to pages, tables and logs, so only parts that are meant for people are quoted, by
//! [`crate::outbound::quote`]; a token is refused unless it fits into a header without ending it.
//!
//! The crate `oauth2` makes the requests. Its types refuse many responses of real servers, so the HTTP client that it is
//! given (`http_client`) reads every answer first. Request token has styles of its own, which are no OAuth.

mod api_words;
mod assertion;
mod authorization_url;
mod callback_error;
mod callback_params;
mod client;
mod device;
mod discovery;
mod error;
mod error_message;
mod expiry;
mod find_token;
mod http_client;
mod kept;
mod login_request;
mod parameters;
mod refusal;
mod remedy;
mod response;
mod response_document;
mod round_trip;
mod session;
mod signals;
mod styled_request;
#[cfg(test)]
mod tests;
mod token;
mod token_endpoint;
mod token_location;

pub use api_words::words_of_api;
pub use assertion::{
    AssertionAudience, AssertionMaker, AssertionSettings, BearerAssertion, JWT_BEARER_GRANT, LONGEST_ASSERTION,
    SigningAlgorithm, own_claims,
};
pub use authorization_url::{AuthorizationUrl, ResponseType};
pub use callback_error::{CallbackError, CallbackFailure};
pub use callback_params::{CallbackParams, Granted, known_parameters};
pub use client::{BodyFormat, Client, ClientAuthentication, ClientNames, ExtraSecrets};
pub use device::{DEVICE_GRANT, DeviceCodes, DeviceTexts};
pub use discovery::{DiscoveryError, Metadata, discover};
pub use error::{ErrorCode, TokenError};
pub use expiry::jwt_expiry;
pub use kept::{KeptNames, KeptProblem, KeptValues};
pub use login_request::LoginRequest;
pub use parameters::{
    ParameterProblem, Parameters, RefreshScope, ResourceProblem, ScopeSeparator, is_own_parameter, parse_resources,
};
pub use round_trip::{
    AuthorizationRequest, EarlierOutcome, NewAuthorizationRequest, Purpose, RequestSecrets, connector_of_response,
    earlier_outcome, note_outcome, purge_requests, store_request, take_request,
};
pub use session::COOKIE;
pub use signals::{ExpiredBody, ExpiredSignals, ExpiredStatuses, SignalProblem};
pub use styled_request::{RequestField, RequestProblem, RequestStyle, TokenRequest, request_token};
pub use token::{ExpirySource, Token, is_bound_to_key};
pub use token_endpoint::{ClientCheck, Grant, TokenEndpoint, TokenHint, revoke};
pub use token_location::{JsonPointer, PointerProblem, TokenLocation, TokenToSend};
