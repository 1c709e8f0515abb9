//! A stored secret goes to the host that it was entered for.

use super::*;

const ELSEWHERE: &str = "https://collector.example.net/v1";

async fn save_url(browser: &Browser, url: &str) -> Page {
    browser
        .get(DETAILS)
        .await
        .submit(|form| form.set("base_url", url))
        .await
}

#[tokio::test]
async fn cannot_lead_a_stored_secret_to_another_host() {
    for (method, kept_fresh_too) in [
        (Method::Basic, false),
        (Method::ApiKey, false),
        (Method::Bearer, false),
        (Method::Bearer, true),
    ] {
        let app = TestApp::start().await;
        let id = if kept_fresh_too {
            kept_fresh(&app).await
        } else {
            authorized(&app, method).await
        };
        app.store_secret(id, SecretField::ClientKey, "the client's key")
            .await;
        let ana = app.person(&[EditConnectors]).await;
        for (url, host) in [
            (ELSEWHERE, "https://collector.example.net"),
            (
                "https://api.example.org:8443/v1",
                "https://api.example.org:8443",
            ),
            ("http://api.example.org/v1", "http://api.example.org"),
            (
                "https://api.example.org.collector.example.net/v1",
                "https://api.example.org.collector.example.net",
            ),
        ] {
            let page = save_url(&ana, url).await.expect(422);
            let message = format!(
                "The stored secret was entered for https://api.example.org and would now go to {host}. Tick the box to remove it, then enter it again on the Authorization tab."
            );
            assert_eq!(page.errors(), errors(&[("forget_secrets", &message)]));
            assert_eq!(page.field_value("base_url"), url, "what was typed is kept");
            assert_eq!(
                app.value("SELECT base_url FROM connectors").await,
                "https://api.example.org/v1"
            );
        }
        let page = save_url(&ana, ELSEWHERE).await;
        let page = page
            .submit(|form| form.tick("forget_secrets", "yes").confirmed())
            .await
            .expect(303)
            .follow()
            .await;
        assert_eq!(page.flash(), SAVED);
        assert_eq!(
            app.rows("SELECT field FROM secrets").await,
            [["client_key"]],
            "the key proves nothing to another host"
        );
        assert_eq!(
            (
                app.token(id).await,
                app.value("SELECT keep_fresh FROM authorizations")
                    .await
                    .as_str()
            ),
            (None, "f")
        );
        assert_eq!(status(&app).await, "not_authorized");
        let changes = last_changes(&app, "connector.saved").await;
        assert!(
            changes.contains(&change(
                "Stored secrets",
                "",
                "removed, because the base URL leads to another host"
            )),
            "{changes:?}"
        );
    }
}

#[tokio::test]
async fn may_change_as_long_as_the_host_is_the_same() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    for url in [
        "https://api.example.org/v2",
        "https://API.example.org:443/",
        "HTTPS://api.example.org/v3?tenant=7",
    ] {
        save_url(&ana, url).await.expect(303);
    }
    assert_eq!(
        app.secret(id, SecretField::Password).await.as_deref(),
        Some(OLD)
    );
}

#[tokio::test]
async fn asks_for_nothing_when_nothing_is_stored() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Basic).await;
    app.store_secret(id, SecretField::ClientKey, "the client's key")
        .await;
    let ana = app.person(&[EditConnectors]).await;
    save_url(&ana, ELSEWHERE).await.expect(303);
    assert_eq!(
        app.secret(id, SecretField::ClientKey).await.as_deref(),
        Some("the client's key")
    );
}

#[tokio::test]
async fn that_is_the_first_one_asks_too() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    // Without a base URL the secret goes nowhere, so that it may stay; but then not to any host that somebody names.
    save_url(&ana, "").await.expect(303);
    assert_eq!(
        app.secret(id, SecretField::Password).await.as_deref(),
        Some(OLD)
    );
    let page = save_url(&ana, ELSEWHERE).await.expect(422);
    assert!(
        page.errors()[0].1.contains(
            "was entered for no host at all and would now go to https://collector.example.net"
        ),
        "{:?}",
        page.errors()
    );
    page.submit(|form| form.tick("forget_secrets", "yes").confirmed())
        .await
        .expect(303);
    assert_eq!(app.secret(id, SecretField::Password).await, None);
}

#[tokio::test]
async fn a_box_that_was_ticked_for_nothing_removes_nothing() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    ana.get(DETAILS)
        .await
        .submit(|form| form.set("description", "x").forge("forget_secrets", "yes"))
        .await
        .expect(303);
    assert_eq!(
        app.secret(id, SecretField::Password).await.as_deref(),
        Some(OLD)
    );
}
