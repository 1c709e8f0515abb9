//! Authorizing on another device (RFC 8628): the page with the code, and the request that waits for the person.
//!
//! There is one request per connector; another press of Authorize takes its place. The codes are sealed in the database,
//! so any instance asks for the token ([`super::keeper`]) and a restart loses nothing.
//!
//! Rule: the page shows codes to people who may authorize the connector. What comes of a request counts for the settings
//! with which it was made.

mod page;
pub(super) mod queries;

pub use page::{cancel, create, show};
pub use queries::purge_device_requests;
