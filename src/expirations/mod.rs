//! Everything that ends: tokens that are not renewed by themselves, refresh tokens, secrets with a date that a person has
//! entered, client certificates, and API keys. A list, and a calendar file.
//!
//! Rule: people see what ends of the data connectors that they see, their own API keys, and those of others with Manage
//! Users. An access token that is renewed by itself is left out: its end is no event.

mod calendar;
mod model;
mod pages;
mod queries;

pub use model::Kind;
pub use pages::{calendar, list};
pub use queries::all_ends;
