//! Seeing the stored token again.

use super::*;

const TOKEN: &str = "canary-token-d1f7";

/// The answer to the form without a password.
async fn page_after(browser: &Browser) -> Page {
    browser.post(REVEAL, &[("own_password", "")]).await.expect(422)
}

async fn stored(app: &TestApp) -> Uuid {
    let id = app
        .connector_with("Payroll", |new| {
            (new.method, new.details.base_url) = (Method::Bearer, HttpUrl::parse("https://api.example.org").ok())
        })
        .await;
    app.store_token(id, TOKEN, None).await;
    id
}

#[tokio::test]
async fn shows_the_token_once_to_whoever_enters_their_own_password() {
    let app = TestApp::start().await;
    let id = stored(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await.click("Reveal token").await.expect(200);
    assert_eq!(
        (page.path.as_str(), page.h1().as_str(), page.header("cache-control")),
        (REVEAL, "Payroll: Reveal token", "no-store")
    );
    assert!(!page.html.contains(TOKEN));
    let page = page.form(REVEAL).set("own_password", PASSWORD).send().await.expect(200);
    assert_eq!((page.field_value("access_token").as_str(), page.header("cache-control")), (TOKEN, "no-store"));
    assert!(!page.html.contains(PASSWORD));
    let event =
        app.rows("SELECT actor_name, subject_id, changes FROM audit_events WHERE kind = 'token.revealed'").await;
    assert_eq!(event, [[ana.user().name.clone(), id.to_string(), "[]".into()]]);
    // The password counts for a quarter of an hour, and the token is still not on a page that is only looked at.
    let page = ana.get(REVEAL).await.expect(200);
    assert!(!page.html.contains(TOKEN));
    assert!(page.form(REVEAL).value("own_password").is_none());
    let page = page.form(REVEAL).send().await.expect(200);
    assert_eq!(page.field_value("access_token"), TOKEN);
    app.advance(chrono::TimeDelta::minutes(15));
    let page = page_after(&ana).await;
    assert!(!page.html.contains(TOKEN), "asks again");
}

#[tokio::test]
async fn refuses_another_password_than_ones_own_and_slows_guessing_down() {
    let app = TestApp::start().await;
    stored(&app).await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let page = ana.get(REVEAL).await;
    for (typed, message) in [
        ("", "Enter your password"),
        (TOKEN, "This is not your password"),
        (" correct horse battery staple", "This is not your password"),
    ] {
        let page = page.form(REVEAL).set("own_password", typed).send().await.expect(422);
        assert_eq!(page.errors(), [("own_password".to_string(), message.to_string())]);
        assert_eq!((page.field_value("own_password").as_str(), page.header("cache-control")), ("", "no-store"));
        assert!(!page.html.contains(TOKEN));
    }
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(page.form(REVEAL).set("own_password", "wrong").send().await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    let throttled = page.form(REVEAL).set("own_password", PASSWORD).send().await.expect(429);
    assert!(!throttled.html.contains(TOKEN));
    assert_eq!(audit(&app, "token.revealed").await, 0);
    ben.get(REVEAL).await.form(REVEAL).set("own_password", PASSWORD).send().await.expect(200);
    app.advance(TimeDelta::seconds(31));
    page.form(REVEAL).set("own_password", PASSWORD).send().await.expect(200);
}

#[tokio::test]
async fn is_not_for_viewers_and_not_for_other_secrets() {
    let app = TestApp::start().await;
    let id = stored(&app).await;
    let ben = app.person(&[ViewConnectors]).await;
    ben.get(REVEAL).await.expect(403);
    let page = ben.post(REVEAL, &[("own_password", PASSWORD)]).await.expect(403);
    assert!(!page.html.contains(TOKEN));

    app.sql("UPDATE connectors SET method = 'basic'; DELETE FROM tokens").await;
    app.store_secret(id, SecretField::Password, TOKEN).await;
    let ana = app.super_admin().await;
    ana.get(REVEAL).await.expect(404);
    ana.post(REVEAL, &[("own_password", PASSWORD)]).await.expect(404);
    assert_eq!(audit(&app, "token.revealed").await, 0);
}
