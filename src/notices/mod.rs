//! ChangeListener: telling people by e-mail and signed webhooks that a connector will expire, has failed or needs them, once
//! for each event, and that it works again; and the page that says what became of it.
//!
//! An event is one spell of a health ([`crate::connectors::Health`]), known by connector, health and since when.
//! Background work compares the stored health with the events and knows nothing of who changes it. What is to be sent
//! is a row ([`model::Due`]) that is leased, sent and marked: at least once, with the same id at each attempt.
//!
//! Danger: these messages leave Connectory. Nothing of another server's own words is in them, so that no server can
//! write to the people who trust them. Not to be mixed up with [`crate::db::ChangeListener`], which are PostgreSQL's.

mod channels;
mod courier;
mod email;
mod message;
mod model;
mod page;
mod queries;
mod schedule;
mod webhook;

pub use channels::{Channels, Tested};
pub use courier::Courier;
pub use page::show;
