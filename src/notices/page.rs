//! The page for super admins: the channels, and the events with their messages.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::channels::{Channels, Set, Tested};
use super::courier::Courier;
use super::model::{DeliveryRow, EventRow, State, Target};
use super::queries::{self, SHOWN};
use crate::access::{RateLimit, RequestContext};
use crate::audit::{Change, Changes};
use crate::clock::Clock;
use crate::connectors::Health;
use crate::outbound::Outbound;
use crate::web::{Error, FormData, Layout, PublicAddress, counted, page, plural, relative};

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
    /// What has just come of a test.
    tested: Vec<Tested>,
}

impl NoticesPage {
    fn all_sent(&self) -> bool {
        self.tested.iter().all(|one| one.outcome.is_ok())
    }

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
    notices_page(context, &channels, Vec::new()).await
}

/// Sends a test notice through every channel, and shows what has come of it.
pub async fn test(
    context: RequestContext,
    channels: Data<Channels>,
    outbound: Data<Outbound>,
    (clock, rate_limit): (Data<Clock>, Data<RateLimit>),
    _: FormData,
) -> Result<HttpResponse, Error> {
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let address = PublicAddress::clone(&context.address);
    let courier = Courier::new(
        context.db(),
        Outbound::clone(&outbound),
        Clock::clone(&clock),
        address,
        Channels::clone(&channels),
    );
    let tested = courier.test().await?;
    let outcome = |one: &Tested| match &one.outcome {
        Ok(()) => "Sent".to_string(),
        Err(reason) => format!("Not sent. {reason}"),
    };
    let changes = tested.iter().fold(Changes::none(), |changes, one| changes.field(&one.target, "", outcome(one)));
    let mut conn = context.conn().await?;
    Change::new(&mut conn, &context).record("notices.tested", None, "Notices", changes).await?;
    drop(conn);
    notices_page(context, &channels, tested).await
}

async fn notices_page(
    context: RequestContext,
    channels: &Channels,
    tested: Vec<Tested>,
) -> Result<HttpResponse, Error> {
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
            tested,
        },
    )
}
