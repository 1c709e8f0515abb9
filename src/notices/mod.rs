//! Notices: e-mails and signed webhooks that say, once for each event, that a connector will expire, fails or needs to be
//! authorized again, and that it works again; and the page of the events and deliveries.
//!
//! An event is a time during which a connector had a health ([`crate::connectors::Health`]), known by connector, health
//! and beginning. Background work compares the stored health with the events. What is to be sent is a row
//! ([`model::Due`]) that is leased, sent and marked: at least once, with the same id at each attempt.
//!
//! Danger: these messages leave Connectory. Nothing that another server has sent is in them, so that no server can write
//! to the people who trust them.

mod channels;
mod courier;
mod email;
mod message;
mod model;
mod page;
mod queries;
mod reminders;
mod schedule;
mod webhook;

pub use channels::{Channels, Tested};
pub use courier::Courier;
pub use page::{show, test};
