//! A renewal that fails overwrites nothing, asks seldom, and needs a person only if the server itself says no.

use super::*;

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const NO: &str = r#"{"error":"invalid_grant","error_description":"The grant was withdrawn."}"#;

/// What a server does, and whether that is its own no.
fn failures() -> Vec<(&'static str, Behaviour, bool)> {
    let html = "<!DOCTYPE html><title>Gateway</title><h1>Bad gateway</h1>";
    let as_html = &[("Content-Type", "text/html")];
    vec![
        ("400", answer(400, JSON, NO), true),
        ("200 with an error", answer(200, JSON, NO), true),
        ("502 with a page", answer(502, as_html, html), false),
        ("200 with a page", answer(200, as_html, html), false),
        ("200 without a token", answer(200, JSON, "{}"), false),
        ("429", answer(429, JSON, "{}"), false),
        ("later", answer(400, JSON, r#"{"error":"temporarily_unavailable"}"#), false),
        ("a closed connection", Behaviour::Close, false),
        ("a time-out", Behaviour::Silence, false),
    ]
}

#[tokio::test]
async fn overwrite_nothing_and_cause_few_requests() {
    let app = site().await;
    let id = renewed_at(&app, "https://login.example.org/token").await;
    app.sql("UPDATE authorizations SET time_out = 1").await;
    let other = app.another_keeper();
    for (name, behaviour, is_final) in failures() {
        give(&app, id, Some("the-refresh-token")).await;
        let server = Hostile::start(behaviour).await;
        let url = server.url("/token");
        app.sql(&format!("UPDATE oauth_clients SET token_url = '{url}'")).await;
        app.approve_origins(id).await;
        let before = stored(&app).await;
        app.advance(TimeDelta::hours(2));
        for number in 0..30 {
            let keeper = [&app.keeper, &other][number % 2];
            let no = problem(call(keeper, id).await);
            let expected = match no {
                TokenProblem::Refused(_) => number == 0,
                TokenProblem::Backoff(last) => number > 0 && last.next_attempt().is_none() == is_final,
                _ => false,
            };
            assert!(expected, "{name}, call {number}");
        }
        app.keeper.renew_due().await.expect("the background work");
        assert_eq!(server.requests().len(), 1, "{name}");
        assert_eq!(stored(&app).await, before, "{name}");
        let health = if is_final { "needs_reauthorization" } else { "failing" };
        assert_eq!(status(&app).await, health, "{name}");
    }
}

#[tokio::test]
async fn are_shared_by_all_who_wait_on_both_instances() {
    let app = site().await;
    let server = Hostile::start(Behaviour::Silence).await;
    let id = renewed_at(&app, &server.url("/token")).await;
    app.sql("UPDATE authorizations SET time_out = 1").await;
    app.advance(TimeDelta::hours(2));
    let other = app.another_keeper();
    let calls = (0..30).map(|number| call([&app.keeper, &other][number % 2], id));
    for call in join_all(calls).await {
        let no = problem(call);
        let is_told = matches!(no, TokenProblem::Refused(_) | TokenProblem::Backoff(_));
        assert!(is_told, "{no:?}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn that_may_pass_never_need_a_person_however_many() {
    let Authorized { app, server, id, .. } = authorized().await;
    app.advance(TimeDelta::hours(2));
    server.fail(503, None).await;
    for failures in 1..=12 {
        app.run_due_work().await;
        let found = app.count("SELECT failures FROM renewals").await;
        assert_eq!((found, status(&app).await.as_str()), (failures, "failing"));
        // Half a minute, a minute, … a quarter of an hour.
        let rest = TimeDelta::seconds(30 * (1 << (failures - 1).min(5))).min(TimeDelta::minutes(15));
        app.advance(rest - TimeDelta::seconds(5));
        app.run_due_work().await;
        assert_eq!(app.count("SELECT failures FROM renewals").await, failures);
        app.advance(TimeDelta::seconds(5));
    }
    server.reset().await;
    good(call(&app.keeper, id).await);
    assert_eq!(status(&app).await, "healthy");
    assert_eq!(app.count("SELECT failures FROM renewals").await, 0);
}

#[tokio::test]
async fn leave_the_server_alone_for_as_long_as_it_asks() {
    let app = site().await;
    let headers = [JSON[0], ("Retry-After", "600")];
    let server = Hostile::start(answer(503, &headers, "{}")).await;
    let id = renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(2));
    for (minutes, requests) in [(0, 1), (9, 1), (2, 2)] {
        app.advance(TimeDelta::minutes(minutes));
        problem(call(&app.keeper, id).await);
        app.run_due_work().await;
        assert_eq!(server.requests().len(), requests);
    }
}

#[tokio::test]
async fn leave_a_token_that_still_lives_in_use() {
    let Authorized { app, server, id, .. } = authorized().await;
    server.fail(500, None).await;
    let first = good(call(&app.keeper, id).await);
    app.advance(TimeDelta::minutes(57));
    for _ in 0..30 {
        let token = good(call(&app.keeper, id).await);
        assert_eq!(token.version, first.version);
    }
    app.keeper.finish().await;
    assert_eq!(server.seen().await.arrived, 1);
    assert_eq!(status(&app).await, "failing");
}

#[tokio::test]
async fn of_a_server_that_was_moved_are_forgotten_with_a_save() {
    let app = site().await;
    let server = Hostile::start(answer(400, JSON, NO)).await;
    let id = renewed_at(&app, &server.url("/token")).await;
    app.advance(TimeDelta::hours(2));
    problem(call(&app.keeper, id).await);
    let admin = app.super_admin().await;
    let form = admin.get(TAB).await.form(TAB).set("time_out", "7");
    form.send().await.expect(303);
    assert!(matches!(problem(call(&app.keeper, id).await), TokenProblem::Refused(_)));
    assert_eq!(server.requests().len(), 2);
}
