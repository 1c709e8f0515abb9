//! Events and messages as they are stored.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::connectors::{ConnectorId, Health};
use crate::db::schema::{connectors, notice_deliveries, notice_events};
use crate::db::{Stored, StoredValueError, text_enum};
use crate::expirations::Kind;

text_enum! {
    /// How messages are sent.
    pub(super) enum Channel {
        Email = "email", "E-mail";
        Webhook = "webhook", "Webhook";
    }
}

/// Who gets messages: a mailbox, or the receiver of the webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub channel: Channel,
    /// The address of the mailbox; empty for the webhook, of which there is one.
    pub recipient: String,
}

text_enum! {
    /// What a message reports of its event; the label follows the name of its target.
    pub(super) enum Occasion {
        Began = "began", "";
        Ended = "ended", ", that it works again";
    }
}

/// A message that is due, with its event.
#[derive(QueryableByName)]
pub(super) struct Due {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    #[diesel(sql_type = Text)]
    occasion: Stored<Occasion>,
    #[diesel(sql_type = Text)]
    pub recipient: String,
    /// When the reported health began.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    /// This attempt included.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Text)]
    health: Stored<Health>,
    #[diesel(sql_type = Timestamptz)]
    pub began_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    pub message: String,
    #[diesel(sql_type = Text)]
    pub remedy: String,
    /// The kind of what ends, and how many days ahead, of a reminder.
    #[diesel(sql_type = Nullable<Text>)]
    reminder: Option<Stored<Kind>>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub days: Option<i32>,
    /// None of the API key of a program or a person.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub connector_id: Option<ConnectorId>,
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub label: String,
    /// The connector's owner and contact; empty for none.
    #[diesel(sql_type = Text)]
    pub owner: String,
    #[diesel(sql_type = Text)]
    pub contact: String,
}

impl Due {
    /// What ends, of a reminder.
    pub fn reminder(&self) -> Result<Option<Kind>, StoredValueError> {
        self.reminder.as_ref().map(|kind| kind.known("notice_events.reminder", self.event_id)).transpose()
    }

    pub fn occasion(&self) -> Result<Occasion, StoredValueError> {
        self.occasion.known("notice_deliveries.occasion", self.id)
    }

    /// The health that the event reports.
    pub fn health(&self) -> Result<Health, StoredValueError> {
        self.health.known("notice_events.health", self.event_id)
    }
}

/// “within 7 days”, “within a day”
pub(super) fn within(days: i32) -> String {
    if days == 1 { "within a day".into() } else { format!("within {days} days") }
}

/// An event as the page shows it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = notice_events)]
pub(super) struct EventRow {
    pub id: Uuid,
    health: Stored<Health>,
    pub began_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub message: String,
    reminder: Option<String>,
    pub days: Option<i32>,
    title: String,
    /// Key and label of the connector, and whether it is not in the trash; none of an API key.
    #[diesel(select_expression = (connectors::key, connectors::label, connectors::deleted_at.is_null()).nullable())]
    connector: Option<(String, String, bool)>,
}

impl EventRow {
    /// What the event is about.
    pub fn label(&self) -> &str {
        self.connector.as_ref().map_or(&self.title, |(_, label, _)| label)
    }

    /// The page on which something can be done about it.
    pub fn href(&self) -> Option<String> {
        match &self.connector {
            Some((key, _, is_live)) => is_live.then(|| format!("/connectors/{key}/authorization")),
            None => Some("/expirations".into()),
        }
    }

    /// “Refresh token ends within 7 days”, of a reminder.
    pub fn reminder(&self) -> Option<String> {
        let kind = Kind::parse(self.reminder.as_deref()?).map_or("Unreadable", Kind::label);
        Some(format!("{kind} ends {}", within(self.days.unwrap_or_default())))
    }

    /// `None` for one that cannot be read, which is logged.
    pub fn health(&self) -> Option<Health> {
        self.health.known("notice_events.health", self.id).inspect_err(StoredValueError::log).ok()
    }
}

/// A message as the page shows it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = notice_deliveries)]
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
        let channel = match Channel::parse(&self.channel) {
            Some(Channel::Email) => format!("E-mail to {}", self.recipient),
            Some(channel) => channel.label().into(),
            None => "Unreadable".into(),
        };
        format!("{channel}{}", Occasion::parse(&self.occasion).map_or(", unreadable", Occasion::label))
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

/// The state of a message.
pub(super) enum State<'a> {
    Sent(&'a DateTime<Utc>),
    /// It is not due yet.
    Waiting,
    /// It was tried, and will be again.
    Trying,
    /// The event ended before the message was sent.
    Over,
    GivenUp,
}
