//! Telling people of what happens to connectors: when, whom, once; by e-mail and by webhook; and what is shown of it.

mod commands;
mod email;
mod events;
mod pages;
mod processes;
mod reminders;
mod webhook;

use chrono::TimeDelta;
use connectory::config::{NoticeSettings, WebhookSettings};
use connectory::notices::{Channels, Courier};
use connectory::outbound::{Outbound, Policy};
use connectory::web::PublicAddress;
use serde_json::Value;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::upstream::{Reply, Seen, Upstream};

const KEY: &[u8] = b"a-key-of-twenty-four-bytes";

/// Nobody is told by any way.
fn nothing() -> NoticeSettings {
    NoticeSettings { email: None, webhook: None, quiet_minutes: 60, days: 90 }
}

fn webhook_to(url: &str) -> NoticeSettings {
    NoticeSettings { webhook: Some(WebhookSettings { url: url.into(), keys: vec![KEY.to_vec()] }), ..nothing() }
}

fn channels(settings: &NoticeSettings) -> Channels {
    Channels::new(settings).expect("good settings")
}

async fn site(settings: &NoticeSettings) -> TestApp {
    let channels = channels(settings);
    TestApp::start_with(|site| site.channels = channels).await
}

/// A site whose notices go to a receiver that answers 200.
async fn told_by_webhook() -> (TestApp, Upstream) {
    told_by_webhook_with(|_| {}).await
}

async fn told_by_webhook_with(change: impl FnOnce(&mut NoticeSettings)) -> (TestApp, Upstream) {
    let receiver = Upstream::start(|_| Reply::of(200, &[], "")).await;
    let mut settings = webhook_to(&receiver.url("/in"));
    change(&mut settings);
    (site(&settings).await, receiver)
}

/// What one more instance of the program on the site's database sends notices with.
fn another_courier(app: &TestApp, settings: &NoticeSettings) -> Courier {
    let policy = Policy { allow_loopback: true, ..Policy::default() };
    Courier::new(
        app.db.clone(),
        Outbound::new(policy).expect("a runtime"),
        app.clock.clone(),
        PublicAddress::new(&app.public_url),
        channels(settings),
    )
}

/// Does once what the program does every few seconds.
async fn round(app: &TestApp) {
    app.courier.round().await.expect("a round");
}

/// Lets time pass, then a round.
async fn after(app: &TestApp, time: TimeDelta) {
    app.advance(time);
    round(app).await;
}

/// The connector gets this health now.
async fn set_health(app: &TestApp, id: Uuid, health: &str) {
    let now = app.clock.now().to_rfc3339();
    app.sql(&format!("UPDATE connectors SET status = '{health}', status_since = '{now}' WHERE id = '{id}'")).await;
}

/// Type and connector of what has arrived, in order.
fn told(receiver: &Upstream) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = receiver.seen();
    let bodies = all.iter().map(body);
    bodies
        .map(|body| {
            let kind = text(&body["type"]).replace("connector.", "");
            (kind, text(&body["data"]["connector"]["name"]))
        })
        .collect()
}

fn kinds(receiver: &Upstream) -> Vec<String> {
    told(receiver).into_iter().map(|(kind, _)| kind).collect()
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).expect("JSON")
}
