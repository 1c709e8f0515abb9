//! Taking an answer over: once, in time, by whoever asked.

use super::*;

/// A server whose token is `CANARY` for an hour.
async fn server() -> Hostile {
    Hostile::json(&format!(r#"{{"access_token":"{CANARY}","expires_in":3600}}"#)).await
}

#[tokio::test]
async fn is_taken_over_once() {
    let (app, server) = (TestApp::start().await, server().await);
    let id = bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = received(&ana, &server.url("/token")).await;
    assert_eq!(take(&page, "Use this token").await.flash(), STORED);
    app.store_token(id, "another", None).await;
    assert_eq!(take(&page, "Use this token").await.flash(), TOO_LATE);
    assert_eq!((app.token(id).await.as_deref(), audit(&app, "token.stored").await), (Some("another"), 1));
}

#[tokio::test]
async fn of_two_presses_at_once_counts_once() {
    let (app, server) = (TestApp::start().await, server().await);
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = received(&ana, &server.url("/token")).await;
    let answers = join_all((0..10).map(|_| page.form(TAKE).send())).await;
    assert!(answers.iter().all(|answer| answer.status == 303));
    assert_eq!(audit(&app, "token.stored").await, 1);
}

#[tokio::test]
async fn waits_ten_minutes_and_is_then_forgotten() {
    let (app, server) = (TestApp::start().await, server().await);
    let id = bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let (early, late) = (received(&ana, &server.url("/token")).await, received(&ana, &server.url("/token")).await);
    app.advance(TimeDelta::minutes(9));
    assert_eq!(take(&early, "Use this token").await.flash(), STORED);
    app.sql("DELETE FROM tokens").await;
    app.advance(TimeDelta::minutes(1));
    assert_eq!(take(&late, "Use this token").await.flash(), TOO_LATE);
    assert_eq!(app.token(id).await, None);
    assert_eq!(app.count("SELECT count(*) FROM token_requests").await, 1);
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM token_requests").await, 0);
}

#[tokio::test]
async fn belongs_to_whoever_asked_and_to_the_connector_it_was_asked_for() {
    let (app, server) = (TestApp::start().await, server().await);
    bearer(&app).await;
    let other = app.connector_with("Ledger", |new| new.method = Method::Bearer).await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.super_admin().await);
    let page = received(&ana, &server.url("/token")).await;
    let request = page.form(TAKE).value("request").expect("an id").to_string();
    for (who, path) in [(&ben, TAKE), (&ana, "/connectors/ledger/authorization/token")] {
        let answer = who.post(path, &[("request", &request), ("do", "use")]).await.expect(303).follow().await;
        assert_eq!(answer.flash(), TOO_LATE, "{path}");
    }
    for request in ["", "x", "00000000-0000-0000-0000-000000000000", &other.to_string()] {
        assert_eq!(
            ana.post(TAKE, &[("request", request), ("do", "keep")]).await.expect(303).follow().await.flash(),
            TOO_LATE
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM tokens").await, 0);
    assert_eq!(take(&page, "Use this token").await.flash(), STORED, "still there for whom it belongs to");
}

#[tokio::test]
async fn used_without_keeping_fresh_takes_the_stored_sign_in_away() {
    let (app, server) = (TestApp::start().await, server().await);
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    take(&received(&ana, &server.url("/token")).await, "Keep it fresh").await;
    assert_eq!(app.count("SELECT count(*) FROM secrets").await, 1);
    let page = take(&received(&ana, &server.url("/token")).await, "Use this token").await;
    assert_eq!(
        (app.count("SELECT count(*) FROM secrets").await, fact(&page, "Kept fresh").as_str()),
        (0, "No: when it ends, a person has to get a new one")
    );
    ana.post(RENEW, &[]).await.expect(404);
}

#[tokio::test]
async fn is_not_approved_for_a_host_that_was_changed_meanwhile() {
    let (app, server) = (TestApp::start().await, server().await);
    bearer(&app).await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let page = received(&ana, &server.url("/token")).await;
    ben.get(DETAILS).await.submit(|form| form.set("base_url", "https://collector.example.net")).await.expect(303);
    let listed = page.text();
    assert!(listed.contains("it may be sent to"), "{listed}");
    take(&page, "Keep it fresh").await;
    let sets =
        "SELECT array_to_string(origins, ' ') FROM tokens UNION SELECT array_to_string(origins, ' ') FROM secrets";
    let sets = app.rows(sets).await.concat();
    assert!(!sets.is_empty());
    assert!(!sets.concat().contains("collector"), "{sets:?}");
}

#[tokio::test]
async fn shows_nothing_but_text() {
    let markup = "<script>alert(1)</script>";
    let body = format!(r#"{{"access_token":"{markup}","token_type":"x","scope":"{markup} b"}}"#);
    let (app, server) = (TestApp::start().await, Hostile::json(&body).await);
    bearer(&app).await;
    let ana = app.person(&[EditConnectors, ViewActivity]).await;
    let page = received(&ana, &server.url("/token?<script>alert(2)</script>")).await;
    assert!(!page.html.contains("<script>alert"));
    assert_eq!(
        (page.field_value("access_token").as_str(), fact(&page, "Scope").as_str()),
        (markup, "<script>alert(1)</script> b")
    );
    let page = take(&page, "Keep it fresh").await;
    assert!(!page.html.contains("<script>alert"));
    assert!(!ana.get("/connectors/payroll/activity/changes").await.expect(200).html.contains("<script>alert"));
}
