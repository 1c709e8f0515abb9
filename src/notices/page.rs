//! The page for super admins: the channels, and the events with their messages.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::channels::{Channels, Set};
use super::model::{DeliveryRow, EventRow, State, Target};
use super::queries::{self, SHOWN};
use crate::access::RequestContext;
use crate::connectors::Health;
use crate::web::{Error, Layout, counted, page, plural, relative};

#[derive(Template)]
#[template(path = "notices/list.html")]
struct NoticesPage {
    layout: Layout,
    channels: Arc<Set>,
    targets: Vec<Target>,
    /// When the webhook's receiver answered 410 Gone.
    stopped: Option<DateTime<Utc>>,
    events: Vec<EventRow>,
    deliveries: HashMap<Uuid, Vec<DeliveryRow>>,
    now: DateTime<Utc>,
}

impl NoticesPage {
    fn none_is_set(&self) -> bool {
        self.targets.is_empty()
    }

    fn recipients(&self) -> String {
        let all: Vec<String> = self.channels.email.iter().flat_map(|mailer| mailer.recipients()).collect();
        all.join(", ")
    }

    fn secrets(&self) -> String {
        let keys = self.channels.webhook.as_ref().map_or(0, |webhook| webhook.keys());
        counted(keys, "secret", "secrets")
    }

    fn quiet(&self) -> String {
        plural(self.channels.quiet.num_minutes(), "minute", "minutes")
    }

    fn kept(&self) -> String {
        plural(self.channels.kept.num_days(), "day", "days")
    }

    fn count(&self) -> String {
        match i64::try_from(self.events.len()) {
            Ok(number) if number < SHOWN => plural(number, "event", "events"),
            _ => format!("The newest {SHOWN} events"),
        }
    }

    fn deliveries_of(&self, event: &EventRow) -> &[DeliveryRow] {
        self.deliveries.get(&event.id).map_or(&[], Vec::as_slice)
    }

    /// Whether its recipient is no longer configured.
    fn is_removed(&self, delivery: &DeliveryRow) -> bool {
        !self.targets.iter().any(|target| delivery.is_for(target))
    }

    /// “in 5 minutes”, or that it is about to be.
    fn next(&self, delivery: &DeliveryRow) -> String {
        if delivery.due_at > self.now { relative(&delivery.due_at, &self.now) } else { "in a moment".into() }
    }

    fn tries(&self, delivery: &DeliveryRow) -> String {
        plural(delivery.attempts.into(), "attempt", "attempts")
    }
}

pub async fn show(context: RequestContext, channels: Data<Channels>) -> Result<HttpResponse, Error> {
    let channels = Arc::clone(&channels.0);
    let mut conn = context.conn().await?;
    let (events, rows) = queries::recent(&mut conn).await?;
    let stopped = queries::stopped(&mut conn, &channels).await?;
    let mut deliveries: HashMap<Uuid, Vec<DeliveryRow>> = HashMap::new();
    for row in rows {
        deliveries.entry(row.event_id).or_default().push(row);
    }
    page(
        StatusCode::OK,
        &NoticesPage {
            now: context.now(),
            layout: context.layout,
            targets: channels.targets(),
            channels,
            stopped,
            events,
            deliveries,
        },
    )
}
