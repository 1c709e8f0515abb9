//! What is to be told, to whom, and what became of it: as stored.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::connectors::{ConnectorId, Health};
use crate::db::{StoredValueError, known};

/// A way by which messages leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Channel {
    Email,
    Webhook,
}

impl Channel {
    pub fn code(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Webhook => "webhook",
        }
    }
}

/// Somebody who is told: a mailbox, or the receiver of the webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub channel: Channel,
    /// The address of the mailbox; empty for the webhook, of which there is one.
    pub recipient: String,
}

/// What a message says of its event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Occasion {
    Began,
    Ended,
}

impl Occasion {
    pub fn parse(code: &str) -> Option<Occasion> {
        match code {
            "began" => Some(Occasion::Began),
            "ended" => Some(Occasion::Ended),
            _ => None,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Occasion::Began => "began",
            Occasion::Ended => "ended",
        }
    }
}

/// A message whose time has come, with all that it tells.
#[derive(QueryableByName)]
pub(super) struct Due {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    #[diesel(sql_type = Text)]
    occasion: String,
    #[diesel(sql_type = Text)]
    pub recipient: String,
    /// When that began which it tells of.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    /// This attempt included.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Text)]
    health: String,
    #[diesel(sql_type = Timestamptz)]
    pub began_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    pub message: String,
    #[diesel(sql_type = Text)]
    pub remedy: String,
    #[diesel(sql_type = SqlUuid)]
    pub connector_id: ConnectorId,
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub label: String,
}

impl Due {
    pub fn occasion(&self) -> Result<Occasion, StoredValueError> {
        known("notice_deliveries.occasion", self.id, Occasion::parse(&self.occasion))
    }

    /// The health that the event is a spell of.
    pub fn health(&self) -> Result<Health, StoredValueError> {
        known("notice_events.health", self.event_id, Health::parse(&self.health))
    }
}

/// An event as the page shows it.
#[derive(Queryable)]
pub(super) struct EventRow {
    pub id: Uuid,
    health: String,
    pub began_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub message: String,
    pub key: String,
    pub label: String,
    /// The connector is not in the trash.
    pub is_live: bool,
}

impl EventRow {
    /// `None` for one that cannot be read, which the log tells.
    pub fn health(&self) -> Option<Health> {
        let health = known("notice_events.health", self.id, Health::parse(&self.health));
        health.inspect_err(StoredValueError::log).ok()
    }
}

/// What became of a message.
#[derive(Queryable)]
pub(super) struct DeliveryRow {
    pub event_id: Uuid,
    occasion: String,
    channel: String,
    recipient: String,
    state: String,
    pub due_at: DateTime<Utc>,
    pub attempts: i32,
    pub problem: String,
    pub sent_at: Option<DateTime<Utc>>,
}

impl DeliveryRow {
    /// “E-mail to ana@example.org”, “Webhook”; a recovery says so.
    pub fn what(&self) -> String {
        let way = match self.channel.as_str() {
            "email" => format!("E-mail to {}", self.recipient),
            "webhook" => "Webhook".into(),
            _ => "Unreadable".into(),
        };
        match Occasion::parse(&self.occasion) {
            Some(Occasion::Began) => way,
            Some(Occasion::Ended) => format!("{way}, that it works again"),
            None => format!("{way}, unreadable"),
        }
    }

    pub fn state(&self) -> State<'_> {
        match (self.state.as_str(), &self.sent_at) {
            ("sent", Some(at)) => State::Sent(at),
            ("over", _) => State::Over,
            ("given_up", _) => State::GivenUp,
            _ if self.attempts > 0 => State::Trying,
            _ => State::Waiting,
        }
    }

    /// Whether it is for this target.
    pub fn is_for(&self, target: &Target) -> bool {
        self.channel == target.channel.code() && self.recipient == target.recipient
    }
}

/// How far a message has got.
pub(super) enum State<'a> {
    Sent(&'a DateTime<Utc>),
    /// Its time has not come.
    Waiting,
    /// It was tried, and will be again.
    Trying,
    /// The event was over before anybody was told.
    Over,
    GivenUp,
}
