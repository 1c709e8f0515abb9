//! Reminders of what ends: when, once, and what they say; and the test notice that the page sends.

use connectory::access::Permission;
use connectory::connectors::Method;

use super::*;

/// Lets the typed secrets of a connector end in so many days.
async fn secrets_end_in(app: &TestApp, id: Uuid, days: i64) {
    let day = (app.clock.now() + TimeDelta::days(days)).format("%Y-%m-%d");
    app.sql(&format!("UPDATE authorizations SET secrets_end_on = '{day}' WHERE connector_id = '{id}'")).await;
}

/// The days ahead of every reminder that has arrived.
fn days(receiver: &Upstream) -> Vec<i64> {
    let all = receiver.seen();
    all.iter()
        .map(body)
        .filter(|body| body["type"] == "expiration.reminder")
        .filter_map(|body| body["data"]["days"].as_i64())
        .collect()
}

#[tokio::test]
async fn what_ends_is_reported_thirty_days_seven_days_and_one_day_ahead_each_once() {
    let (app, receiver) = told_by_webhook().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Basic).await;
    app.sql("UPDATE connectors SET contact = 'accounting@example.org'").await;
    secrets_end_in(&app, id, 40).await;
    round(&app).await;
    assert!(receiver.seen().is_empty(), "that is far away");
    let other = another_courier(&app, &webhook_to(&receiver.url("/in")));
    let mut told = Vec::new();
    for _ in 0..45 {
        app.advance(TimeDelta::days(1));
        let (one, two) = tokio::join!(app.courier.round(), other.round());
        one.and(two).expect("rounds");
        told = days(&receiver);
    }
    assert_eq!(told, [30, 7, 1]);
    let first = body(&receiver.seen()[0]);
    let data = &first["data"];
    assert_eq!((data["what"].as_str(), data["name"].as_str()), (Some("secrets"), Some("Payroll")));
    assert_eq!(data["contact"], "accounting@example.org");
    assert_eq!(data["connector"]["key"], "payroll");
    let ended = app.count("SELECT count(*) FROM notice_events WHERE ended_at IS NOT NULL").await;
    assert_eq!(ended, 3, "when the end has come they are over");
}

#[tokio::test]
async fn what_ends_soon_already_is_reported_once_and_another_end_again() {
    let (app, receiver) = told_by_webhook().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Basic).await;
    secrets_end_in(&app, id, 5).await;
    round(&app).await;
    assert_eq!(days(&receiver), [7], "and not of the thirty days, too");
    for _ in 0..5 {
        after(&app, TimeDelta::minutes(11)).await;
    }
    assert_eq!(days(&receiver), [7]);
    secrets_end_in(&app, id, 20).await;
    after(&app, TimeDelta::minutes(11)).await;
    assert_eq!(days(&receiver), [7, 30]);
    assert_eq!(app.count("SELECT count(*) FROM notice_events WHERE ended_at IS NULL").await, 1);
}

#[tokio::test]
async fn every_kind_is_reported_but_what_lives_no_longer_than_the_days_ahead() {
    let (app, receiver) = told_by_webhook().await;
    let at = |days: i64| (app.clock.now() + TimeDelta::days(days)).to_rfc3339();
    for (name, obtained) in [("Long", -60), ("Short", -1)] {
        let id = app.connector_with(name, |new| new.method = Method::Bearer).await;
        app.sql(&format!(
            "INSERT INTO tokens (connector_id, access_token, token_type, obtained_at, set_by, expires_at)
             VALUES ('{id}', 'x', 'Bearer', '{}', 'Ana', '{}')",
            at(obtained),
            at(3)
        ))
        .await;
    }
    let program = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by)
         VALUES ('{program}', 'Billing', 'billing', ' billing', now(), 'Ana', now(), 'Ana');
         INSERT INTO api_keys (id, hash, prefix, name, program_id, expires_at, created_at, created_by)
         VALUES (gen_random_uuid(), 'x', 'cty_x', 'Nightly', '{program}', '{}', '{}', '')",
        at(6),
        at(-90)
    ))
    .await;
    round(&app).await;
    let seen = receiver.seen();
    let mut names: Vec<String> =
        seen.iter().map(|seen| body(seen)["data"]["name"].as_str().unwrap_or_default().to_string()).collect();
    names.sort();
    assert_eq!(names, ["Billing: Nightly", "Long"]);
    let page = app.super_admin().await.get("/notices").await.expect(200);
    assert!(page.text().contains("Access token ends within 7 days"), "{}", page.text());
    assert!(page.text().contains("Billing: Nightly"));
}

#[tokio::test]
async fn a_test_notice_can_be_sent_from_the_page_by_a_super_admin() {
    let (app, receiver) = told_by_webhook().await;
    let admin = app.super_admin().await;
    let sent = admin.get("/notices").await.form("/notices/tests").send().await.expect(200);
    assert!(sent.text().contains("The test was sent."), "{}", sent.text());
    assert_eq!(kinds(&receiver), ["connectory.test"]);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'notices.tested'").await, 1);
    let all: Vec<Permission> = Permission::all().collect();
    app.person(&all).await.post("/notices/tests", &[]).await.expect(403);
    let mut status = 200;
    for _ in 0..40 {
        status = admin.post("/notices/tests", &[]).await.status;
        if status == 429 {
            break;
        }
    }
    assert_eq!(status, 429, "not without end");

    let receiver = Upstream::start(|_| Reply::of(500, &[], "")).await;
    let app = site(&webhook_to(&receiver.url("/in"))).await;
    let page = app.super_admin().await.get("/notices").await.form("/notices/tests").send().await.expect(200);
    assert!(page.text().contains("not sent. The receiver answered 500"), "{}", page.text());
}
