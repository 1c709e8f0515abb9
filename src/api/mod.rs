//! The API for other programs, under `/api/v1/`: calling endpoints, the proxy, reading tokens, records of collections,
//! and listing what there is.
//!
//! Rules: a request is authenticated by an API key and by nothing else: no cookie, no session. Every operation is in
//! [`operations`], from which routes and description are made alike. A response of the called API is passed through;
//! a response of Connectory's own is a problem document. The header `Connectory-Answer` says which of the two it is.
//!
//! Danger: a call without an entry in the call log. A [`crate::calls::CallRecord`] writes its entry when it is dropped,
//! whatever happened.

mod call_values;
mod calls;
mod collections;
mod connectors;
mod forwarded_headers;
mod gather;
mod keys;
mod openapi;
mod operations;
mod problem;
mod record_query;
mod records;
mod request;
mod serve;
mod token;

pub use forwarded_headers::Pseudonym;
pub use keys::UnknownKeys;
pub use openapi::show as description;
pub use operations::routes;
pub use serve::{Api, Meters, is_for_programs, scope};
