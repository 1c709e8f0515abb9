//! Signed webhooks, as a receiver sees them.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;

/// What a receiver of this key computes.
fn signature(key: &[u8], seen: &Seen) -> String {
    let header = |name| seen.header(name).expect("a header");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&seen.body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

async fn in_trouble(app: &TestApp, name: &str) -> Uuid {
    let id = app.connector(name).await;
    set_health(app, id, "needs_reauthorization").await;
    id
}

#[tokio::test]
async fn the_receiver_can_check_it_with_either_secret() {
    let new_key = b"another-key-of-24-bytes-..".to_vec();
    let second = new_key.clone();
    let (app, receiver) = told_by_webhook_with(|settings| {
        let webhook = settings.webhook.as_mut().expect("a webhook");
        webhook.keys.push(second);
    })
    .await;
    in_trouble(&app, "Zürich - Löhne 給与").await;
    round(&app).await;
    let seen = receiver.only();
    assert_eq!((seen.method.as_str(), seen.path()), ("POST", "/in"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let given = seen.header("webhook-signature").expect("a signature");
    let wanted = [signature(KEY, &seen), signature(&new_key, &seen)].join(" ");
    assert_eq!(given, wanted);
    let id = seen.header("webhook-id").expect("an id");
    assert!(id.starts_with("msg_") && !id.contains('.'), "{id}");
    let timestamp: i64 = seen.header("webhook-timestamp").expect("a time").parse().expect("seconds");
    assert!((app.clock.now().timestamp() - timestamp).abs() < 60);
    assert_eq!(body(&seen)["data"]["connector"]["name"], "Zürich - Löhne 給与");
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_the_same_message_later() {
    let receiver = Upstream::start(|seen| match seen.number {
        0 => Reply::of(500, &[], "oops"),
        1 => Reply::of(503, &[("Retry-After", "1800")], ""),
        _ => Reply::of(204, &[], ""),
    })
    .await;
    let app = site(&webhook_to(&receiver.url("/in"))).await;
    in_trouble(&app, "Payroll").await;
    round(&app).await;
    round(&app).await;
    assert_eq!(receiver.seen().len(), 1, "not at once");
    after(&app, TimeDelta::seconds(6)).await;
    assert_eq!(receiver.seen().len(), 2);
    after(&app, TimeDelta::minutes(20)).await;
    assert_eq!(receiver.seen().len(), 2, "it asked for half an hour");
    after(&app, TimeDelta::minutes(15)).await;
    after(&app, TimeDelta::hours(5)).await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 3);
    let ids: HashSet<_> = seen.iter().map(|seen| seen.header("webhook-id")).collect();
    let times: HashSet<_> = seen.iter().map(|seen| seen.header("webhook-timestamp")).collect();
    assert_eq!((ids.len(), times.len()), (1, 3), "one message, signed anew");
    let bodies: HashSet<_> = seen.iter().map(|seen| &seen.body).collect();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn after_ten_attempts_over_three_days_it_is_given_up() {
    let receiver = Upstream::start(|_| Reply::of(302, &[("Location", "/elsewhere")], "")).await;
    let app = site(&webhook_to(&receiver.url("/in"))).await;
    in_trouble(&app, "Payroll").await;
    let began = app.clock.now();
    round(&app).await;
    while receiver.seen().len() < 10 {
        after(&app, TimeDelta::minutes(30)).await;
        assert!(app.clock.now() - began < TimeDelta::days(6));
    }
    assert!(app.clock.now() - began > TimeDelta::days(3));
    after(&app, TimeDelta::days(30)).await;
    assert_eq!(receiver.seen().len(), 10);
    assert!(receiver.seen().iter().all(|seen| seen.path() == "/in"), "redirects are not followed");
    let row = app.rows("SELECT state, attempts, problem FROM notice_deliveries").await.remove(0);
    assert_eq!(row, ["given_up", "10", "The receiver answered 302 Found."]);
}

#[tokio::test]
async fn one_that_is_gone_gets_nothing_more_until_it_is_another_or_a_test_arrives() {
    let receiver = Upstream::start(|seen| match seen.number {
        0 => Reply::of(410, &[], ""),
        _ => Reply::of(200, &[], ""),
    })
    .await;
    let app = site(&webhook_to(&receiver.url("/in"))).await;
    in_trouble(&app, "One").await;
    in_trouble(&app, "Two").await;
    round(&app).await;
    in_trouble(&app, "Three").await;
    after(&app, TimeDelta::days(1)).await;
    assert_eq!(receiver.seen().len(), 1);
    let states = app.rows("SELECT state, problem FROM notice_deliveries").await;
    let given_up = ["given_up", "The receiver answered 410 Gone. It wants no more notices."];
    assert_eq!(states, [given_up, given_up]);

    let elsewhere = another_courier(&app, &webhook_to(&receiver.url("/other")));
    elsewhere.round().await.expect("a round");
    assert_eq!(told(&receiver).pop(), Some(("needs_reauthorization".into(), "Three".into())));
    assert_eq!(receiver.last().path(), "/other");

    let tested = app.courier.test().await.expect("a test");
    assert!(tested[0].outcome.is_ok());
    in_trouble(&app, "Four").await;
    round(&app).await;
    assert_eq!(told(&receiver).pop(), Some(("needs_reauthorization".into(), "Four".into())));
    assert_eq!(receiver.last().path(), "/in");
}

#[tokio::test]
async fn it_goes_where_connectors_may_go_and_nowhere_else() {
    let receiver = Upstream::start(|_| Reply::of(200, &[], "")).await;
    let settings = webhook_to(&receiver.url("/in"));
    let ways = channels(&settings);
    let app = TestApp::start_with(|site| {
        site.channels = ways;
        site.outbound = Outbound::new(Policy::default()).expect("a runtime");
    })
    .await;
    in_trouble(&app, "Payroll").await;
    round(&app).await;
    assert!(receiver.seen().is_empty());
    let problem = app.value("SELECT problem FROM notice_deliveries").await;
    assert!(problem.contains("loopback"), "{problem}");
}

#[tokio::test]
async fn one_receiver_that_says_nothing_is_waited_for_and_marked() {
    let receiver = Upstream::start(|seen| match seen.number {
        0 => Reply::raw(*b"not HTTP\r\n\r\n").closing(),
        _ => Reply::of(200, &[], ""),
    })
    .await;
    let app = site(&webhook_to(&receiver.url("/in"))).await;
    in_trouble(&app, "One").await;
    in_trouble(&app, "Two").await;
    round(&app).await;
    assert_eq!(receiver.seen().len(), 1, "the others wait for the next round");
    round(&app).await;
    assert_eq!(receiver.seen().len(), 2);
    after(&app, TimeDelta::seconds(10)).await;
    assert_eq!(receiver.seen().len(), 3);
    assert_eq!(app.count("SELECT count(*) FROM notice_deliveries WHERE state = 'sent'").await, 2);
}
