//! The interface for other programs, under `/api/v1/`: calling endpoints, the proxy, reading tokens, and finding out
//! what there is.
//!
//! Rules: who calls shows an API key, and nothing else counts: no cookie, no session. Every operation stands in
//! [`operations`], from which routes and description are made alike. What the API answers is handed on; what Connectory
//! answers itself is a problem document, and the header `Connectory-Answer` tells which of the two it is.
//!
//! Danger: an answer without a line in the call log. A [`record::Record`] writes its line when it is dropped, whatever
//! happened.

mod answer;
mod ask;
mod call;
mod connectors;
mod headers;
mod meters;
mod method_override;
mod openapi;
mod operations;
mod page;
mod paths;
mod problem;
mod proxy;
mod record;
mod schema;
mod serve;
mod token;
mod types;
mod unknown_keys;
mod upload;

pub use operations::routes;
pub use page::show as description;
pub use serve::{Api, Meters, Pseudonym, UnknownKeys, is_for_programs, serve};
