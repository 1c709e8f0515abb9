//! What is told, and when: once for each event, and nothing that is no news.

use super::*;
use crate::support::hostile::{Hostile, answer};
use crate::tokens::{give, oauth_connector, renewed_at};
use connectory::connectors::Grant;

#[tokio::test]
async fn a_connector_that_fails_is_told_of_once_with_the_reason_and_the_way_to_repair_it() {
    let (app, receiver) = told_by_webhook().await;
    let words = r#"{"error":"temporarily_unavailable","error_description":"the server's own words"}"#;
    let server = Hostile::start(answer(503, &[], words)).await;
    renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(2));
    app.run_due_work().await;
    assert_eq!(app.value("SELECT status FROM connectors").await, "failing");
    let since = app.clock.now();
    round(&app).await;
    assert!(receiver.seen().is_empty(), "it may pass");
    after(&app, TimeDelta::seconds(121)).await;
    let body = body(&receiver.only());
    assert_eq!(body["type"], "connector.failing");
    let data = &body["data"];
    assert_eq!(data["health"], "failing");
    assert_eq!(data["connector"]["key"], "payroll");
    let url = format!("{}/connectors/payroll/authorization", app.public_url);
    assert_eq!(data["connector"]["url"], url);
    assert!(data["message"].as_str().is_some_and(|text| text.contains("503")));
    assert!(!body.to_string().contains("own words"), "{body}");
    let told_since: chrono::DateTime<chrono::Utc> = data["since"].as_str().expect("a time").parse().expect("RFC 3339");
    assert!((since - told_since).abs() < TimeDelta::minutes(1));

    let other = another_courier(&app, &webhook_to(&receiver.url("/in")));
    for _ in 0..5 {
        app.advance(TimeDelta::minutes(10));
        app.run_due_work().await;
        let (one, two) = tokio::join!(app.courier.round(), other.round());
        one.and(two).expect("rounds");
    }
    assert_eq!(receiver.seen().len(), 1);
}

#[tokio::test]
async fn a_credential_that_the_api_refuses_is_told_of_and_what_ends_it() {
    use connectory::calls::{Call, Shown};
    use connectory::connectors::ApiOutcome;

    let (app, receiver) = told_by_webhook().await;
    let id = app.connector("Payroll").await;
    let shows = async |outcome| {
        let call = crate::calls::call(app.clock.now(), id);
        app.call_log.record(Call { shown: Some(Shown::only(outcome)), status: Some(401), ..call });
        app.call_log.finish().await;
    };
    shows(ApiOutcome::Refused).await;
    round(&app).await;
    assert!(receiver.seen().is_empty(), "it may pass");
    after(&app, TimeDelta::seconds(121)).await;
    let data = &body(&receiver.only())["data"];
    assert_eq!((&data["health"], &data["message"]), (&"refused".into(), &"The API answered 401 Unauthorized.".into()));
    shows(ApiOutcome::Taken).await;
    round(&app).await;
    assert_eq!(kinds(&receiver), ["refused", "recovered"]);
    assert_eq!(body(&receiver.last())["data"]["was"], "refused");
}

#[tokio::test]
async fn whoever_was_told_hears_that_it_works_again_and_nobody_else() {
    let (app, receiver) = told_by_webhook().await;
    let (one, two) = (app.connector("Told").await, app.connector("Short").await);
    for id in [one, two] {
        set_health(&app, id, "failing").await;
    }
    round(&app).await;
    app.advance(TimeDelta::seconds(100));
    set_health(&app, two, "healthy").await;
    after(&app, TimeDelta::seconds(30)).await;
    assert_eq!(told(&receiver), [("failing".into(), "Told".into())]);
    set_health(&app, one, "healthy").await;
    for _ in 0..3 {
        after(&app, TimeDelta::hours(1)).await;
    }
    assert_eq!(kinds(&receiver), ["failing", "recovered"]);
    let data = &body(&receiver.last())["data"];
    assert_eq!((&data["health"], &data["was"]), (&"healthy".into(), &"failing".into()));
    let states = app.rows("SELECT occasion, state FROM notice_deliveries ORDER BY 1, 2").await;
    let states: Vec<String> = states.iter().map(|row| row.join(" ")).collect();
    assert_eq!(states, ["began over", "began sent", "ended sent"]);
}

#[tokio::test]
async fn a_token_that_nobody_renews_is_told_of_before_it_ends_and_when_it_has() {
    let (app, receiver) = told_by_webhook().await;
    let id =
        oauth_connector(&app, Grant::AuthorizationCode, "https://login.example.org/token", "https://api.example.org")
            .await;
    give(&app, id, None).await;
    round(&app).await;
    assert!(receiver.seen().is_empty());
    app.advance(TimeDelta::minutes(55));
    app.run_due_work().await;
    round(&app).await;
    assert_eq!(kinds(&receiver), ["expiring"]);
    let expires = body(&receiver.only())["data"]["expires_at"].clone();
    assert!(expires.is_string(), "{expires}");
    app.advance(TimeDelta::minutes(10));
    app.run_due_work().await;
    round(&app).await;
    assert_eq!(kinds(&receiver), ["expiring", "needs_reauthorization"]);
    give(&app, id, None).await;
    round(&app).await;
    round(&app).await;
    assert_eq!(kinds(&receiver), ["expiring", "needs_reauthorization", "recovered"]);
    assert_eq!(body(&receiver.last())["data"]["was"], "needs_reauthorization");
}

#[tokio::test]
async fn one_that_comes_and_goes_is_told_of_once_an_hour_and_what_lasts_is_told_of() {
    let (app, receiver) = told_by_webhook().await;
    let id = app.connector("Flapping").await;
    for _ in 0..10 {
        set_health(&app, id, "failing").await;
        round(&app).await;
        after(&app, TimeDelta::seconds(150)).await;
        set_health(&app, id, "healthy").await;
        after(&app, TimeDelta::seconds(150)).await;
    }
    assert_eq!(kinds(&receiver), ["failing", "recovered"]);
    set_health(&app, id, "failing").await;
    round(&app).await;
    after(&app, TimeDelta::minutes(5)).await;
    assert_eq!(receiver.seen().len(), 2, "still quiet");
    after(&app, TimeDelta::minutes(10)).await;
    assert_eq!(kinds(&receiver), ["failing", "recovered", "failing"]);
    set_health(&app, id, "needs_reauthorization").await;
    round(&app).await;
    assert_eq!(receiver.seen().len(), 4, "another reason is told at once");
}

#[tokio::test]
async fn a_connector_that_is_switched_off_or_deleted_causes_nothing_more() {
    let (app, receiver) = told_by_webhook().await;
    let (off, gone) = (app.connector("Off").await, app.connector("Gone").await);
    for id in [off, gone] {
        set_health(&app, id, "needs_reauthorization").await;
    }
    round(&app).await;
    assert_eq!(receiver.seen().len(), 2);
    set_health(&app, off, "disabled").await;
    app.sql(&format!("UPDATE connectors SET deleted_at = now(), deleted_by = 'x' WHERE id = '{gone}'")).await;
    after(&app, TimeDelta::hours(1)).await;
    assert_eq!(receiver.seen().len(), 2);
    assert_eq!(app.count("SELECT count(*) FROM notice_events WHERE ended_at IS NULL").await, 0);
    app.sql(&format!("DELETE FROM connectors WHERE id = '{gone}'")).await;
    assert_eq!(app.count("SELECT count(*) FROM notice_events").await, 1);
}

#[tokio::test]
async fn a_way_that_is_set_up_later_is_told_what_is_still_so() {
    let app = site(&nothing()).await;
    let (old, still) = (app.connector("Old").await, app.connector("Still").await);
    for id in [old, still] {
        set_health(&app, id, "needs_reauthorization").await;
    }
    round(&app).await;
    set_health(&app, old, "healthy").await;
    let receiver = Upstream::start(|_| Reply::of(204, &[], "")).await;
    let later = another_courier(&app, &webhook_to(&receiver.url("/in")));
    later.round().await.expect("a round");
    later.round().await.expect("a round");
    assert_eq!(told(&receiver), [("needs_reauthorization".into(), "Still".into())]);
}

#[tokio::test]
async fn old_events_are_forgotten_and_open_ones_are_not() {
    let (app, _receiver) = told_by_webhook_with(|settings| settings.days = 2).await;
    let (old, open) = (app.connector("Old").await, app.connector("Open").await);
    for id in [old, open] {
        set_health(&app, id, "needs_reauthorization").await;
    }
    round(&app).await;
    set_health(&app, old, "healthy").await;
    round(&app).await;
    after(&app, TimeDelta::hours(47)).await;
    assert_eq!(app.count("SELECT count(*) FROM notice_events").await, 2);
    after(&app, TimeDelta::hours(2)).await;
    assert_eq!(app.count("SELECT count(*) FROM notice_events").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM notice_deliveries").await, 1);
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_lost() {
    let (app, receiver) = told_by_webhook().await;
    let id = app.connector("Payroll").await;
    set_health(&app, id, "needs_reauthorization").await;
    app.take_database_away().await;
    assert!(app.courier.round().await.is_err());
    app.give_database_back().await;
    round(&app).await;
    assert_eq!(kinds(&receiver), ["needs_reauthorization"]);
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_event_and_a_second_message() {
    let (app, _receiver) = told_by_webhook().await;
    let id = app.connector("Payroll").await;
    set_health(&app, id, "needs_reauthorization").await;
    round(&app).await;
    for (copy, constraint) in [
        (
            "INSERT INTO notice_events (id, connector_id, health, began_at, ended_at) SELECT gen_random_uuid(), connector_id, health, began_at, began_at FROM notice_events",
            "notice_events_key",
        ),
        (
            "INSERT INTO notice_events (id, connector_id, health, began_at) SELECT gen_random_uuid(), connector_id, 'failing', began_at FROM notice_events",
            "notice_events_open_key",
        ),
        (
            "INSERT INTO notice_deliveries (id, event_id, occasion, channel, recipient, since, due_at) SELECT gen_random_uuid(), event_id, occasion, channel, recipient, since, due_at FROM notice_deliveries",
            "notice_deliveries_key",
        ),
    ] {
        let refusal = app.try_sql(copy).await.expect_err("refused");
        assert!(refusal.contains(constraint), "{refusal}");
    }
}
