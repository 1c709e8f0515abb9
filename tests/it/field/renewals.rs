//! Renewals, and what a refusal means.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use connectory::authorization::{Need, SecretField};
use connectory::connectors::Grant;
use futures_util::future::join_all;
use serde_json::json;

use crate::api::World;
use crate::support::TestApp;
use crate::support::upstream::{Reply, Seen, Upstream};
use crate::tokens::{give, oauth_connector, renewed_at, site};

const TOKEN: &str = r#"{"access_token":"the-next","token_type":"bearer","expires_in":3600}"#;
/// What Strava answers when the refresh token was revoked.
const STRAVA: &str =
    r#"{"message":"Bad Request","errors":[{"resource":"RefreshToken","field":"refresh_token","code":"invalid"}]}"#;

/// A token server that refuses with these answers, one after another, and then issues tokens.
async fn refusing(refusals: &[(u16, &str)]) -> Upstream {
    let refusals: Vec<(u16, String)> = refusals.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    Upstream::start(move |seen| match refusals.get(seen.number) {
        Some((status, body)) => Reply::json(*status, body),
        None => Reply::json(200, TOKEN),
    })
    .await
}

/// Status, whether the refusal is final, and how many requests were sent.
async fn state(app: &TestApp, server: &Upstream) -> (String, bool, usize) {
    let status = app.value("SELECT status FROM connectors").await;
    let is_final = app.value("SELECT is_final FROM renewals").await == "t";
    (status, is_final, server.seen().len())
}

#[tokio::test]
async fn a_refused_refresh_without_an_error_member_needs_a_person() {
    let app = TestApp::start().await;
    let server = refusing(&[(400, STRAVA); 50]).await;
    renewed_at(&app, &server.url("/token")).await;
    for _ in 0..10 {
        app.advance(TimeDelta::hours(1));
        app.run_due_work().await;
    }
    assert_eq!(state(&app, &server).await, ("needs_reauthorization".into(), true, 1));
    let remedy = app.value("SELECT remedy FROM renewals").await;
    assert!(remedy.starts_with("Authorize again: the refresh token"), "{remedy}");
}

#[tokio::test]
async fn the_password_grant_signs_in_again_after_such_a_refusal() {
    let app = TestApp::start().await;
    let server = refusing(&[(400, STRAVA)]).await;
    let id = oauth_connector(&app, Grant::Password, &server.url("/token"), &server.url("/")).await;
    app.store_secret(id, SecretField::OAuthPassword, "correct-horse").await;
    give(&app, id, Some("the-refresh-token")).await;
    app.advance(TimeDelta::hours(2));
    app.run_due_work().await;
    assert_eq!(app.token(id).await.as_deref(), Some("the-next"));
    let sent: Vec<String> = server.seen().iter().map(|seen| String::from_utf8_lossy(&seen.body).into_owned()).collect();
    assert!(sent[0].contains("grant_type=refresh_token") && sent[1].contains("grant_type=password"), "{sent:?}");
}

/// Salesforce answers one of two refreshes at the same time so.
#[tokio::test]
async fn a_server_that_asks_to_retry_is_asked_again() {
    let app = TestApp::start().await;
    let retry = r#"{"error":"unknown_error","error_description":"retry your request"}"#;
    let server = refusing(&[(400, retry)]).await;
    let id = renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(2));
    app.run_due_work().await;
    assert_eq!(state(&app, &server).await, ("failing".into(), false, 1));
    app.advance(TimeDelta::seconds(31));
    app.run_due_work().await;
    assert_eq!(app.token(id).await.as_deref(), Some("the-next"));
    assert_eq!(state(&app, &server).await, ("healthy".into(), false, 2));
}

#[tokio::test]
async fn an_unknown_refusal_is_tried_less_and_less_often() {
    let app = TestApp::start().await;
    let server = refusing(&[(400, r#"{"error":"E_42"}"#); 100]).await;
    renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(1));
    for _ in 0..24 * 12 {
        app.advance(TimeDelta::minutes(5));
        app.run_due_work().await;
    }
    let (status, is_final, requests) = state(&app, &server).await;
    assert_eq!((status.as_str(), is_final), ("failing", false));
    assert!((20..35).contains(&requests), "{requests} in a day");
}

#[tokio::test]
async fn a_server_may_ask_to_wait_with_any_status() {
    let app = TestApp::start().await;
    let server = Upstream::start(|_| {
        let headers = [("Content-Type", "application/json"), ("Retry-After", "1800")];
        Reply::of(400, &headers, r#"{"error":"slow_down"}"#)
    })
    .await;
    renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(1));
    app.run_due_work().await;
    for (minutes, requests) in [(29, 1), (2, 2)] {
        app.advance(TimeDelta::minutes(minutes));
        app.run_due_work().await;
        assert_eq!(state(&app, &server).await, ("failing".into(), false, requests));
    }
}

const INVALID_CLIENT: &str =
    r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#;

/// Entra's servers do not all know a new secret at once.
#[tokio::test]
async fn a_client_secret_that_is_new_is_tried_again_for_some_minutes() {
    let app = TestApp::start().await;
    let server = refusing(&[(401, INVALID_CLIENT); 3]).await;
    let id = oauth_connector(&app, Grant::ClientCredentials, &server.url("/token"), &server.url("/")).await;
    let page = app.super_admin().await.get("/connectors/payroll/authorization").await;
    let page = page.form("/connectors/payroll/authorization/token-renewals").send().await.expect(200);
    assert!(page.text().contains("The Client Secret was stored a short time ago"), "{}", page.text());
    for seconds in [31, 61, 121] {
        assert_eq!(app.token(id).await, None);
        app.advance(TimeDelta::seconds(seconds));
        app.run_due_work().await;
    }
    assert_eq!(app.token(id).await.as_deref(), Some("the-next"));
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_wrong_client_secret_is_final_once_it_is_no_longer_new() {
    let app = TestApp::start().await;
    let server = refusing(&[(401, INVALID_CLIENT); 50]).await;
    let id = oauth_connector(&app, Grant::ClientCredentials, &server.url("/token"), &server.url("/")).await;
    give(&app, id, None).await;
    for _ in 0..100 {
        app.advance(TimeDelta::minutes(1));
        app.run_due_work().await;
    }
    // It was asked for the first time when the secret was not new any more.
    assert_eq!(state(&app, &server).await, ("needs_reauthorization".into(), true, 1));
}

/// Salesforce says in a SOAP fault under 500 that the session has ended.
#[tokio::test]
async fn a_text_in_any_body_can_say_that_the_token_has_ended() {
    const FAULT: &str = "<faultcode>sf:INVALID_SESSION_ID</faultcode>";
    let issued = Arc::new(AtomicUsize::new(0));
    let world = World::new(move |seen: &Seen| {
        if seen.path() == "/token" {
            issued.fetch_add(1, Ordering::SeqCst);
            return Reply::json(200, TOKEN);
        }
        match seen.header("authorization") {
            Some("Bearer the-next") => Reply::json(200, "{}"),
            _ => Reply::of(500, &[("Content-Type", "text/xml; charset=utf-8")], FAULT),
        }
    })
    .await;
    world.app.sql(&format!(
        "UPDATE authorizations SET keep_fresh = true, token_url = '{}', token_user = 'svc', expired_body = 'INVALID_SESSION_ID'",
        world.api.url("/token")
    ))
    .await;
    world.app.approve_origins(world.connector).await;
    world.app.advance(TimeDelta::minutes(5));
    world.endpoint("accounts", "POST", "/soap").await;
    let answer = world.call("accounts", json!({})).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
}

/// Keycloak, LinkedIn and Intuit say in their answers when the refresh token ends.
#[tokio::test]
async fn a_person_is_asked_in_time_before_the_refresh_token_ends() {
    const TAB: &str = "/connectors/payroll/authorization";
    for name in ["refresh_token_expires_in", "x_refresh_token_expires_in", "refresh_expires_in"] {
        let app = site().await;
        let server = Upstream::start(move |seen| match seen.number {
            0 => Reply::json(
                200,
                &format!(r#"{{"access_token":"a","expires_in":3600,"refresh_token":"r","{name}":6000}}"#),
            ),
            _ => Reply::json(400, r#"{"error":"invalid_grant"}"#),
        })
        .await;
        renewed_at(&app, &server.url("/token")).await;
        app.advance(TimeDelta::hours(1));
        app.run_due_work().await;
        let admin = app.super_admin().await;
        let text = admin.get(TAB).await.expect(200).text();
        assert!(text.contains("Authorize again by") && text.contains("in 100 minutes"), "{text}");
        assert_eq!(state(&app, &server).await, ("healthy".into(), false, 1));
        // A tenth of its life before.
        app.sql("UPDATE tokens SET expires_at = refresh_expires_at; UPDATE renewals SET due_at = NULL").await;
        app.advance(TimeDelta::minutes(91));
        app.run_due_work().await;
        let status = app.value("SELECT status FROM connectors").await;
        assert_eq!(status, "expiring", "{name}");
        let text = admin.get(TAB).await.expect(200).text();
        assert!(text.contains("The refresh token ends soon. Press Authorize again"), "{text}");
        app.advance(TimeDelta::minutes(10));
        app.run_due_work().await;
        let status = app.value("SELECT status FROM connectors").await;
        assert_eq!(status, "needs_reauthorization", "{name}");
    }
}

/// A server that gives a new refresh token with each renewal (Keycloak) never needs a person.
#[tokio::test]
async fn a_refresh_token_that_is_renewed_with_the_access_token_never_ends() {
    let app = TestApp::start().await;
    let server = Upstream::json(
        r#"{"access_token":"a","expires_in":300,"refresh_token":"r","refresh_expires_in":1800,"token_type":"bearer"}"#,
    )
    .await;
    renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(1));
    app.run_due_work().await;
    // Idle, so that its access token is renewed once a day.
    app.sql("UPDATE renewals SET last_used_at = last_used_at - interval '2 days'").await;
    for _ in 0..20 {
        app.advance(TimeDelta::minutes(5));
        app.run_due_work().await;
        let due = "SELECT ceil(extract(epoch FROM r.due_at - t.obtained_at))::bigint FROM renewals r, tokens t";
        let seconds = app.count(due).await;
        assert!((60..1_800).contains(&seconds), "{seconds}");
        app.advance(TimeDelta::seconds(seconds - 300));
        app.run_due_work().await;
        assert_eq!(app.value("SELECT status FROM connectors").await, "healthy");
    }
    assert!(server.seen().len() >= 20, "{}", server.seen().len());
}

/// An API that answers 401 where a permission is missing, however fresh the token is.
#[tokio::test]
async fn an_api_that_always_says_401_causes_one_renewal_a_minute_at_most() {
    let world = World::new(|seen| match seen.path() {
        "/token" => Reply::json(200, TOKEN),
        _ => Reply::json(401, r#"{"error":"insufficient permissions"}"#),
    })
    .await;
    world
        .app
        .sql(&format!(
            "UPDATE authorizations SET keep_fresh = true, token_url = '{}', token_user = 'svc'",
            world.api.url("/token")
        ))
        .await;
    world.app.approve_origins(world.connector).await;
    let requests = || world.api.seen().iter().filter(|seen| seen.path() == "/token").count();
    for minute in 1..=3 {
        world.app.advance(TimeDelta::seconds(61));
        for _ in 0..30 {
            let answer = world.proxied("/echo").await;
            assert_eq!((answer.status, answer.body.contains("insufficient")), (401, true), "{answer:?}");
        }
        assert_eq!(requests(), minute);
    }
}

/// A server that takes each refresh token once, and takes a second use for theft.
#[tokio::test]
async fn two_instances_use_a_rotating_refresh_token_once() {
    let app = TestApp::start().await;
    let server = Upstream::start(|seen| {
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        match (seen.number, body.contains("refresh_token=the-refresh-token")) {
            (0, true) => Reply::json(200, r#"{"access_token":"the-next","expires_in":3600,"refresh_token":"r2"}"#),
            _ => Reply::json(400, r#"{"error":"invalid_grant"}"#),
        }
    })
    .await;
    let id = renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(2));
    let other = app.another_keeper();
    let calls = (0..20).map(|number| [&app.keeper, &other][number % 2].token(id, Need::default()));
    for token in join_all(calls).await {
        let access = token.map(|token| token.access.expose().to_owned());
        assert_eq!(access.map_err(|problem| format!("{problem:?}")), Ok("the-next".to_owned()));
    }
    assert_eq!(server.seen().len(), 1);
}
