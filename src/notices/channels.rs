//! The channels of messages, as the administrator has configured them.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::email::Mailer;
use super::message::Message;
use super::model::{Channel, Target};
use super::webhook::Webhook;
use crate::config::NoticeSettings;
use crate::outbound::Outbound;

/// The configured channels. Clones share them.
#[derive(Clone)]
pub struct Channels(pub(super) Arc<Set>);

pub(super) struct Set {
    pub email: Option<Mailer>,
    pub webhook: Option<Webhook>,
    /// After a notice, how long a connector causes no other about the same health.
    pub quiet: TimeDelta,
    /// How long events are kept after their end.
    pub kept: TimeDelta,
}

impl Channels {
    /// The channels of the settings; a fault names the setting.
    pub fn new(settings: &NoticeSettings) -> anyhow::Result<Channels> {
        let (email, webhook) = (settings.email.as_ref(), settings.webhook.as_ref());
        Ok(Channels(Arc::new(Set {
            email: email.map(Mailer::new).transpose()?,
            webhook: webhook.map(Webhook::new).transpose()?,
            quiet: TimeDelta::minutes(settings.quiet_minutes.into()),
            kept: TimeDelta::days(settings.days.into()),
        })))
    }

    /// No channel at all.
    pub fn none() -> Channels {
        Channels(Arc::new(Set { email: None, webhook: None, quiet: TimeDelta::hours(1), kept: TimeDelta::days(90) }))
    }
}

impl Set {
    /// All recipients.
    pub(super) fn targets(&self) -> Vec<Target> {
        let mailboxes = self.email.iter().flat_map(Mailer::recipients);
        let mailboxes = mailboxes.map(|recipient| Target { channel: Channel::Email, recipient });
        let webhook = self.webhook.iter().map(|_| Target { channel: Channel::Webhook, recipient: String::new() });
        mailboxes.chain(webhook).collect()
    }

    /// Sends a message to a target, once.
    pub(super) async fn send(
        &self,
        outbound: &Outbound,
        message: &Message,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<(), Undelivered> {
        match (target.channel, &self.email, &self.webhook) {
            (Channel::Email, Some(mailer), _) => mailer.send(message, &target.recipient, now).await,
            (Channel::Webhook, _, Some(webhook)) => webhook.send(outbound, message, now).await,
            _ => Err(Undelivered::unreachable("This channel is no longer set up.")),
        }
    }

    /// The name of a target for the command line and the log.
    pub(super) fn name(&self, target: &Target) -> String {
        match (target.channel, &self.webhook) {
            (Channel::Email, _) => format!("e-mail to {}", target.recipient),
            (Channel::Webhook, Some(webhook)) => format!("webhook to {}", webhook.origin()),
            (Channel::Webhook, None) => "webhook".into(),
        }
    }
}

/// Why a message was not delivered.
#[derive(Debug)]
pub(super) struct Undelivered {
    /// A sentence without secrets.
    pub reason: String,
    /// What the receiver asks to wait.
    pub retry_after: Option<Duration>,
    /// The receiver answered 410 Gone: it wants no more messages.
    pub is_gone: bool,
    /// Other messages would fail too at the moment.
    pub is_down: bool,
}

impl Undelivered {
    /// The receiver refused this message.
    pub fn refused(reason: impl Into<String>) -> Undelivered {
        Undelivered { reason: reason.into(), retry_after: None, is_gone: false, is_down: false }
    }

    /// The receiver cannot be reached.
    pub fn unreachable(reason: impl Into<String>) -> Undelivered {
        Undelivered { is_down: true, ..Undelivered::refused(reason) }
    }
}

/// The result of a test notice.
pub struct Tested {
    /// Channel and recipient.
    pub target: String,
    pub outcome: Result<(), String>,
}
